"""From appliances that a first boot left reachable to pairs that run the plan, by the management API alone.

``python -m provisioning.appliance.setting_up DIR STORE [REACH]`` does it from where it is run; ``rempart cloud configure`` runs
it in the administrator's place.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from provisioning.appliance import cluster_commands
from provisioning.appliance.api import Api
from provisioning.appliance.driver import Access, MemberState
from provisioning.appliance.errors import ApplianceError, CommandRefused, LoginRefused
from provisioning.appliance.tree import Tree
from provisioning.deployment import Deployment, DeploymentError, load
from provisioning.deployment_model import Member, Site
from provisioning.live.reach_file import Reach, read
from provisioning.secrets import Secrets, SecretUnavailable

ANSWERS_WITHIN = 120.0  # s for an appliance whose server is ACTIVE; it still boots
PAIRED_WITHIN = 90.0  # s: the second member starts again
ONE_WORD = 60.0  # s for an answer: some commands have the appliance ask by DHCP, or wait for its peer
_PAUSE = 0.5  # s between two looks
_NOT_YET = 25.0  # s after a refused login: the third within a minute would have us banned

Tell = Callable[[str], None]


def set_up(deployment: Deployment, reach: Reach, secrets: Secrets, tell: Tell) -> list[ApplianceError]:
    """All sites side by side; what went wrong. One that is as planned is left alone. Raises SecretUnavailable."""
    for name in deployment.secrets:
        secrets.value(name)
    pool = ThreadPoolExecutor(max_workers=len(deployment.sites))
    running = [pool.submit(_site, deployment, site, reach, secrets, tell) for site in deployment.sites.values()]
    try:
        errors = [each.exception() for each in running]
    finally:
        pool.shutdown(wait=False, cancel_futures=True)  # whoever interrupts us does not wait for an appliance
    for error in errors:
        if error is not None and not isinstance(error, ApplianceError):
            raise error
    return [error for error in errors if isinstance(error, ApplianceError)]


def _site(deployment: Deployment, site: Site, reach: Reach, secrets: Secrets, tell: Tell) -> None:
    first, *others = (_access(site, member, reach, secrets) for member in site.firewall.members)
    with _wanted(deployment, site, secrets) as wanted:
        with _answering(first) as api:
            done = api.write(wanted)
            tell(f"{site.name}: {first.name}: {len(done)} commands" if done else f"{site.name}: {first.name} is as planned")
            if not others:
                return
            paired = len(api.members())
            if not paired:
                for line in cluster_commands.create(wanted, wanted.configuration.ha.password):
                    api.must(line)
                tell(f"{site.name}: {first.name} has created the cluster")
        if paired < 2:
            _join(site, others[0], wanted.configuration.ha.password)
            tell(f"{site.name}: {others[0].name} joins, and starts again")
    with _paired(first) as api:
        api.synchronise()
    tell(f"{site.name}: a pair, synchronised")


def _join(site: Site, second: Access, password: str) -> None:
    address = site.firewall.members[0].ha_address
    assert address is not None  # noqa: S101 - a pair's members have one, the plan's reader sees to it
    with _answering(second) as api:
        for line in cluster_commands.join(address, password):
            api.must(line)


@contextmanager
def _answering(access: Access) -> Iterator[Api]:
    """A session, as soon as the appliance lets us in. Raises ApplianceError when it still does not."""
    end = time.monotonic() + ANSWERS_WITHIN
    while True:
        try:
            api = Api(access)
            break
        except ApplianceError as why:
            if time.monotonic() > end:
                raise
            pause = _NOT_YET if isinstance(why, LoginRefused) else _PAUSE
        time.sleep(pause)
    with api:
        yield api


@contextmanager
def _paired(first: Access) -> Iterator[Api]:
    """A session with the pair, once both members reply. Raises ApplianceError."""
    end = time.monotonic() + PAIRED_WITHIN
    while True:
        with _answering(first) as api:
            members = _members(api)
            if sorted(member.mode for member in members if member.replies) == ["active", "passive"]:
                yield api
                return
        if time.monotonic() > end:
            said = ", ".join(f"{each.serial}: {each.mode or 'no reply'}" for each in members) or "no members"
            raise ApplianceError(
                str(first.address), f"no pair after {PAIRED_WITHIN:g} s: {said}", "look at HA INFO on both members"
            )
        time.sleep(_PAUSE)


def _members(api: Api) -> Sequence[MemberState]:
    """The members as the first of them tells; none while its own high availability only starts."""
    try:
        return api.members()
    except CommandRefused:
        return ()


def _access(site: Site, member: Member, reach: Reach, secrets: Secrets) -> Access:
    way = reach.firewalls.get(member.id)
    return Access(
        address=member.ports[site.network_of("external").name],
        name=member.serial,
        password=secrets.value("admin_password"),
        authority=way.authority if way else None,
        timeout=ONE_WORD,
        unsigned=bool(way and way.unsigned_backups),
    )


@contextmanager
def _wanted(deployment: Deployment, site: Site, secrets: Secrets) -> Iterator[Tree]:
    """The site's files with the secrets in them, readable by us alone, while they are needed."""
    with tempfile.TemporaryDirectory(prefix="rempart-wanted-") as folder:
        for source, name in (
            (deployment.configuration_folder(site.name), "ConfigFiles"), (deployment.data_folder(site.name), "Data"),
        ):  # fmt: skip
            if source.is_dir():
                shutil.copytree(source, Path(folder) / name, copy_function=shutil.copyfile)
        for path in Path(folder).rglob("*"):
            if path.is_file() and b"${secret:" in (content := path.read_bytes()):
                path.write_text(secrets.fill(content.decode()))
        yield Tree.of(Path(folder) / "ConfigFiles", site.name)


def main(arguments: list[str]) -> int:
    """0 done, 1 an appliance did not, 2 the deployment cannot be used, 130 interrupted."""
    folder, store, *named = map(Path, arguments)

    def say(text: str) -> None:
        print(text, flush=True)  # noqa: T201

    try:
        deployment = load(folder)
        secrets = Secrets(deployment.secrets, deployment.folder, store)
        failures = set_up(deployment, read(deployment, named[0] if named else None), secrets, say)
    except (DeploymentError, SecretUnavailable) as why:
        print(f"rempart: {why}", file=sys.stderr)  # noqa: T201
        return 2
    except KeyboardInterrupt:
        os._exit(130)  # sessions that are open are not waited for; what was begun is finished when this is run again
    for failure in failures:
        print(f"rempart: {failure}", file=sys.stderr)  # noqa: T201
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
