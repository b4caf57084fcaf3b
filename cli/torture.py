"""``rempart lab torture``: a randomised campaign against a deployment's pairs, in a lab of its own.

Exit codes: 0 every invariant held; 1 one was broken, or the lab failed; 2 wrong use or bad input; 3 nothing was broken, but
the machine stood still when something may have been; 130 interrupted, 143 terminated: the lab is gone all the same.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from cli import called

if TYPE_CHECKING:
    from lab.torture.campaign import Broken, Campaign
    from lab.torture.sequence import Round
    from provisioning.torture.stage import Stage

HELD, BROKEN, UNSURE = 0, 1, 3


def register(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to those of ``rempart lab``."""
    torture = verbs.add_parser("torture", help="draw faults at random, and see that what must hold of a pair holds all along")
    torture.add_argument("--seed", type=int, default=1, metavar="N", help="what is drawn follows from it alone (default: 1)")
    torture.add_argument("--minutes", type=float, default=10.0, metavar="M", help="for how long (default: 10)")
    torture.add_argument("--deployment", type=Path, default=Path("deployments/guide"), metavar="DIR")
    torture.add_argument("--replay", type=Path, metavar="FILE", help="run the rounds of this file instead, once each")
    torture.add_argument(
        "--shrink", type=float, default=3.0, metavar="M", help="minutes for each violation to be made small (3)"
    )
    torture.add_argument("--runs", type=Path, default=Path("reports/runs"), metavar="DIR", help="where its folder goes")
    torture.add_argument("--show", action="store_true", help="only print what would be drawn: ten rounds")


def run(given: argparse.Namespace) -> int:
    """Run the campaign. Raises LabError, DeploymentError, and WrongUse for a file that is none of a campaign."""
    from lab.torture.sequence import rounds
    from provisioning.deployment import load
    from provisioning.environment import open_environment
    from provisioning.torture.ground import ground
    from provisioning.torture.stage import Stage

    deployment = load(given.deployment)
    terrain = ground(deployment)
    wanted: Iterable[Round] = _replayed(given.replay) if given.replay else rounds(given.seed, terrain)
    if given.show:
        return _show(wanted)
    folder = given.runs / time.strftime(f"torture-%Y%m%d-%H%M%S-seed{given.seed}")
    folder.mkdir(parents=True)
    with open_environment(deployment, progress=_progress) as environment, Stage(environment, terrain.sites) as stage:
        campaign = _campaign(given, stage, folder)
        try:
            campaign.run(wanted)
        finally:
            _summary(campaign, stage, given, folder)
    if campaign.broken:
        return BROKEN
    return UNSURE if campaign.excused else HELD


def _campaign(given: argparse.Namespace, stage: Stage, folder: Path) -> Campaign:
    from lab.torture.campaign import Campaign, Log

    log = Log(folder / "campaign.jsonl")
    log.note("campaign", seed=given.seed, minutes=given.minutes, deployment=str(given.deployment), replay=given.replay)
    return Campaign(stage, log, _progress, given.minutes, given.shrink)


def _replayed(path: Path) -> list[Round]:
    from cli.lab import WrongUse
    from lab.torture.sequence import read

    try:
        lines = [line for line in path.read_text().splitlines() if line.strip()]
        return [read(line) for line in lines]
    except (OSError, ValueError) as why:
        raise WrongUse(f"{path}: {why} (give a file that a campaign has written)") from why


def _show(wanted: Iterable[Round]) -> int:
    for number, one in zip(range(10), wanted, strict=False):
        print(f"round {number}, with {', '.join(one.flows)}")
        print("\n".join(f"  {step}" for step in one.steps))
    return HELD


def _summary(campaign: Campaign, stage: Stage, given: argparse.Namespace, folder: Path) -> None:
    print(f"\n{campaign.done} rounds of seed {given.seed}; the log is {campaign.log.path}")
    print("\n".join(f"  {finding}" for finding in stage.findings()))
    for number, broken in enumerate(campaign.broken, start=1):
        _print_broken(broken, folder / f"broken-{number}.jsonl", given)
    for violation in campaign.excused:
        print(f"not proven: {violation}")


def _print_broken(broken: Broken, path: Path, given: argparse.Namespace) -> None:
    from lab.torture.sequence import written

    path.write_text(f"{written(broken.smallest)}\n")
    size = "the smallest sequence" if broken.minimal else "the smallest sequence found in the time"
    what = size if broken.reproduced else "it was not seen again in the time; the whole sequence"
    print(f"\nBROKEN in round {broken.number}: {broken.violation}\n  {what}, with {', '.join(broken.smallest.flows)}:")
    print("\n".join(f"    {step}" for step in broken.smallest.steps))
    print(f"  again: {called.beside()} lab torture --deployment {given.deployment} --replay {path}")


def _progress(text: str) -> None:
    print(f"  {text}", file=sys.stderr, flush=True)
