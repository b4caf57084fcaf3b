"""``rempart gate``: a change of configuration is accepted, to be approved, refused, or not decided, on facts.

Exit codes, which stay: 0 accepted, 1 refused, 2 wrong use or bad input, 3 somebody has to approve, 4 undecided (a
measurement does not bear out the model, or could not be made).
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cli.configurations import SOURCES, NothingToRead, backup_options, deployment, source

if TYPE_CHECKING:
    from argparse import ArgumentParser, _SubParsersAction

    from cli.gate_scenarios import Choice
    from provisioning.deployment import Deployment
    from provisioning.gate.static import Side
    from provisioning.gate.verdict import Gated
    from provisioning.sources import Source

BAD_INPUT = 2


def register(commands: _SubParsersAction[ArgumentParser]) -> None:
    """Add the command and its arguments."""
    parser = commands.add_parser("gate", help="accept or refuse a change of configuration, on facts")
    parser.add_argument("--before", metavar="BEFORE", required=True, help=SOURCES)
    parser.add_argument("--after", metavar="AFTER", required=True, help="the same after the change")
    parser.add_argument("--deployment", metavar="DIR", help="the plan for trees and backups, which have none")
    parser.add_argument("--site", metavar="NAME", help="the site of that plan whose firewall they are")
    parser.add_argument("--policy", type=Path, metavar="FILE", help="what changes need (default: gate.toml of BEFORE)")
    parser.add_argument(
        "--expected", type=Path, metavar="FILE", help="who answers for what (default: expected-changes.toml of AFTER)"
    )
    parser.add_argument("--static", action="store_true", help="by the model alone: no lab, no root, a second")
    parser.add_argument(
        "--all", action="store_true", help="run every scenario, also those that the change is proven not to affect"
    )
    parser.add_argument(
        "--coverage",
        type=Path,
        metavar="RUN",
        help="the record of all scenarios on BEFORE, by which those that a change can"
        " affect are found (default: the newest in --runs that fits)",
    )
    parser.add_argument("--runs", type=Path, metavar="DIR", help="where the record of the run goes (default: reports/runs)")
    for form in ("markdown", "json", "sarif"):
        parser.add_argument(f"--{form}", type=Path, metavar="FILE", help=f"also write {form} there")
    backup_options(parser)


def run(given: argparse.Namespace) -> int:
    """Gate and tell; the exit code."""
    from provisioning.deployment import DeploymentError
    from provisioning.gate.verdict import EXIT

    try:
        for option in ("policy", "expected"):
            _refuse_missing(option, getattr(given, option))
        with _sides(given) as (before, after, base):
            gated = _gated(given, before, after)
            if not given.static:
                _rehearsed(given, gated, before, after)
            told = _placed(gated.plain(), base, trees=after.deployment is None)
    except NothingToRead as why:
        print(f"rempart: {why}", file=sys.stderr)
        return BAD_INPUT
    except DeploymentError as why:
        print("\n".join(f"rempart: {line}" for line in str(why).splitlines()), file=sys.stderr)
        return BAD_INPUT
    except KeyError as slot:
        print(f"rempart: Filter/slotinfo: slot {slot} is active and has no file (`rempart check` tells all)", file=sys.stderr)
        return BAD_INPUT
    return EXIT[gated.verdict] if _written(given, told) else BAD_INPUT


def _refuse_missing(option: str, file: Path | None) -> None:
    """Raises NothingToRead: there is no such file."""
    if file is not None and not file.exists():
        raise NothingToRead(f"--{option}: {file}: no such file (see docs/gating.md)")


def _written(given: argparse.Namespace, told: Mapping[str, Any]) -> bool:
    """Tell it in every form asked for; whether all could be written."""
    from importlib.metadata import version

    from reports import gate

    print(gate.text(told), end="")
    texts = (
        (given.markdown, gate.markdown(told)),
        (given.json, json.dumps(told, indent=2, ensure_ascii=False) + "\n"),
        (given.sarif, gate.as_sarif(told, version("rempart"))),
    )
    whole = True
    for file, text in texts:
        if file is not None:
            try:
                file.write_text(text, encoding="utf-8")
            except OSError as why:
                print(f"rempart: {file}: {why.strerror}", file=sys.stderr)
                whole = False
    return whole


def _gated(given: argparse.Namespace, before: Side, after: Side) -> Gated:
    from datetime import UTC, datetime

    from provisioning.gate.files import EXPECTED, POLICY, load_expected, load_policy
    from provisioning.gate.static import static
    from provisioning.gate.verdict import Gated

    began = time.monotonic()
    policy = load_policy(given.policy or _beside(before, POLICY))
    expected = load_expected(given.expected or _beside(after, EXPECTED))
    changes, notes = static(before, after, policy, expected, datetime.now(UTC).date())
    gated = Gated(given.before, given.after, policy.file or "defaults", changes, notes=notes)
    gated.seconds["model"] = time.monotonic() - began
    return gated


def _rehearsed(given: argparse.Namespace, gated: Gated, before: Side, after: Side) -> None:
    """Measure the change in a lab, then run the scenarios; without a plan, or a difference, there is nothing to do there."""
    from sns.model import Severity

    if before.deployment is None or after.deployment is None:
        gated.notes.append("trees without a plan are not measured: say --deployment DIR --site NAME")
        return
    sites = sorted({change.site for change in gated.changes if change.site})
    plan_differs = any(change.kind == "others.plan" for change in gated.changes)
    if not sites and not plan_differs and not given.all:
        gated.notes.append("nothing to measure: by the model no packet and no setting differs, so no scenario can be affected")
        return
    if any(finding.severity is Severity.ERROR for one in after.configurations.values() for finding in one.findings):
        gated.notes.append("not measured: the appliance would refuse the configuration after")
        return
    from cli import gate_scenarios
    from lab.errors import NotRoot
    from lab.ownership import require_root
    from provisioning.gate.rehearsal import rehearsal

    try:
        require_root()
    except NotRoot as why:
        gated.errors.append(f"not measured: {why}; --static needs no lab")
        return
    choice = gate_scenarios.Choice() if given.all or plan_differs else _choice(given, gated, before.deployment, sites)
    began = time.monotonic()
    with rehearsal(gated, None if plan_differs else before.deployment, after.deployment, _progress) as lab:
        if lab is not None:
            _progress("running the scenarios on the configuration after")
            mark = time.monotonic()
            gated.scenarios = gate_scenarios.run(gated, lab, after.deployment.folder, choice, given.runs)
            gated.seconds["scenarios"] = time.monotonic() - mark
    gated.seconds["all of the lab"] = time.monotonic() - began


def _choice(given: argparse.Namespace, gated: Gated, before: Deployment, sites: Sequence[str]) -> Choice:
    """The scenarios that the changes of these sites can affect. Raises NothingToRead for a record that does not fit."""
    from cli import gate_coverage, gate_scenarios
    from provisioning.gate.affected import unaffected
    from reports.coverage import met

    record = gate_coverage.find(before, given.coverage, given.runs)
    if record is None:
        gated.notes.append("no run of all scenarios on the configuration before is here: none is left out for what it met")
        return gate_scenarios.Choice(sites)
    return gate_scenarios.Choice(sites, unaffected(gated.changes, met(record), record.run.run))


def _progress(text: str) -> None:
    print(f"  {text}", file=sys.stderr, flush=True)


def _beside(side: Side, name: str) -> Path | None:
    """A file of a deployment's folder, when it is there. The policy is that of before: a change does not judge itself."""
    path = side.deployment.folder / name if side.deployment else None
    return path if path and path.is_file() else None


