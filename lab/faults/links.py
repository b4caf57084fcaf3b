"""A cable that is pulled, or that is loose."""

from __future__ import annotations

from lab.faults.fault import Choice, Kind, Number, Target, Values

_LINK = Choice("link", "the network whose cable it is", "external", ("external", "private"))

# It ends by itself after a minute, the cable plugged: whoever began it may be gone.
_FLAP = """
echo $$ >/run/flapping.$0
end=$(($(date +%s) + 60))
while [ "$(date +%s)" -lt $end ]; do
  ip link set $0 down; sleep $1
  ip link set $0 up; sleep $2
done
"""
_STOP = 'pid=$(cat /run/flapping.$0 2>/dev/null) && kill "$pid" 2>/dev/null; rm -f /run/flapping.$0; ip link set $0 up'


def _nics(target: Target, values: Values) -> tuple[str, ...]:
    return target.links[values.word("link")]


def _occupied(target: Target, values: Values) -> frozenset[str]:
    return frozenset(f"{target.name} {nic}" for nic in _nics(target, values))


def _pull(target: Target, values: Values) -> None:
    target.fabric.set_links(target.name, _nics(target, values), up=False)


def _plug(target: Target, values: Values) -> None:
    target.fabric.set_links(target.name, _nics(target, values), up=True)


def _flap(target: Target, values: Values) -> None:
    down, up = (f"{values.number(name) / 1000:g}" for name in ("down", "up"))
    for nic in _nics(target, values):
        target.fabric.start(["sh", "-c", _FLAP, target.fabric.port(target.name, nic), down, up])


def _hold_still(target: Target, values: Values) -> None:
    for nic in _nics(target, values):
        target.fabric.run(["sh", "-c", _STOP, target.fabric.port(target.name, nic)])


def _cut(target: Target, values: Values) -> None:  # noqa: ARG001 - the kind's form
    target.fabric.set_links(target.name, target.links["ha"], up=False)


def _mend(target: Target, values: Values) -> None:  # noqa: ARG001
    target.fabric.set_links(target.name, target.links["ha"], up=True)


def _ha_occupied(target: Target, values: Values) -> frozenset[str]:  # noqa: ARG001
    return frozenset(f"{target.name} {nic}" for nic in target.links["ha"])


KINDS = (
    Kind("link-down", "has one data link less: the cable is pulled", _pull, _plug, _occupied, (_LINK,)),
    Kind(
        "link-flapping",
        "has a loose cable: the link goes and comes",
        _flap,
        _hold_still,
        _occupied,
        (
            _LINK,
            Number("down", "how long it is gone each time", 200, 20, 5000, "ms"),
            Number("up", "how long it is there each time", 300, 20, 5000, "ms"),
        ),
    ),
    Kind("ha-link-cut", "has no HA link: both members live on without it", _cut, _mend, _ha_occupied),
)
