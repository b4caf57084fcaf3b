"""Whether a cluster serves: what only the active member runs (VPN, SSL VPN) starts when it is elected, after its boot."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from lab.device import Appliance
from lab.errors import HostFailed

LOG = "l_ha"
WITHIN = 15.0  # s: an election and its services take 0.2; a machine under load is given time
_LAST_STEP = "sessions adopted"  # what an elected member does last


def await_services(members: Sequence[Appliance], within: float = WITHIN) -> None:
    """Return once the elected member of a cluster runs all that it should.

    Raises HostFailed with the end of the log of what did not start, or when nobody serves after ``within`` seconds.
    """
    if len(members) < 2:
        return  # alone: its boot started everything, and told
    deadline = time.monotonic() + within
    while True:
        serves = False
        for member in members:
            for event in _events(member):
                if event.get("failure"):
                    raise HostFailed(member.name, "what only the active member runs did not start", str(event["failure"]))
                serves = serves or event["event"] == _LAST_STEP
        if serves:
            return
        if time.monotonic() > deadline:
            raise HostFailed(members[0].name, f"no member of its cluster serves after {within:g} s", members[0].host.logs())
        time.sleep(0.02)


def _events(member: Appliance) -> Iterator[Mapping[str, Any]]:
    for line in member.read_log(LOG).splitlines():
        try:
            yield json.loads(line)
        except ValueError:
            return  # the line that is being written
