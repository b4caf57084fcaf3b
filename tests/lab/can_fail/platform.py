"""The platform: addresses, VLANs, and the machine that the lab runs on."""

from __future__ import annotations

import ctypes
import os
import shlex
import subprocess

from lab.roles.lease import question
from tests.lab.can_fail.faults import all_of
from tests.lab.can_fail.ground import Ground
from tests.lab.can_fail.row import Fault, Row

CLONE_NEWNET = 0x40000000
_libc = ctypes.CDLL(None, use_errno=True)


def host_does(host: str, script: str, mend: str) -> Fault:
    """Somebody typed this on a host."""
    return lambda ground: ground.shell(host, script, mend)


def port_is(host: str, mistaken: str, planned: str) -> Fault:
    """A switch port has other VLAN settings than planned."""

    def act(ground: Ground) -> None:
        port = ground.port(host)
        ground.switch(f"ovs-vsctl set port {port} {mistaken}", f"ovs-vsctl clear port {port} tag trunks vlan_mode -- "
                      f"set port {port} {planned}")  # fmt: skip

    return act


def slow_port(host: str, vlan: int, seconds: float) -> Fault:
    """What the switch sends to a host, and the host to it, takes so much longer."""

    def act(ground: Ground) -> None:
        port, fabric = ground.port(host), ground.environment.lab.fabric
        far, near = f"{port}s", f"{port}t"  # in the host's place, and towards the host
        fabric.ip(line for end in (far, near)
                  for line in (f"link add {end} up type veth peer name {end}r", f"link set {end}r up"))  # fmt: skip
        ground.undo(lambda: fabric.ip(f"link del {end}" for end in (far, near)))
        fabric.start_relay(f"slow-{port}", [f"{far}r:{near}r:{seconds}"])
        ground.undo(lambda: fabric.stop_relay(f"slow-{port}"))
        switch = fabric.switch_bridge(ground.host(host).nic("eth0").region)
        rules = [f"priority=80,in_port={one},actions=output:{other}" for one, other in ((port, near), (near, port))]
        ground.switch(
            f"ovs-vsctl set port {port} tag=4094 -- add-port {switch} {near} tag=4094 -- add-port {switch} {far} tag={vlan}; "
            f"printf '%s\\n' {shlex.join(rules)} | ovs-ofctl add-flows {switch} -; ovs-appctl fdb/flush",
            f"ovs-vsctl del-port {near} -- del-port {far} -- set port {port} tag={vlan}; "
            f"ovs-ofctl --strict del-flows {switch} priority=80,in_port={port}; ovs-appctl fdb/flush",
        )

    return act


def lost_by_the_switch(host: str, packets: str) -> Fault:
    """The switch loses these packets (as ``ovs-ofctl`` describes them) of a host."""

    def act(ground: Ground) -> None:
        switch = ground.environment.lab.fabric.switch_bridge(ground.host(host).nic("eth0").region)
        lost = f"priority=90,in_port={ground.port(host)},{packets}"
        ground.switch(f"ovs-ofctl add-flow {switch} {lost},actions=drop", f"ovs-ofctl --strict del-flows {switch} {lost}")

    return act


def native_on_the_trunk(ground: Ground) -> None:
    """The trunk between the regions carries VLAN 200 as its native one: its frames cross without their own tag."""
    ground.switch(
        "ovs-vsctl set port d0a tag=200 vlan_mode=native-untagged",
        "ovs-vsctl clear port d0a tag -- clear port d0a vlan_mode",
    )


def in_a_network_of_its_own(*commands: str) -> Fault:
    """The run takes a namespace of its own for the machine's network, in which these commands were run.

    Nothing may be put into the machine's real one to see that it would be noticed. ``FABRIC`` is the lab's wires.
    """

    def act(ground: Ground) -> None:
        machine = os.open("/proc/thread-self/ns/net", os.O_RDONLY)

        def back() -> None:
            assert _libc.setns(machine, CLONE_NEWNET) == 0
            os.close(machine)

        assert _libc.unshare(CLONE_NEWNET) == 0
        ground.undo(back)
        fabric = str(ground.environment.lab.fabric.pid)
        for command in commands:
            subprocess.run(command.replace("FABRIC", fabric).split(), check=True, capture_output=True)

    return act


