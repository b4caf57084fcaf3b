"""A wire that carries badly: slow, lossy, or in one direction only.

All of it is done where the wires are, not in the members: their own kernels see what a real member's would.
"""

from __future__ import annotations

from collections.abc import Iterator

from lab.faults.fault import Choice, Kind, Number, Target, Values

_NOBODYS_VLAN = 4094  # a port of it hears nothing that the switch floods
_WIRES = Choice("wires", "which of its wires", "all", ("all", "ha", "data"))


def _ports(target: Target, wires: str) -> Iterator[tuple[str, str]]:
    """The switch and the port of each of these wires of a member."""
    chosen = {"all": target.all_nics, "ha": target.links["ha"]}.get(wires)
    for nic in chosen or tuple(nic for nic in target.all_nics if nic not in target.links["ha"]):
        yield target.fabric.switch_bridge(target.host.nic(nic).region), target.fabric.port(target.name, nic)


def _one_direction(direction: str) -> Kind:
    def occupied(target: Target, values: Values) -> frozenset[str]:
        return frozenset(f"{target.name} {port} {direction}" for _, port in _ports(target, values.word("wires")))

    if direction == "sent":
        says = "is not heard, though it hears: what it sends is lost on the way"
        return Kind("member-unheard", says, _mute, _unmute, occupied, (_WIRES,))
    return Kind(
        "member-deaf", "hears nothing, though it is heard: what is sent to it is lost", _deafen, _hear, occupied, (_WIRES,)
    )


def _mute(target: Target, values: Values) -> None:
    _change_rules(target, values, "priority=90,in_port={},actions=drop")


def _unmute(target: Target, values: Values) -> None:
    _change_rules(target, values, "delete_strict priority=90,in_port={}")


def _change_rules(target: Target, values: Values, line: str) -> None:
    changes: dict[str, list[str]] = {}
    for switch, port in _ports(target, values.word("wires")):
        changes.setdefault(switch, []).append(line.format(port))
    target.fabric.change_rules(changes)


def _deafen(target: Target, values: Values) -> None:
    for _, port in _ports(target, values.word("wires")):
        chain = f'chain to_the_member {{ type filter hook egress device "{port}" priority 0; policy drop; }};'
        target.fabric.run(["nft", f"table netdev deaf_{port} {{ {chain} }}"])


def _hear(target: Target, values: Values) -> None:
    for _, port in _ports(target, values.word("wires")):
        target.fabric.run(["nft", f"table netdev deaf_{port} {{ }}; delete table netdev deaf_{port}"])


# The HA wire through a relay --------------------------------------------------------------------------------------------


def _ends(target: Target) -> tuple[str, str, str]:
    """The switch, and the ports of both members on the HA wire."""
    (switch, here), (_, there) = (next(_ports(one, "ha")) for one in (target, target.peer))
    return switch, here, there


def _degrade(target: Target, values: Values) -> None:
    """Nothing is unplugged: from one moment to the next the switch hands the wire's frames to the relay."""
    fabric, (switch, here, there) = target.fabric, _ends(target)
    fabric.ip(line for port in (here, there)
              for line in (f"link add {port}s up type veth peer name {port}r", f"link set {port}r up"))  # fmt: skip
    adding = [("--", "add-port", switch, f"{port}s", f"tag={_NOBODYS_VLAN}") for port in (here, there)]
    fabric.run(["ovs-vsctl", *(word for words in adding for word in words)])
    seconds, jitter = values.number("delay") / 1000, values.number("jitter") / 1000
    lost = {
        one: values.number("loss") / 100 if values.word("direction") in (one, "both") else 0.0 for one in ("sent", "received")
    }
    fabric.start_relay(f"bad-{here}", [f"{here}r:{there}r:{seconds}:{jitter}:{lost['sent']}:{lost['received']}"])
    flows = [f"priority=80,in_port={one},actions=output:{other}"
             for port in (here, there) for one, other in ((f"{port}s", port), (port, f"{port}s"))]  # fmt: skip
    fabric.change_rules({switch: flows})


def _improve(target: Target, values: Values) -> None:  # noqa: ARG001 - the kind's form
    fabric, (switch, here, there) = target.fabric, _ends(target)
    fabric.change_rules({switch: [f"delete_strict priority=80,in_port={port}" for port in (here, there)]})
    for port in (here, there):
        fabric.run(["ovs-vsctl", "--if-exists", "del-port", switch, f"{port}s"])
        fabric.run(["sh", "-c", "ip link show $0 >/dev/null 2>&1 || exit 0; ip link del $0", f"{port}s"])
    fabric.stop_relay(f"bad-{here}")


def _wire(target: Target, values: Values) -> frozenset[str]:  # noqa: ARG001
    return frozenset({f"{target.cluster.site} HA wire"})


KINDS = (
    Kind(
        "ha-link-degraded",
        "has a bad HA link: slow, lossy or both",
        _degrade,
        _improve,
        _wire,
        (
            Number("delay", "added to each frame, in each direction", 50, 0, 2000, "ms"),
            Number("jitter", "at most so much more, frame by frame, in order", 20, 0, 1000, "ms"),
            Number("loss", "of the frames that are lost", 20, 0, 100, "%"),
            Choice("direction", "of the loss, as this member sees it", "both", ("both", "sent", "received")),
        ),
    ),
    _one_direction("sent"),
    _one_direction("received"),
)
