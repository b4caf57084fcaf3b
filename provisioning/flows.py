"""The flows that a deployment has, one of each class: what goes through a site's firewall while its members change."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from lab.flows.plan import Flow
from provisioning.deployment_model import Site

if TYPE_CHECKING:
    from provisioning.environment import LabEnvironment

_ANY_PORT = 40_000  # where the policy lets every port through
_MESSAGE = 1_000  # bytes of a message of a long transfer: 500 kB/s at 500 a second


def flows_of(environment: LabEnvironment, site: Site, vpn_devices: Mapping[str, str] | None = None) -> list[Flow]:
    """One flow at least of every class that a site has.

    ``vpn_devices`` are the devices of the VPN user's tunnels, by transport; none is connected when it is not given.
    """
    return [
        *_egress(environment, site),
        *_published(environment, site),
        *_tunnels(environment, site),
        *_vpn(environment, site, vpn_devices or {}),
        _administration(environment, site),
        *_local(environment, site),
    ]


def _egress(environment: LabEnvironment, site: Site) -> Iterator[Flow]:
    internet = environment.deployment.internet
    near, far = environment.web_server(site.name).pid, environment.host("public").pid
    resolver, mirror = str(internet.resolver), str(internet.mirror)
    yield Flow(name="UDP to the Internet", flow_class="nat", kind="datagrams", near=near, far=far, address=resolver, port=53)
    yield Flow(name="pings to the Internet", flow_class="nat", kind="pings", near=near, far=far, address=mirror)
    yield Flow(name="the download", flow_class="tcp", kind="stream", near=near, far=far, address=mirror, port=80,
               there=False, size=_MESSAGE)  # fmt: skip
    yield Flow(name="the upload", flow_class="tcp", kind="stream", near=near, far=far, address=mirror, port=80,
               back=False, size=_MESSAGE)  # fmt: skip


def _published(environment: LabEnvironment, site: Site) -> Iterator[Flow]:
    address = str(environment.deployment.public_address(site.name))
    for entry in site.published:
        far = environment.host(site.hosts[entry.host].id).pid
        yield Flow(
            name=f"a session with the published {entry.name}" if entry.protocol == "tcp" else f"the published {entry.name}",
            flow_class="published",
            kind="stream" if entry.protocol == "tcp" else "datagrams",
            near=environment.stranger.pid,
            far=far,
            address=address,
            port=entry.port,
        )


def _tunnels(environment: LabEnvironment, site: Site) -> Iterator[Flow]:
    deployment = environment.deployment
    here = environment.web_server(site.name)
    for tunnel in deployment.tunnels_of(site.name):
        other = deployment.site(tunnel.other(site.name))
        there = environment.web_server(other.name)
        far_address = str(other.hosts_of("web")[0].address)
        yield Flow(name=f"UDP to {other.name}", flow_class="ipsec", kind="datagrams", near=here.pid, far=there.pid,
                   address=far_address, port=_ANY_PORT)  # fmt: skip
        yield Flow(name=f"pings to {other.name}", flow_class="ipsec", kind="pings", near=here.pid, far=there.pid,
                   address=far_address)  # fmt: skip


def _vpn(environment: LabEnvironment, site: Site, devices: Mapping[str, str]) -> Iterator[Flow]:
    far, address = environment.web_server(site.name).pid, str(site.hosts_of("web")[0].address)
    for transport, device in devices.items():
        yield Flow(name=f"a VPN user over {transport.upper()}", flow_class=f"sslvpn_{transport}", kind="datagrams",
                   near=environment.vpn_client.pid, far=far, address=address, port=_ANY_PORT, device=device)  # fmt: skip


def _administration(environment: LabEnvironment, site: Site) -> Flow:
    command = ("ssh", "-o", "LogLevel=QUIET", f"admin@{environment.deployment.public_address(site.name)}", "cat")
    return Flow(name="an SSH session with the firewall", flow_class="administration", kind="shell",
                near=environment.administrator.pid, command=command, back=False)  # fmt: skip


def _local(environment: LabEnvironment, site: Site) -> Iterator[Flow]:
    """What does not go through the firewall: a change of members must not be seen here, and what is seen is the machine."""
    here = environment.web_server(site.name)
    for host in site.hosts.values():
        if environment.host(host.id) is not here and host.network == _network_of(site):
            yield Flow(name=f"UDP beside the firewall, to {host.name}", flow_class="local", kind="datagrams", near=here.pid,
                       far=environment.host(host.id).pid, address=str(host.address), port=_ANY_PORT)  # fmt: skip


def _network_of(site: Site) -> str:
    return site.hosts_of("web")[0].network
