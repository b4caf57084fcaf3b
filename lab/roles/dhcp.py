"""The DHCP service that OpenStack puts on a site's subnets: known ports get their address, nobody else is answered.

It takes two addresses of each subnet for itself, as OVHcloud's does, answers ping on them, and forwards nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network

from lab.roles.boot import Service, Setup, command, compose, ip_batch, word
from lab.roles.network import Route, hostname

LOG = "/var/log/dnsmasq.log"
LEASES = "/var/lib/misc/dnsmasq.leases"

# Several subnets may share a wire: each address is answered for, and asked from, on its own interface alone.
SYSCTLS = {
    "net.ipv4.ip_forward": "0",
    "net.ipv4.conf.all.arp_ignore": "1",
    "net.ipv4.conf.all.arp_announce": "2",
}
LOGS = (LOG,)

_RULES = """\
table inet dhcp_service {
    chain input {
        type filter hook input priority filter; policy drop;
        iif lo accept
        ct state established accept
        udp dport 67 accept
        icmp type echo-request accept
    }
    chain forward {
        type filter hook forward priority filter; policy drop;
    }
}
"""


@dataclass(frozen=True, slots=True)
class Reservation:
    """A port that OpenStack knows: this hardware address has this address."""

    mac: str
    address: IPv4Address
    name: str


@dataclass(frozen=True, slots=True)
class Subnet:
    """A subnet as the service offers it on its interface ``nic``. Without ``gateway`` no router is named."""

    nic: str
    network: IPv4Network
    own: tuple[IPv4Address, ...]
    gateway: IPv4Address | None
    nameservers: tuple[IPv4Address, ...] = ()
    routes: tuple[Route, ...] = ()
    reservations: tuple[Reservation, ...] = ()


def dhcp(*, name: str, subnets: Sequence[Subnet], lease_seconds: int = 86400) -> Setup:
    """The DHCP service of these subnets."""
    addresses = (
        f"address replace {own}/{subnet.network.prefixlen} dev {word(subnet.nic, 'interface')}"
        for subnet in subnets
        for own in subnet.own
    )
    lines = [line for subnet in subnets for line in _subnet(subnet, lease_seconds)]
    nics = sorted({subnet.nic for subnet in subnets})
    return compose(
        hostname(name),
        Service(start=ip_batch(addresses)),
        Service(
            files={
                "/etc/nftables.conf": (_RULES.encode(), 0o644),
                "/etc/dnsmasq.conf": (_configuration(nics, lines).encode(), 0o644),
            },
            folders=("/var/lib/misc",),
            start=(
                command("run", "nftables", "/run/nftables.log", "nft", "-f", "/etc/nftables.conf"),
                command("run", "dnsmasq", LOG, "dnsmasq", "--conf-file=/etc/dnsmasq.conf"),
            ),
        ),
    )


def _configuration(nics: Iterable[str], lines: Iterable[str]) -> str:
    # Authoritative, yet deaf to strangers: two sites' services may share a wire and must not refuse each other's ports.
    head = [
        "port=0",
        *(f"interface={nic}" for nic in nics),
        "bind-interfaces",
        "no-ping",
        "dhcp-authoritative",
        "dhcp-ignore=tag:!known",
        f"dhcp-leasefile={LEASES}",
        f"log-facility={LOG}",
        "log-dhcp",
        "pid-file=/run/dnsmasq.pid",
    ]
    return "".join(f"{line}\n" for line in (*head, *lines))


def _subnet(subnet: Subnet, lease_seconds: int) -> list[str]:
    network = subnet.network
    tag = f"{subnet.nic}-{network.network_address}".replace(".", "-")
    option = f"dhcp-option=tag:{tag},option:"
    lines = [f"dhcp-range=set:{tag},{network.network_address},static,{network.netmask},{lease_seconds}s"]
    # An option without a value is not sent; unnamed, dnsmasq would name itself.
    lines.append(option + "router" + (f",{subnet.gateway}" if subnet.gateway else ""))
    lines.append(option + "dns-server" + "".join(f",{server}" for server in subnet.nameservers))
    if subnet.routes:
        pairs = [*subnet.routes]
        if subnet.gateway:  # a client that gets routes ignores the router option (RFC 3442)
            pairs.append(Route(IPv4Network("0.0.0.0/0"), subnet.gateway))
        lines.append(option + "classless-static-route" + "".join(f",{one.destination},{one.via}" for one in pairs))
    lines += [f"dhcp-host={one.mac},{one.address},{word(one.name, 'name')}" for one in subnet.reservations]
    return lines
