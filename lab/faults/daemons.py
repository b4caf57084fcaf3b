"""One program of a member that dies while the rest goes on."""

from __future__ import annotations

from collections.abc import Mapping

from lab.faults.fault import Choice, Kind, Target, Values

# The pid files of each, and how the appliance starts it again: not when it runs, nor where it is not to run.
_PID_FILES: Mapping[str, tuple[str, ...]] = {
    "ha_agent": ("ha_agent",),
    "conntrackd": ("conntrackd",),
    "charon": ("charon",),
    "openvpn": ("openvpn-udp", "openvpn-tcp"),
}
_START_AGAIN: Mapping[str, str] = {
    "ha_agent": "from lab.appliance import ha_service; ha_service.start()",
    "conntrackd": "from lab.appliance import configuration, conntrackd; conntrackd.start(configuration.load())",
    "charon": "from lab.appliance import charon, configuration, duty; duty.on_duty(configuration.load()) and charon.start()",
    "openvpn": "from lab.appliance import openvpn; openvpn.start()",
}
_RUN = "/var/lib/sns/run"

# One that is configured away (no tunnel, no SSL VPN) does not run: nothing to kill is no error. A daemon is killed with
# the processes that it started; on return all of it is gone, or at least dead.
_KILL = """
for file in {files}; do
  [ -e $file ] && pid=$(cat $file) && kill -KILL -$pid || continue
  for look in $(seq 200); do readlink /proc/$pid/exe || break; sleep 0.005; done
done >/dev/null 2>&1
"""


def _kill(target: Target, values: Values) -> None:
    files = " ".join(f"{_RUN}/{name}.pid" for name in _PID_FILES[values.word("daemon")])
    target.host.must("sh", "-c", _KILL.format(files=files))


def _start_again(target: Target, values: Values) -> None:
    target.member.call(_START_AGAIN[values.word("daemon")])


def _occupied(target: Target, values: Values) -> frozenset[str]:
    return frozenset({f"{target.name} power", f"{target.name} {values.word('daemon')}"})


KINDS = (
    Kind(
        "daemon-dead",
        "loses one program, killed where it stood",
        _kill,
        _start_again,
        _occupied,
        (Choice("daemon", "which", "ha_agent", tuple(_PID_FILES)),),
    ),
)
