"""Records of shards, written and sealed the way runs leave them, without their renderings."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from reports import seal, signature
from reports.entries import Configuration, End, Entry, Plan, Shard
from reports.record import Writer
from tests.reports.examples import LAB, RUN, outcome, scenario
from tests.reports.runs import CONTROLS, waiver

WHOLE = ("SNS-WEB-01[sbg7]", "SNS-WEB-01[gra11]", "SNS-WEB-02", "SNS-HA-04[sbg7]", "SNS-HA-04[gra11]", "SNS-PLAT-07")
REFUTED = "SNS-WEB-02"
FEATURES = {"features/web.feature": "a" * 64}


def write_shard(
    folder: Path,
    number: int,
    of: int = 2,
    *,
    whole: tuple[str, ...] = WHOLE,
    planned: tuple[str, ...] | None = None,
    features: dict[str, str] = FEATURES,
    of_a_split: bool = True,
    cut_after: int | None = None,
    more: tuple[Entry, ...] = (),
    key: Path | None = None,
    **of_the_run: Any,
) -> Path:
    """A shard of ``whole``, of which ``REFUTED`` fails; other values of its first line by name.

    With ``cut_after`` its run was killed after so many scenarios, and it is not sealed.
    """
    planned = whole[number - 1 :: of] if planned is None else planned
    run = dataclasses.replace(RUN, run=f"20261124T00150{number}Z-guide-00000{number}", **of_the_run)
    split = (Shard(number=number, of=of, whole=whole),) if of_a_split else ()
    writer = Writer(folder, now=lambda: f"2026-11-24T00:15:0{number}.000Z", worker="gw0" if number == 1 else "")
    plan = Plan(planned=planned, deselected=3, features=features)
    writer.open(lambda: [run, plan, *split, *CONTROLS[:5], waiver("SNS-HA-04", "2026-11-24"), LAB, *more])
    for name in planned[:cut_after]:
        writer.write(scenario(name))
        writer.keep(name, 1, "answer.txt", f"of {name}")
        writer.write(outcome(name, "fail" if name == REFUTED else "pass"))
    if cut_after is None:
        writer.write(End(status=int(REFUTED in planned), seconds=10.0, counts={}))
        sums = seal.seal(folder)
        if key:
            signature.sign(sums, key)
    writer.close()
    return folder


def started(member: str, *, firmware: str = "4.8.9", sha256: str = "c" * 64) -> Configuration:
    """What a member had when the tests began."""
    return Configuration(member=member, site="sbg7", moment="start", firmware=firmware, sha256=sha256, files={})
