"""Failures at a bad moment: while keys are renewed, while a configuration travels or is applied, twice in a row, and back."""

from __future__ import annotations

import os
import re
import signal
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from lab import namespace
from lab.cluster import missing
from lab.device import Appliance
from lab.errors import LabError
from lab.faults import power
from lab.faults.fault import Choice, Kind, Number, Target, Values

_HAPPENS_WITHIN = 15.0  # s: a member boots and joins its pair in two; a machine under load is given time
_LOOK_EVERY = 0.002  # s: what is to be hit lasts some tens of milliseconds
_INCOMING = "/usr/Firewall/incoming"  # where a member unpacks what `hasync` brings, for as long as it works with it
_ASKED, _RENEWED = "establishing CHILD_SA", "closing CHILD_SA"  # what the IKE daemon says of a renewal
_TRIES = 3  # on a machine under load the moment may be missed
_OBJECT = "made_by_a_fault=192.0.2.250,resolve=static\n"
_PREFERRED = 100  # priority; the plan's are lower
_KEPT = "# by a fault; was "

Look = Callable[[], object]


def _until(look: Look, what: str) -> None:
    deadline = time.monotonic() + _HAPPENS_WITHIN
    while not look():
        if time.monotonic() > deadline:
            raise LabError(f"{what}: not after {_HAPPENS_WITHIN:g} s")
        time.sleep(_LOOK_EVERY)


def _is_active(target: Target) -> bool:
    return target.cluster.states()[target.name] == "active"


def _until_active(target: Target) -> None:
    _until(lambda: _is_active(target), f"{target.name} is active")


def _return(target: Target) -> None:
    power.restore(target)
    _until(lambda: not missing(target.member), f"{target.name} is one of the pair again")


def _both(target: Target, values: Values) -> frozenset[str]:  # noqa: ARG001 - the kind's form
    ends = (target, target.peer)
    return frozenset({f"{one.name} {thing}" for one in ends for thing in ("power", *one.all_nics)})


# While the member works at something --------------------------------------------------------------------------------------


def _cut_during(target: Target, values: Values, work: Callable[[], object], begun: Look, goes_on: Look | None = None) -> None:
    """Cut the power some time after the work has begun. Work that was over once everything stood still is begun again.

    ``goes_on`` tells whether it is not over; without it, it is over when its command has ended.
    """
    for _ in range(_TRIES):
        worker = threading.Thread(target=_quietly, args=(work,), daemon=True)
        known = namespace.processes(target.host.pid)
        worker.start()
        _until(lambda at_work=worker.is_alive: begun() or not at_work(), "the work has begun")  # type: ignore[misc]
        time.sleep(values.number("after") / 1000)  # not waiting for anything: this is the moment that was asked for
        for process in known:  # at once; a command in the host would take longer than what it is to hit
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGSTOP)
        target.host.freeze_everything()
        if (goes_on or worker.is_alive)():
            power.cut(target)
            return
        target.host.thaw_everything()
        worker.join()
    raise LabError(f"{target.name}: each time it was over before the power was cut; take a smaller 'after'")


def _quietly(work: Callable[[], object]) -> None:
    with suppress(LabError):  # the power cut takes its command with it
        work()


def _during_rekey(target: Target, values: Values) -> None:
    active = target.cluster.active()
    _until(lambda: '"child_state": "INSTALLED"' in active.run("showSAD", "--json").stdout, f"a tunnel of {active.name} stands")
    asked = active.read_log("l_vpn").count(_ASKED)
    _cut_during(target, values, active.renew_tunnels, lambda: active.read_log("l_vpn").count(_ASKED) > asked,
                lambda: _RENEWED not in active.read_log("l_vpn").rpartition(_ASKED)[2])  # fmt: skip


def _during_hasync(target: Target, values: Values) -> None:
    active = target.cluster.active()
    passive = next(one for one in target.cluster.members if one.name != active.name)
    active.edit("object", lambda text: text.replace("[Network]", f"{_OBJECT}[Network]", 1))
    _cut_during(target, values, lambda: active.run("hasync"), passive.path(_INCOMING).exists)


