"""``rempart preflight``: the traps of a plan, of its printed commands and of a cloud, before anything is created."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from argparse import ArgumentParser, _SubParsersAction

    from provisioning.preflight.check import Preflight
    from provisioning.preflight.cloud_facts import CloudFacts
    from provisioning.preflight.rule import Finding

DONE, FAILED, BAD_INPUT = 0, 1, 2
FAIL_ON = ("error", "warning", "never")


def register(commands: _SubParsersAction[ArgumentParser]) -> None:
    """Add the command and its arguments."""
    parser = commands.add_parser("preflight", help="the traps of a plan, before anything is created")
    parser.add_argument("path", type=Path, metavar="DIR", nargs="?", help="a deployment folder")
    parser.add_argument("--cloud", metavar="NAME", help="ask this cloud of clouds.yaml too (nothing is changed there)")
    parser.add_argument(
        "--runbook", type=Path, metavar="FILE", help="commands to look at, shell or Markdown (default: DIR/runbook.sh or .md)"
    )
    parser.add_argument("--format", choices=("text", "json", "sarif", "md"), default="text")
    parser.add_argument(
        "--fail-on", choices=FAIL_ON, default="error", help="exit 1 from this level on (default: error; never: always exit 0)"
    )
    parser.add_argument("--list", action="store_true", help="every rule, with its level and the fact that it rests on")


def run(given: argparse.Namespace) -> int:
    """Look and tell; the exit code: 1 when something is as grave as ``--fail-on``, 2 when it cannot be looked at."""
    from provisioning.deployment import DeploymentError, examine
    from provisioning.preflight.check import look
    from provisioning.preflight.cloud_facts import CloudUnavailable
    from provisioning.preflight.rule import rules
    from provisioning.preflight.runbook import UnreadableRunbook

    if given.list:
        print("\n".join(f"{one.id:<5}{one.severity!s:<13}{one.title}. {one.source}" for one in rules().values()))
        return DONE
    if given.path is None:
        print("rempart: preflight DIR: which deployment folder?", file=sys.stderr)
        return BAD_INPUT
    try:
        cloud = _facts(given.cloud, examine(given.path)[0].cloud) if given.cloud else None
        seen = look(given.path, runbook=given.runbook, cloud=cloud, cloud_name=given.cloud or "")
    except (DeploymentError, UnreadableRunbook, CloudUnavailable) as why:
        print(f"rempart: {why}", file=sys.stderr)
        return BAD_INPUT
    print(_rendered(seen, given.format), end="")
    levels = FAIL_ON[: FAIL_ON.index(given.fail_on) + 1] if given.fail_on != "never" else ()
    return FAILED if any(str(finding.severity) in levels for finding in seen.findings) else DONE


def _facts(name: str, asked: object) -> CloudFacts:
    from provisioning.cloud_plan import Cloud
    from provisioning.preflight.openstack_facts import OpenStackFacts

    return OpenStackFacts(name, asked.tag if isinstance(asked, Cloud) else "")


def _rendered(seen: Preflight, form: str) -> str:
    if form == "json":
        return json.dumps({"findings": [_plain(one) for one in seen.findings], "counts": _counts(seen)}, indent=2) + "\n"
    if form == "sarif":
        return _sarif(seen)
    if form == "md":
        return _markdown(seen)
    counts = ", ".join(f"{number} {level}" for level, number in _counts(seen).items())
    asked = f"asked of {seen.cloud}" if seen.cloud else "no cloud was asked (--cloud NAME)"
    return "".join(f"{finding}\n" for finding in seen.findings) + f"{counts}; {asked}\n"


def _plain(finding: Finding) -> dict[str, object]:
    return {
        "rule": finding.rule.id,
        "severity": str(finding.severity),
        "file": finding.location.file,
        "line": finding.location.line,
        "field": finding.field,
        "message": finding.message,
        "remedy": finding.remedy,
        "source": finding.rule.source,
        "also": [
            {"file": one.location.file, "line": one.location.line, "field": one.field, "message": one.message}
            for one in finding.also
        ],
    }


def _counts(seen: Preflight) -> dict[str, int]:
    from provisioning.preflight.rule import Severity

    return {str(level): seen.count(level) for level in sorted(Severity, reverse=True)}


def _sarif(seen: Preflight) -> str:
    """Rules and findings as what the renderer knows: checks and their results."""
    from dataclasses import replace
    from importlib.metadata import version

    from provisioning.preflight.rule import CONTRADICTION, rules
    from reports import sarif
    from sns.checks.result import Check, Level, Result

    checks = {one.id: Check(one.id, Level(one.severity), one.title, one.source) for one in (*rules().values(), CONTRADICTION)}
    results = []
    for finding in seen.findings:
        also = "".join(f"; also {one.location}: {one.field}: {one.message}" for one in finding.also)
        check = replace(checks[finding.rule.id], level=Level(finding.severity))
        results.append(Result(check, finding.location, finding.field, finding.message + also, finding.remedy))
    return sarif.render(results, list(checks.values()), version("rempart"), tool="rempart preflight")


def _markdown(seen: Preflight) -> str:
    """A table for a merge request or a change ticket."""
    columns = ("rule", "severity", "where", "what", "remedy")
    head = f"# Preflight of {seen.deployment.name}\n\n| {' | '.join(columns)} |\n|{' --- |' * len(columns)}\n"
    rows = []
    for one in seen.findings:
        where = "<br>".join(f"`{place}`" for place in dict.fromkeys([one.location, *(also.location for also in one.also)]))
        what = "<br>".join([f"{one.field}: {one.message}", *(f"{also.field}: {also.message}" for also in one.also)])
        cells = (one.rule.id, str(one.severity), where, _cell(what), _cell(one.remedy))
        rows.append(f"| {' | '.join(cells)} |\n")
    return head + "".join(rows)


def _cell(text: str) -> str:
    escaped = text.replace("|", "\\|").replace("<", "&lt;").replace(">", "&gt;")
    return escaped.replace("&lt;br&gt;", "<br>")
