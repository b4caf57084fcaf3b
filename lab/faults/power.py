"""A member that stops as a whole: it loses power, it hangs, it starts again."""

from __future__ import annotations

from lab.faults.fault import Kind, Target, Values

# In /run, which is a file system of the host's own: there, the member must be booted to be undone.
_OFF = "/run/power-is-off"


def cut(target: Target) -> None:
    """Every process dies and every cable goes dead, at once."""
    host = target.host
    target.member.path(_OFF).touch()
    # Nobody may be told that wires fail, nor that a session ends: that is no power cut. So the HA link goes first, all cables
    # within a millisecond, and then the processes; were those frozen first, heartbeats would end long before traffic does.
    target.fabric.set_links(target.name, sorted(target.all_nics, key=lambda nic: nic not in target.links["ha"]), up=False)
    host.kill_everything()
    # What the kernel knew of sessions dies with a machine, but not with a container's processes.
    host.must("conntrack", "--flush")


def restore(target: Target) -> None:
    """Boot it when its power was cut. On return it has booted; it may not be one of the pair yet."""
    host, mark = target.host, target.member.path(_OFF)
    if not mark.exists():
        return
    host.kill_everything()  # what a cut that did not come to its end left frozen
    target.fabric.set_links(target.name, target.all_nics, up=True)
    host.must(host.spec.boot)
    mark.unlink()


def _occupied(target: Target, values: Values) -> frozenset[str]:  # noqa: ARG001 - the kind's form
    return frozenset({f"{target.name} power", *(f"{target.name} {nic}" for nic in target.all_nics)})


def _reboot(target: Target, values: Values) -> None:  # noqa: ARG001
    cut(target)
    restore(target)


KINDS = (
    Kind(
        "member-killed",
        "loses power; it boots when this is undone",
        lambda target, _: cut(target),
        lambda target, _: restore(target),
        _occupied,
    ),
    Kind(
        "member-frozen",
        "hangs: every process stops where it is, while its kernel and its links go on",
        lambda target, _: target.host.freeze_everything(),
        lambda target, _: target.host.thaw_everything(),
        _occupied,
    ),
    Kind(
        "member-rebooted",
        "loses power and boots at once",
        _reboot,
        lambda target, _: restore(target),
        _occupied,
        lasts=False,
    ),
)
