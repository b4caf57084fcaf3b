"""What Nova's virt driver calls: ``python -m provisioning.lab_cloud.hook VERB FOLDER`` with the folder of a server.

``boot`` creates the server and boots it the first time, with its user data; ``off`` and ``on`` cut and give back its power;
``kill`` takes it away. 0 when that is so; 1, with the reason on standard error, when the lab could not: what goes wrong inside
a server that runs is told in its console, as on any cloud, and is no failure of it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from lab import hot_plug
from lab.errors import CommandFailed, LabError
from lab.host import LabHost
from lab.state import process_identity
from provisioning.deployment import DeploymentError
from provisioning.lab_cloud import hosts
from provisioning.lab_cloud.cloud_lab import CloudLab, attached
from provisioning.lab_cloud.server import CONSOLE, PROCESS, Server, read, those_that_run

_USER_DATA = "/run/user-data"
_WITHIN = 120.0  # s for a boot or for user data: 6 on a calm machine, most of them spent asking for DHCP where there is none


def main(arguments: list[str]) -> int:
    """Do it; the exit status."""
    verb, folder = arguments
    try:
        _VERBS[verb](read(Path(folder)))
    except (LabError, DeploymentError, OSError) as why:
        print(why, file=sys.stderr)  # noqa: T201 - the driver reads it
        return 1
    return 0


def _boot(server: Server) -> None:
    with attached(server.folder) as cloud:
        host = _created(cloud, server)
        try:
            (server.folder / PROCESS).write_text(process_identity(host.pid) or "")
            _serve_dhcp(cloud, server.region)
        except BaseException:
            _remove(cloud, server)
            raise
    try:
        host.write(host.spec.files)
    except LabError:
        _kill(server)
        raise
    _start(host, server)
    if server.user_data.startswith(b"#!"):
        host.write({_USER_DATA: (server.user_data, 0o700)})
        _run(host, server, "user data", _USER_DATA)
    elif server.user_data:
        _console(server, "user data: it does not begin with #!, and nothing here reads another kind")


def _kill(server: Server) -> None:
    with attached(server.folder) as cloud:
        _remove(cloud, server)


def _off(server: Server) -> None:
    with attached(server.folder) as cloud:
        host = cloud.lab.host(cloud.hosts.name(server))
        cloud.lab.fabric.set_links(host.name, [nic.name for nic in host.spec.nics], up=False)
        host.kill_everything()
        host.run("conntrack", "--flush")  # a machine's sessions die with it, a container's would not
    _console(server, "power off")


def _on(server: Server) -> None:
    with attached(server.folder) as cloud:
        host = cloud.lab.host(cloud.hosts.name(server))
        cloud.lab.fabric.set_links(host.name, [nic.name for nic in host.spec.nics], up=True)
    _start(host, server)


_VERBS: Mapping[str, Callable[[Server], None]] = {"boot": _boot, "kill": _kill, "off": _off, "on": _on}


def _created(cloud: CloudLab, server: Server) -> LabHost:
    host = cloud.hosts.host(server)
    if host.name in cloud.lab.hosts:
        raise LabError(f"{host.name} runs already: delete that server, or give this one another name")
    return hot_plug.add(cloud.lab, host, hosts.segments(server))


def _remove(cloud: CloudLab, server: Server) -> None:
    name = cloud.hosts.name(server)
    if name in cloud.lab.hosts:
        hot_plug.remove(cloud.lab, name)
    (server.folder / PROCESS).unlink(missing_ok=True)
    _serve_dhcp(cloud, server.region)


def _serve_dhcp(cloud: CloudLab, region: str) -> None:
    """Have the region's DHCP service know the ports of those that run, as Neutron's agent does."""
    wanted, lab = cloud.hosts.dhcp(region, those_that_run(cloud.servers)), cloud.lab
    present = lab.hosts.get(wanted.name)
    if present is not None and present.spec.nics == wanted.nics:
        present.kill_everything()
        present.spec = wanted
        present.boot()
        return
    if present is not None:
        hot_plug.remove(lab, wanted.name)
    if wanted.nics:
        hot_plug.add(lab, wanted, lab.topology.segments).boot()


# What the console shows


def _start(host: LabHost, server: Server) -> None:
    _run(host, server, "boot", "sh", "-c", host.spec.boot)


def _run(host: LabHost, server: Server, what: str, *command: str) -> None:
    try:
        done = host.run(*command, timeout=_WITHIN)
    except CommandFailed as late:
        _console(server, f"{what}: {late}")
        return
    _console(server, f"{what}: ended with status {done.status}", done.stdout, done.stderr)


def _console(server: Server, *texts: str) -> None:
    with (server.folder / CONSOLE).open("a") as console:
        console.writelines(f"{text.rstrip()}\n" for text in texts if text.strip())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