def _placed(told: dict[str, Any], base: str, *, trees: bool) -> dict[str, Any]:
    """With the path of each file as the user would open it: a tree's site stands before its file."""
    for change in told["changes"]:
        file = str(change["file"])
        site, slash, rest = file.partition("/")
        in_tree = bool(slash) and not trees and site == change["site"]
        inside = f"{site}/{rest if rest.startswith('Data/') else f'ConfigFiles/{rest}'}" if in_tree else file
        change["path"] = file if not file or file.startswith(base) else f"{base}/{inside}"
    return told


# What is compared -------------------------------------------------------------------------------------------------------


@contextmanager
def _sides(given: argparse.Namespace) -> Iterator[tuple[Side, Side, str]]:
    """Both sides, and the name of the one after for its user. Raises NothingToRead, DeploymentError."""
    from provisioning.gate.static import Side
    from sns.reader import read

    with ExitStack() as stack:
        before, after = (stack.enter_context(source(name, given)) for name in (given.before, given.after))
        plan = stack.enter_context(source(given.deployment, given)) if given.deployment else None
        plan = plan or next((one for one in (after, before) if one.is_deployment), None)
        if plan is None:
            sides = [Side({"": read(one.folder)}, {"": one.folder}) for one in (before, after)]
        else:
            sides = [Side.of(stack.enter_context(_planned(one, plan, given.site))) for one in (before, after)]
        if unlike := sides[0].configurations.keys() ^ sides[1].configurations.keys():
            raise NothingToRead(f"the two are not of the same sites: {', '.join(sorted(unlike))} only in one of them")
        yield sides[0], sides[1], after.base


@contextmanager
def _planned(found: Source, plan: Source, site: str | None) -> Iterator[Any]:
    """A source's deployment; for a tree, a copy of the plan's with the tree in the place of the site's."""
    if found.is_deployment:
        yield deployment(found)
        return
    from provisioning.sources import with_tree

    known = deployment(plan).sites
    if site is None and len(known) == 1:
        (site,) = known
    if site is None or site not in known:
        raise NothingToRead(f"{found.base}: is a tree alone: say which site's it is, --site {' or '.join(known)}")
    with with_tree(plan, site, found) as folder:
        yield deployment(folder)
