"""A private server on a trunk port: a dedicated server of the vRack, whose VLAN is a tag on its own wire.

Not every kernel has 802.1Q sub-interfaces. A small Open vSwitch (userspace datapath) inside the container tags for the
host: its internal port ``vlanNNN`` is what a sub-interface would be, and all else on the trunk stays unheard.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Interface, IPv4Network

from lab.roles.boot import BEFORE_OTHERS, Service, Setup, command, compose, ip_batch
from lab.roles.lease import lease
from lab.roles.listening import LOG as LISTENERS_LOG
from lab.roles.listening import Listener, listening
from lab.roles.network import Route, hostname, resolver, routes, trust
from lab.roles.sshd import LOG as SSHD_LOG
from lab.roles.sshd import SshServer, sshd

SWITCH_LOG = "/var/log/openvswitch.log"

# The trunk itself must not speak: router solicitations of eth0 would be untagged frames on the vRack.
SYSCTLS = {"net.ipv6.conf.default.disable_ipv6": "1", "net.ipv6.conf.all.disable_ipv6": "1"}
LOGS = (SWITCH_LOG, SSHD_LOG, LISTENERS_LOG)

_RUN = "/run/openvswitch"
_DATABASE = f"{_RUN}/conf.db"
_SOCKET = f"unix:{_RUN}/db.sock"


@dataclass(frozen=True, slots=True)
class Addressing:
    """What is configured by hand on a server that OpenStack does not know."""

    address: IPv4Interface
    gateway: IPv4Address | None = None
    nameservers: tuple[IPv4Address, ...] = ()


def vlan_interface(vlan: int) -> str:
    """The name of the interface on a VLAN of the trunk."""
    return f"vlan{vlan}"


def baremetal(
    *,
    name: str,
    vlan: int,
    mac: str,
    authorities: bytes,
    ssh: SshServer,
    addressing: Addressing | None = None,
    listeners: Iterable[Listener] = (),
    trunk: str = "eth0",
) -> Setup:
    """A server with one tagged VLAN on ``trunk``, its address by ``addressing`` or, without it, by DHCP.

    ``mac`` is the interface's on the VLAN: the trunk's own, as with a sub-interface, unless a test wants another.
    """
    nic = vlan_interface(vlan)
    return compose(
        hostname(name),
        trust(authorities),
        _tagging(trunk, nic, vlan, mac),
        sshd(ssh),
        listening(listeners),
        *(part.afterwards() for part in ([lease(nic)] if addressing is None else _by_hand(nic, addressing))),
    )


def _by_hand(nic: str, addressing: Addressing) -> tuple[Service, ...]:
    gateway = [] if addressing.gateway is None else [Route(IPv4Network("0.0.0.0/0"), addressing.gateway)]
    return (
        Service(start=ip_batch([f"address replace {addressing.address} dev {nic}"])),
        routes(gateway),
        resolver(addressing.nameservers),
    )


def _tagging(trunk: str, nic: str, vlan: int, mac: str) -> Service:
    run = command("run", "openvswitch", SWITCH_LOG)
    bridge = command(
        "ovs-vsctl", f"--db={_SOCKET}", "--no-wait", "--", "init",
        "--", "add-br", "trunk", "--", "set", "bridge", "trunk", "datapath_type=netdev",
        "--", "add-port", "trunk", trunk, f"trunks={vlan}",
        "--", "add-port", "trunk", nic, f"tag={vlan}",
        "--", "set", "interface", nic, "type=internal", f'mac="{mac}"',
    )  # fmt: skip
    switch = command(
        "ovs-vswitchd", _SOCKET, "--detach", f"--pidfile={_RUN}/ovs-vswitchd.pid", "--no-chdir", "--disable-system",
        "--log-file=" + SWITCH_LOG, "-vconsole:off",
    )  # fmt: skip
    database = command(
        "ovsdb-server", _DATABASE, f"--remote=p{_SOCKET}", "--detach", f"--pidfile={_RUN}/ovsdb-server.pid",
        "--no-chdir", "--log-file=" + SWITCH_LOG, "-vconsole:off",
    )  # fmt: skip
    return Service(
        folders=(_RUN,),
        start=(
            f"[ ! -e {_DATABASE} ] || rm {_DATABASE}",
            f"{run} ovsdb-tool create {_DATABASE} /usr/share/openvswitch/vswitch.ovsschema",
            f"{run} {database}",
            f"{run} {bridge}",
            # In the background: it sleeps 0.1 s to measure its clock, while the other services start.
            f"{run} {BEFORE_OTHERS} {switch} &",
            "switching=$!",
        ),
        ready=(
            'wait "$switching"',
            command("await", "openvswitch", SWITCH_LOG, "test", "-e", f"/sys/class/net/{nic}"),
            *ip_batch([f"link set {nic} up"]),
        ),
    )