def _reservation(old: str, new: str) -> Fault:
    """The DHCP service says something else; when it is mended, the web server asks again."""
    again = ("old=$(cat /run/dnsmasq.pid); kill $old; while kill -0 $old 2>&-; do sleep 0.02; done; "
             "rm -f /var/lib/misc/dnsmasq.leases; dnsmasq --conf-file=/etc/dnsmasq.conf")  # fmt: skip
    return all_of(
        host_does("web-sbg7", "true", " ".join(question("eth0"))),
        host_does(
            "dhcp-sbg7",
            f"cp /etc/dnsmasq.conf /run/kept; sed -i 's/{old}/{new}/' /etc/dnsmasq.conf; {again}",
            f"cp /run/kept /etc/dnsmasq.conf; {again}",
        ),
    )


_UPLINK = ("ip link add uplink type veth peer name labside netns FABRIC", "ip link set uplink up",
           "nsenter --target=FABRIC --net ip link set labside up master br-internet")  # fmt: skip

ROWS = (
    Row(
        "SNS-PLAT-01[sbg7]",
        "Another server of the private network has the web server's address too",
        host_does("baremetal-sbg7", "ip address add 10.200.0.10/32 dev lo", "ip address delete 10.200.0.10/32 dev lo"),
        "expected who answers for 10.200.0.10: ['…'], observed ['…', '…']",
    ),
    Row(
        "SNS-PLAT-01[gra11]",
        "A server has an address more than the plan gives it",
        host_does("web-gra11", "ip address add 10.201.0.11/16 dev eth0", "ip address delete 10.201.0.11/16 dev eth0"),
        "expected addresses of web-gra11:eth0: ['10.201.0.10'], observed ['10.201.0.10', '10.201.0.11']",
    ),
    Row(
        "SNS-PLAT-02[web-sbg7]",
        "The DHCP service names another gateway than the firewall",
        _reservation("router,10.200.0.1$", "router,10.200.0.2"),
        "expected the gateway given: 10.200.0.1, observed 10.200.0.2",
    ),
    Row(
        "SNS-PLAT-03[baremetal-sbg7]",
        "The bare-metal server's port puts untagged frames into the private network",
        port_is("baremetal-sbg7", "tag=200 vlan_mode=native-untagged", "trunks=0,200"),
        "expected of these, heard on vrack-200: 0, observed …",
    ),
    Row(
        "SNS-PLAT-04[web-sbg7]",
        "The port of a cloud instance takes tagged frames",
        port_is("web-sbg7", "vlan_mode=native-untagged", "tag=200 vlan_mode=access"),
        "expected of these, heard on vrack-199: 0, observed …",
    ),
    Row(
        "SNS-PLAT-04[web-gra11]",
        "The server's port is in another network",
        port_is("web-gra11", "tag=198", "tag=201 vlan_mode=access"),
        "silence would prove nothing: the honest frame was late: expected heard at all … other ports of vrack-201 within 2 s, "
        "observed …",
        verdict="inconclusive",
    ),
    Row(
        "SNS-PLAT-05[web-sbg7]",
        "The trunk between the regions carries the private network as its native VLAN",
        native_on_the_trunk,
        "expected of these, heard on …: 0, observed …",
    ),
    Row(
        "SNS-PLAT-06[sbg7]",
        "The second firewall's former address was left on an interface",
        host_does("fw1-sbg7", "ip address add 147.135.161.154/29 dev eth0", "ip address delete 147.135.161.154/29 dev eth0"),
        "expected answers for 147.135.161.154: 0, observed 1",
    ),
    Row(
        "SNS-PLAT-07",
        "The lab's Internet is plugged into the machine's own network",
        in_a_network_of_its_own(*_UPLINK, "ip address add 198.51.100.200/24 dev uplink"),
        "expected networks of the lab that are routed: [], observed ['198.51.100.0/24']",
    ),
    Row(
        "SNS-PLAT-08",
        "The lab's Internet is plugged into the machine's own network",
        in_a_network_of_its_own(*_UPLINK),
        "expected packets seen on the machine's own interfaces: 0, observed …",
    ),
)
