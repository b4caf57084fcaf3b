"""One host of each role on one small plan, with addresses of its own: no deployment's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Interface, IPv4Network
from types import ModuleType

from lab.roles import baremetal, client, dhcp, gateway, public, web
from lab.roles.boot import Setup
from lab.roles.listening import Listener
from lab.roles.network import Route
from lab.roles.nginx import Download
from lab.roles.sshd import SshServer
from lab.topology import Host, Nic, Segment, Topology

BLOCK = IPv4Network("192.0.2.8/29")
RESOLVER = IPv4Address("198.51.100.53")
SITE = IPv4Address("198.51.100.10")
PRIVATE = IPv4Network("10.20.0.0/16")
WEB = IPv4Address("10.20.0.10")
BAREMETAL = IPv4Address("10.20.0.20")
TAGGED = IPv4Address("10.20.0.21")  # a second bare-metal server, addressed by hand

TO_BLOCK = (Route(BLOCK, IPv4Address("198.51.100.1")),)


@dataclass(frozen=True, slots=True)
class Credentials:
    """What the lab's authorities and keys are for this small lab."""

    authority: bytes
    certificate: bytes
    key: bytes
    host_key: bytes
    user_key: bytes
    user_public_key: bytes


def setups(given: Credentials) -> dict[str, tuple[ModuleType, Setup]]:
    """Every host of the small lab: its role's module and what the role made of the facts."""
    ssh = SshServer("ubuntu", given.user_public_key, given.host_key)
    default = Route(IPv4Network("0.0.0.0/0"), IPv4Address("192.0.2.14"))
    subnet = dhcp.Subnet(
        nic="eth0",
        network=PRIVATE,
        own=(IPv4Address("10.20.0.2"), IPv4Address("10.20.0.3")),
        gateway=IPv4Address("10.20.0.1"),
        nameservers=(RESOLVER,),
        routes=(Route(IPv4Network("169.254.169.254/32"), IPv4Address("10.20.0.2")),),
        reservations=(
            dhcp.Reservation("02:00:00:00:20:10", WEB, "web"),
            dhcp.Reservation("02:00:00:00:20:20", BAREMETAL, "baremetal"),
        ),
    )
    neighbour = dhcp.Subnet(
        nic="eth1",
        network=IPv4Network("192.168.9.0/29"),
        own=(IPv4Address("192.168.9.1"), IPv4Address("192.168.9.2")),
        gateway=None,
        reservations=(dhcp.Reservation("02:00:00:00:09:03", IPv4Address("192.168.9.3"), "member"),),
    )
    return {
        "dhcp": (dhcp, dhcp.dhcp(name="dhcp", subnets=[subnet, neighbour])),
        "gateway": (gateway, gateway.gateway(name="gateway")),
        "public": (
            public,
            public.public(
                name="public",
                addresses=[IPv4Interface("198.51.100.10/24"), IPv4Interface("198.51.100.53/24")],
                sites=[
                    public.Site("www.allowed.example", SITE, pages=("/", "/start/")),
                    public.Site("www.refused.example", SITE),
                    public.Site("echo.example", SITE, pages=(), echo=True),
                    public.Site("mirror.example", SITE, pages=(), download=Download("/big", 1_000_000, 2_000_000)),
                ],
                certificate=public.Certificate(given.certificate, given.key),
                authorities=given.authority,
                resolver_address=RESOLVER,
                remote=TO_BLOCK,
                listeners=[
                    Listener("echo", "tcp", 7, SITE),
                    Listener("echo", "udp", 7, SITE),
                    Listener("greet", "tcp", 25, SITE),
                    Listener("greet", "udp", 123, RESOLVER),
                    Listener("tick", "tcp", 9, SITE),
                ],
            ),
        ),
        "web": (
            web,
            web.web(
                name="web",
                authorities=given.authority,
                ssh=ssh,
                unpublished=(8080,),
                download=Download("/big", 1_000_000),
                listeners=[Listener("echo", "udp", 7)],
            ),
        ),
        "baremetal": (
            baremetal,
            baremetal.baremetal(name="baremetal", vlan=20, mac="02:00:00:00:20:20", authorities=given.authority, ssh=ssh),
        ),
        "tagged": (
            baremetal,
            baremetal.baremetal(
                name="tagged",
                vlan=20,
                mac="02:00:00:00:20:21",
                authorities=given.authority,
                ssh=ssh,
                addressing=baremetal.Addressing(IPv4Interface("10.20.0.21/16"), nameservers=(RESOLVER,)),
                listeners=[Listener("greet", "tcp", 80)],
            ),
        ),
        "admin": (
            client,
            client.client(
                name="admin",
                authorities=given.authority,
                nameservers=[RESOLVER],
                remote=TO_BLOCK,
                ssh=client.SshIdentity(given.user_key, given.user_public_key),
            ),
        ),
        "stranger": (client, client.client(name="stranger", authorities=given.authority, remote=TO_BLOCK)),
        # Stands on the block, where a firewall's outer side would, and on the private network.
        "inside": (
            client,
            client.client(
                name="inside",
                authorities=given.authority,
                nameservers=[RESOLVER],
                remote=[default],
                ssh=client.SshIdentity(given.user_key, given.user_public_key),
            ),
        ),
    }


def topology(given: Credentials) -> Topology:
    """The small lab: a public block, a private VLAN, another one without a gateway, and the Internet."""
    nics: Mapping[str, tuple[Nic, ...]] = {
        "dhcp": (
            Nic("eth0", "private", "02:00:00:00:20:02", "here", IPv4Interface("10.20.0.2/16")),
            Nic("eth1", "members", "02:00:00:00:09:01", "here", IPv4Interface("192.168.9.1/29")),
        ),
        "gateway": (
            Nic("eth0", "block", "02:00:00:00:00:14", "here", IPv4Interface("192.0.2.14/29")),
            Nic("eth1", "internet", "02:00:00:00:51:01", "here", IPv4Interface("198.51.100.1/24")),
        ),
        "public": (Nic("eth0", "internet", "02:00:00:00:51:10", "here", IPv4Interface("198.51.100.10/24")),),
        "web": (Nic("eth0", "private", "02:00:00:00:20:10", "here"),),
        "baremetal": (Nic("eth0", "private", "02:00:00:00:20:20", "here", trunk=(20,)),),
        "tagged": (Nic("eth0", "private", "02:00:00:00:20:21", "here", trunk=(20,)),),
        "admin": (Nic("eth0", "internet", "02:00:00:00:51:65", "here", IPv4Interface("198.51.100.101/24")),),
        "stranger": (Nic("eth0", "internet", "02:00:00:00:51:66", "here", IPv4Interface("198.51.100.102/24")),),
        "inside": (
            Nic("eth0", "block", "02:00:00:00:00:09", "here", IPv4Interface("192.0.2.9/29")),
            Nic("eth1", "private", "02:00:00:00:20:01", "here", IPv4Interface("10.20.0.1/16")),
            Nic("eth2", "members", "02:00:00:00:09:04", "here"),
        ),
    }
    hosts = tuple(
        Host(
            name=name,
            role=module.__name__.rpartition(".")[2],
            nics=nics[name],
            files=setup.files,
            boot=setup.boot,
            order=0 if name in ("dhcp", "gateway", "public") else 1,
            sysctls=module.SYSCTLS,
            logs=module.LOGS,
        )
        for name, (module, setup) in setups(given).items()
    )
    segments = (Segment("block", 0), Segment("private", 20), Segment("members", 19), Segment("internet"))
    return Topology("small", ("here",), segments, hosts)