def _during_change(target: Target, values: Values) -> None:
    active = target.cluster.active()
    _cut_during(target, values, lambda: active.run("enfilter", "-u"), lambda: True)


def _forget_object(target: Target, values: Values) -> None:  # noqa: ARG001
    power.restore(target)
    for member in target.cluster.members:
        if _OBJECT in (text := member.read("object")):
            member.write("object", text.replace(_OBJECT, ""))


# More than one failure ----------------------------------------------------------------------------------------------------


def _reboot_both(target: Target, values: Values) -> None:  # noqa: ARG001
    with ThreadPoolExecutor() as pool:
        for act in (power.cut, power.restore):
            for done in [pool.submit(act, one) for one in (target, target.peer)]:
                done.result()


def _twice(target: Target, values: Values) -> None:
    if not _is_active(target):
        raise LabError(f"{target.name} is not active: the first of two failovers takes the active member")
    first, second = target, target.peer
    by_power = values.word("by") == "power"
    power.cut(first) if by_power else first.member.apply("hainfo", "switch")
    _until_active(second)
    if by_power:
        _return(first)
    time.sleep(values.number("gap") / 1000)
    power.cut(second) if by_power else second.member.apply("hainfo", "switch")
    _until_active(first)


def _restore_both(target: Target, values: Values) -> None:  # noqa: ARG001
    for one in (target, target.peer):
        power.restore(one)


def _fail_back(target: Target, values: Values) -> None:
    preempts = values.word("preemption") == "yes"
    if preempts:
        _prefer(target)
    power.cut(target)
    _until_active(target.peer)
    _return(target)
    if preempts:
        _until_active(target)


def _prefer(target: Target) -> None:
    """Give the member a higher priority than its peer has; the word before is kept beside it."""
    (serial,) = re.findall(r"(?m)^Serial=(\S+)$", target.host.read("/usr/Firewall/System/global"))
    own = re.compile(rf"(\[{re.escape(serial)}\][^\[]*?Priority=)(\d+)")
    for member in target.cluster.members:
        member.edit("HA/hacluster", lambda text: own.sub(rf"\g<1>{_PREFERRED}\t{_KEPT}\g<2>", text))
        _reread(member)


def _prefer_nobody(target: Target, values: Values) -> None:
    _restore_both(target, values)
    for member in target.cluster.members:
        if _KEPT in (text := member.read("HA/hacluster")):
            member.write("HA/hacluster", re.sub(rf"Priority=\d+\t{_KEPT}(\d+)", r"Priority=\1", text))
            _reread(member)


def _reread(member: Appliance) -> None:
    member.call("from lab.appliance.ha_control import ask; ask('reload')")


def _after(default: float) -> Number:
    return Number("after", "how long after it began", default, 0, 2000, "ms")


KINDS = (
    Kind("pair-rebooted", "loses power together with its peer, and both boot at once", _reboot_both, _restore_both, _both,
         lasts=False),
    Kind("killed-during-rekey", "loses power while the keys of the tunnels are renewed", _during_rekey,
         lambda target, _: power.restore(target), _both, (_after(0),)),
    Kind("killed-during-hasync", "loses power while a configuration comes from the active member or goes to the passive one",
         _during_hasync, _forget_object, _both, (_after(0),)),
    Kind("killed-during-change", "loses power while the active member applies its policy", _during_change,
         lambda target, _: power.restore(target), _both, (_after(60),)),  # of the 100 that enfilter takes
    Kind("failover-twice", "fails over, and the one that took over fails soon after", _twice, _restore_both, _both,
         (Choice("by", "what happens each time", "power", ("power", "switch")),
          Number("gap", "between the first one's return and the second failure", 0, 0, 10_000, "ms"))),
    Kind("failback", "loses power and comes back, to stay passive or (preemption) to take the work again", _fail_back,
         _prefer_nobody, _both, (Choice("preemption", "whether its priority is the higher one", "no", ("no", "yes")),),
         lasts=False),
)  # fmt: skip
