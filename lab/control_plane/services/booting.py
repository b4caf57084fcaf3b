# mypy: ignore-errors
# ruff: noqa: ARG002
"""A hypervisor whose servers are hosts of a lab: it tells of a server in a file and has a command do the rest.

The contract is the folder ``SERVERS/ID`` and a command, both given in ``REMPART_HYPERVISOR``: ``server.json`` is what there is
to know of the server, ``console.log`` what it says, ``process`` the identity (pid and start time) of its first process. The
command gets a verb and the folder: ``boot``, ``kill``, ``off``, ``on``. What state a server is in is read from the kernel, so
it survives a restart of Nova.
"""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import Any

import nova.conf
from hypervisor import Hypervisor
from nova import exception
from nova.compute import power_state
from nova.virt import hardware

SETTINGS = "REMPART_HYPERVISOR"
OFF = 2  # processes that a server without power has: its container's first one, and the sleep of that
REASON = 600  # characters of the command's complaint in a server's fault


class Booting(Hypervisor):
    """Servers that boot. Volumes, resizing and further interfaces are as little there as in Nova's own fake driver."""

    capabilities = {**Hypervisor.capabilities, "supports_attach_interface": False}  # noqa: RUF012 - as its base has it

    def __init__(self, virtapi: Any, read_only: bool = False) -> None:
        super().__init__(virtapi, read_only)
        settings = json.loads(os.environ[SETTINGS])
        self._command: list[str] = settings["command"]
        self._servers = Path(settings["servers"])

    def list_instance_uuids(self) -> list[str]:
        """The servers of this host."""
        return [folder.name for folder in self._mine()]

    def list_instances(self) -> list[str]:
        """Their names, as Nova calls them."""
        return [json.loads((folder / "server.json").read_text())["instance"] for folder in self._mine()]

    def spawn(
        self,
        context: Any,
        instance: Any,
        image_meta: Any,
        injected_files: Any,
        admin_password: Any,
        allocations: Any,
        network_info: Any = None,
        **options: Any,
    ) -> None:
        """Create and boot a server. Raises BuildAbortException: another host would fare no better."""
        self._inspect(context, image_meta)
        folder = self._servers / instance.uuid
        folder.mkdir(parents=True, exist_ok=True)
        part = folder / "server.json.part"
        part.write_text(json.dumps(self._told(instance, image_meta, network_info)))
        part.rename(folder / "server.json")  # all of it or nothing: others look for it meanwhile
        try:
            self._have("boot", instance)
        except RuntimeError as why:
            shutil.rmtree(folder, ignore_errors=True)
            raise exception.BuildAbortException(instance_uuid=instance.uuid, reason=str(why)) from why

    def destroy(self, context: Any, instance: Any, network_info: Any, *rest: Any, **options: Any) -> None:
        """Take a server away; one that is gone already is well."""
        folder = self._servers / instance.uuid
        if folder.exists():
            self._have("kill", instance)
            shutil.rmtree(folder, ignore_errors=True)

    def cleanup(self, context: Any, instance: Any, network_info: Any, *rest: Any, **options: Any) -> None:
        """Nothing is left after :meth:`destroy`."""

    def power_off(self, instance: Any, timeout: int = 0, retry_interval: int = 0) -> None:
        """Cut its power: nothing in the lab listens for a button."""
        if self.get_info(instance).state == power_state.RUNNING:
            self._have("off", instance)

    def power_on(self, context: Any, instance: Any, *rest: Any, **options: Any) -> None:
        """Give it back."""
        if self.get_info(instance).state == power_state.SHUTDOWN:
            self._have("on", instance)

    def reboot(self, context: Any, instance: Any, *rest: Any, **options: Any) -> None:
        """Both; a soft reboot is no softer."""
        self.power_off(instance)
        self.power_on(context, instance)

    def get_info(self, instance: Any, use_cache: bool = True) -> Any:
        """Its state, as the kernel has it. Raises InstanceNotFound."""
        processes = _processes(self._servers / instance.uuid / "process")
        if not processes:
            raise exception.InstanceNotFound(instance_id=instance.uuid)
        return hardware.InstanceInfo(state=power_state.SHUTDOWN if processes <= OFF else power_state.RUNNING)

    def get_console_output(self, context: Any, instance: Any) -> bytes:
        """What its boots and its user data said."""
        with suppress(FileNotFoundError):
            return (self._servers / instance.uuid / "console.log").read_bytes()
        return b""

    def attach_interface(self, context: Any, instance: Any, image_meta: Any, vif: Any) -> None:
        """A server has the interfaces that it was created with."""
        raise exception.InterfaceAttachFailed(instance_uuid=instance.uuid)

    def detach_interface(self, context: Any, instance: Any, vif: Any) -> None:
        """See :meth:`attach_interface`."""
        raise exception.InterfaceDetachFailed(instance_uuid=instance.uuid)

    def _mine(self) -> list[Path]:
        found = self._servers.glob("*/server.json")
        return [each.parent for each in found if json.loads(each.read_text())["host"] == self._host]

    def _told(self, instance: Any, image_meta: Any, network_info: Any) -> dict[str, Any]:
        return {
            "instance": instance.name,
            "host": self._host,
            "name": instance.display_name,
            "hostname": instance.hostname,
            "region": nova.conf.CONF.neutron.region_name,
            "distribution": image_meta.properties.get("os_distro") or "",
            "key": (instance.key_data or "").strip(),
            "user_data": base64.b64decode(instance.user_data or "").hex(),
            "vifs": [_vif(vif) for vif in network_info or ()],
        }

    def _have(self, verb: str, instance: Any) -> None:
        done = subprocess.run(
            [*self._command, verb, str(self._servers / instance.uuid)], capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise RuntimeError(f"the lab did not {verb} it: {(done.stderr or done.stdout).strip()[-REASON:]}")


def _vif(vif: Any) -> dict[str, Any]:
    """What a port and its subnet say of an interface."""
    subnet = vif["network"]["subnets"][0]
    address, details = subnet["ips"][0]["address"], vif["details"]
    gateway = subnet["gateway"]["address"] if subnet.get("gateway") else None
    return {
        "port": vif["id"],
        "mac": vif["address"],
        "vlan": details.get("vrack_vlan"),
        "network": vif["network"]["id"],
        "address": f"{address}/{subnet['cidr'].rpartition('/')[2]}",
        "gateway": gateway,
        "nameservers": [each["address"] for each in subnet["dns"]],
        "routes": [[route["cidr"], route["gateway"]["address"]] for route in subnet["routes"]],
        "dhcp": details.get("dhcp", []),
    }


def _processes(identity: Path) -> int:
    """How many there are in the server whose first one this is; none for a server that is gone."""
    try:
        pid, _, started = identity.read_text().partition(":")
        space = Path(f"/proc/{pid}/ns/pid").readlink()
        if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19] != started:
            return 0
    except (OSError, IndexError):
        return 0
    number = 0
    for process in Path("/proc").glob("[0-9]*/ns/pid"):
        with suppress(OSError):
            number += process.readlink() == space
    return number
