"""``rempart mutate``: is the suite any good? Plausible mistakes are made in a configuration, and the scenarios must notice.

Exit codes: 0 no mutant survived or stays unproven; 1 one did; 2 wrong use or bad input;
4 nothing could be run (the features, the deployment or the lab); 130 interrupted, 143 terminated: the lab is gone all the same.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections.abc import Sequence
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from provisioning.deployment import Deployment
    from provisioning.mutants import Plan
    from sns.mutation.mutant import Mutant
    from sns.mutation.result import Result

KILLED, SURVIVED, BAD_INPUT, NOT_RUN, INTERRUPTED, TERMINATED = 0, 1, 2, 4, 130, 143
_TOLD_TO_END = {2: INTERRUPTED, 143: TERMINATED}
"""The status of a test run that was told to end, and ours."""
_NOTHING_LOST = ("-p", "no:unraisableexception", "-p", "no:threadexception")
"""What Python could not raise is told on standard error, and does not keep what is known from being told."""


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command and its arguments."""
    parser = commands.add_parser("mutate", help="make plausible mistakes in a configuration, and see that scenarios notice")
    parser.add_argument("deployment", type=Path, metavar="DIR", help="a deployment folder")
    parser.add_argument(
        "--only", action="append", default=[], metavar="OPERATOR", help="mistakes of this kind, or this mutant; repeatable"
    )
    parser.add_argument("--limit", type=int, metavar="N", help="at most so many, drawn at random")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="what --limit draws follows from it alone (1)")
    parser.add_argument("--shard", metavar="I/N", help="the I-th of N parts, for as many machines")
    parser.add_argument("--scenario", action="append", default=[], metavar="ID", help="only this scenario; repeatable")
    parser.add_argument("--format", choices=("text", "json", "md"), default="text")
    parser.add_argument(
        "--join",
        action="append",
        default=[],
        type=Path,
        metavar="FILE",
        help="only join the JSON of runs; repeatable, later ones count",
    )
    parser.add_argument("--list", action="store_true", help="only name the mutants")


def run(given: argparse.Namespace) -> int:
    """Make the mutants, run them and tell; the exit code."""
    from provisioning.deployment import DeploymentError, load
    from provisioning.mutants import Plan

    try:
        found = load(given.deployment)
        chosen = _chosen(given, _made(given, found))
    except (DeploymentError, ValueError) as why:
        print(f"rempart: {why}", file=sys.stderr)
        return BAD_INPUT
    if given.join:
        return _joined(given)
    if given.list:
        print("\n".join(f"{mutant.name}: {mutant.what}" for mutant in chosen))
        return KILLED
    plan = Plan(found, chosen, progress=_progress)
    status = _run(plan, given)
    if len(plan.results) < len(chosen):  # else the status tells of scenarios that failed, as they should
        print(f"rempart: {len(plan.results)} of {len(chosen)} mutants were run", file=sys.stderr)
        _tell(plan.results, plan.ended - plan.began, given)  # what is known already is not lost
        return _TOLD_TO_END.get(status, NOT_RUN)
    return _tell(plan.results, plan.ended - plan.began, given)


def _joined(given: argparse.Namespace) -> int:
    from reports import mutants

    try:
        return _tell(*mutants.joined(file.read_text(encoding="utf-8") for file in given.join), given)
    except (OSError, ValueError) as why:
        print(f"rempart: --join: {why}", file=sys.stderr)
        return BAD_INPUT


def _made(given: argparse.Namespace, found: Deployment) -> list[Mutant]:
    """All mutants, or those that ``--only`` names. Raises ValueError for a name that there is not."""
    from provisioning.mutants import made
    from sns.mutation.operators import OPERATORS

    mutants = made(found)
    known = {*OPERATORS, *(mutant.name for mutant in mutants)}
    if unknown := [name for name in given.only if name not in known]:
        raise ValueError(f"--only: no operator or mutant is called {', '.join(unknown)}; operators: {', '.join(OPERATORS)}")
    return [mutant for mutant in mutants if not given.only or {mutant.name, mutant.operator} & set(given.only)]


def _chosen(given: argparse.Namespace, mutants: list[Mutant]) -> list[Mutant]:
    if given.shard:
        from provisioning.shard import shard

        try:
            part = shard(given.shard).part(mutant.name for mutant in mutants)
        except argparse.ArgumentTypeError as why:
            raise ValueError(f"--shard: {why}") from None
        mutants = [mutant for mutant in mutants if mutant.name in part]
    if given.limit is not None and given.limit < len(mutants):
        kept = {mutant.name for mutant in random.Random(given.seed).sample(mutants, max(0, given.limit))}  # noqa: S311 - a sample
        mutants = [mutant for mutant in mutants if mutant.name in kept]
    return mutants


class _Carrier:
    """Brings the plan to pytest, under the name by which the session looks for it."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan

    def pytest_configure(self, config: object) -> None:
        """Register it."""
        from steps.plugins.mutation import PLAN

        config.pluginmanager.register(self._plan, PLAN)  # type: ignore[attr-defined]


def _run(plan: Plan, given: argparse.Namespace) -> int:
    """Have pytest run the plan in this process; its exit status."""
    import pytest

    project, said = Path(__file__).resolve().parents[1], StringIO()
    scenarios = [f"--scenario={name}" for name in given.scenario]
    with TemporaryDirectory(prefix="rempart-mutants-") as runs, redirect_stdout(said):
        status = pytest.main(
            [str(project / "features"), f"--rootdir={project}", f"--deployment={given.deployment.resolve()}",
             f"--runs={runs}", "-q", "-p", "no:cacheprovider", *_NOTHING_LOST, *scenarios],
            plugins=[_Carrier(plan)],
        )  # fmt: skip
    if status and (not plan.results or status not in (pytest.ExitCode.TESTS_FAILED, *_TOLD_TO_END)):
        print(said.getvalue().strip(), file=sys.stderr)
    return int(status)


def _tell(results: Sequence[Result], seconds: float, given: argparse.Namespace) -> int:
    """Print the results; the exit code that they make."""
    from reports import mutants

    if given.format == "json":
        print(mutants.as_json(results, seconds))
    elif given.format == "md":
        print(mutants.page(results, seconds, f"deployments/{given.deployment.resolve().name}", _whole(given)), end="")
    else:
        print(mutants.text(results, seconds))
    return SURVIVED if any(one.verdict in ("survived", "unproven") for one in results) else KILLED


def _whole(given: argparse.Namespace) -> int:
    from provisioning.deployment import load
    from provisioning.mutants import made

    return len(made(load(given.deployment)))


def _progress(line: str) -> None:
    if sys.stderr.isatty():
        print(f"\r\x1b[K{line[:120]}", end="", file=sys.stderr, flush=True)
    else:
        print(line, file=sys.stderr, flush=True)
