"""From what is there to what is wanted, one resource at a time. Whatever interrupts it, the next run goes on from there."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from provisioning.cloud import computing, imaging, networking
from provisioning.cloud.difference import ACTING, Action, Change, changes
from provisioning.cloud.errors import CloudError
from provisioning.cloud.observation import observe
from provisioning.cloud.patience import Patience
from provisioning.cloud.region import Region
from provisioning.cloud.resources import (
    Found,
    Image,
    KeyPair,
    Network,
    Port,
    Resource,
    SecurityGroup,
    Server,
    ServerGroup,
    Subnet,
)

BOOT_WITHIN = 600.0  # s: a large flavor with a large image that its hypervisor has not got yet
GONE_WITHIN = 180.0  # s
POLL = 0.5  # s
REPORT_EVERY = 10.0  # s

_CREATE: Mapping[str, Callable[..., str]] = {
    KeyPair.kind: computing.create_key_pair,
    Image.kind: imaging.create,
    ServerGroup.kind: computing.create_group,
    SecurityGroup.kind: networking.create_group,
    Network.kind: networking.create_network,
    Subnet.kind: networking.create_subnet,
    Port.kind: networking.create_port,
}
_UPDATE: Mapping[str, Callable[..., None]] = {
    Image.kind: imaging.update,
    SecurityGroup.kind: networking.update_group,
    Network.kind: networking.update_network,
    Subnet.kind: networking.update_subnet,
    Port.kind: networking.update_port,
}
_DELETE: Mapping[str, Callable[..., None]] = {
    Image.kind: imaging.delete,
    **dict.fromkeys((KeyPair.kind, ServerGroup.kind, Server.kind), computing.delete),
    **dict.fromkeys((SecurityGroup.kind, Network.kind, Subnet.kind, Port.kind), networking.delete),
}


@dataclass
class Execution:
    """One run over all regions. ``fill`` puts secrets into a text; ``clock`` and ``patience`` are the time's."""

    regions: Mapping[str, Region]
    wanted: Sequence[Resource]
    patience: Patience
    tell: Callable[[str], None]
    fill: Callable[[str], str]
    clock: Callable[[], float] = time.monotonic

    def observe(self) -> tuple[Found, ...]:
        """What is in all regions."""
        found: list[Found] = []
        for region in self.regions.values():
            there = observe(region, self.patience)
            region.learn(there)
            found += there
        return tuple(found)

    def plan(self) -> tuple[Change, ...]:
        """What there is to do. Raises CloudError when the cloud does not answer."""
        return changes(self.wanted, self.observe())

    def carry_out(self, told: Sequence[Change]) -> None:
        """Do it, and wait until every server runs. Raises CloudError at the first thing that the cloud refuses."""
        acting = [change for change in told if change.action in ACTING]
        for number, change in enumerate(acting, start=1):
            began = self.clock()
            self._do(change)
            self.tell(f"[{number}/{len(acting)}] {change} ({self.clock() - began:.1f} s)")
        if acting:
            self._await_servers()

    def _do(self, change: Change) -> None:
        wanted, found, region = change.resource, change.found, self.regions[change.key.region]
        if found is not None and isinstance(wanted, Image) and imaging.waits_for_content(wanted, found):
            region.created(wanted.key, self.patience(str(wanted.key), lambda: imaging.fill(region, wanted, found)))
            return
        if change.action in (Action.REMOVE, Action.REPLACE):
            assert change.found is not None  # noqa: S101 - of these actions
            self.delete(change.found)
        if change.action in (Action.CREATE, Action.REPLACE):
            assert change.resource is not None  # noqa: S101 - of these actions
            self._create(change.resource)
        elif change.action == Action.UPDATE:
            self._update(change)

    def _create(self, wanted: Resource) -> None:
        """Create it, unless an earlier try, whose answer was lost, has: so it can be asked for again."""
        region, tries = self.regions[wanted.region], 0

        def ask() -> str:
            nonlocal tries
            tries += 1
            if tries > 1:
                for each in observe(region, self.patience):
                    if each.key == wanted.key and each.ours and not each.unfinished:
                        if update := _UPDATE.get(wanted.kind):
                            update(region, wanted, each.id)  # it may lack what is asked for after the creation
                        return each.id
            if isinstance(wanted, Server):
                return computing.create_server(region, wanted, self.fill)
            return _CREATE[wanted.kind](region, wanted)

        region.created(wanted.key, self.patience(str(wanted.key), ask))

    def _update(self, change: Change) -> None:
        wanted, found = change.resource, change.found
        assert wanted is not None and found is not None  # noqa: S101, PT018 - of this action
        region = self.regions[wanted.region]
        if isinstance(wanted, Server):
            self.patience(str(wanted.key), lambda: self._awaken(region, found))
        else:
            self.patience(str(wanted.key), lambda: _UPDATE[wanted.kind](region, wanted, found.id))

    def _awaken(self, region: Region, found: Found) -> None:
        """What a server can be behind with is its start: one that is being built is waited for."""
        if found.values["status"] == "SHUTOFF":
            computing.start(region, found.id)

    def _await_servers(self) -> None:
        for wanted in self.wanted:
            if isinstance(wanted, Server):
                region = self.regions[wanted.region]
                identifier = region.id_of(*wanted.key[1:])
                self._until(partial(self._runs, region, identifier), BOOT_WITHIN, f"{wanted.key} to be ACTIVE")

    def _runs(self, region: Region, identifier: str) -> tuple[bool, str]:
        server = self.patience(f"{region.name}: looking at a server", lambda: region.cloud.compute.get_server(identifier))
        if server.status == "ERROR":
            raise CloudError(f"{region.key(Server.kind, server.name)} is in ERROR: {computing.fault_of(server)}")
        return server.status == "ACTIVE", f"{server.status}, {server.task_state or 'no task'}"

    def delete(self, each: Found) -> None:
        """Delete one of ours; it is gone when this returns."""
        self.remove(each)
        if each.key.kind == Server.kind:
            region = self.regions[each.key.region]
            self._until(lambda: self._is_gone(region, each.id), GONE_WITHIN, f"{each.key} to be gone")

    def remove(self, each: Found) -> None:
        """Ask for the end of one of ours; only a server takes a while to go."""
        region = self.regions[each.key.region]
        self.patience(str(each.key), lambda: _DELETE[each.key.kind](region, each))

    def _is_gone(self, region: Region, identifier: str) -> tuple[bool, str]:
        from openstack import exceptions

        def look() -> str:
            try:
                return str(region.cloud.compute.get_server(identifier).status)
            except exceptions.NotFoundException:
                return ""

        status = self.patience(f"{region.name}: looking at a server", look)
        return status in ("", "DELETED"), status

    def _until(self, look: Callable[[], tuple[bool, str]], within: float, phase: str) -> None:
        """Look until it is so, telling now and then what is waited for. Raises CloudError when it is late."""
        began = told = self.clock()
        while True:
            done, seen = look()
            if done:
                return
            now = self.clock()
            if now - began > within:
                raise CloudError(f"waited {within:g} s for {phase}; last seen: {seen}")
            if now - told >= REPORT_EVERY:
                told = now
                self.tell(f"waiting for {phase}: {seen}, {now - began:.0f} s")
            self.patience.sleep(POLL)
