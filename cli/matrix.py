"""``rempart matrix``: every class of packets that the configurations tell apart, predicted, and measured in the lab.

Exit codes: 0 all was measured, and is as predicted; 1 prediction and measurement disagree, or the lab failed; 2 wrong use or
bad input; 3 nothing disagrees, but not all could be measured.
"""

from __future__ import annotations

import argparse
import json
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from argparse import ArgumentParser, _SubParsersAction
    from ipaddress import IPv4Address

    from lab.matrix.stand import Client
    from provisioning.environment import LabEnvironment
    from provisioning.matrix.results import Results

AGREES, FAILED, BAD_INPUT, INCOMPLETE = 0, 1, 2, 3
SSL_VPN = "sslvpn"
_SHOWN = 20  # disagreements in text and Markdown; JSON has them all


def register(commands: _SubParsersAction[ArgumentParser]) -> None:
    """Add the command and its arguments."""
    parser = commands.add_parser("matrix", help="what passes, class by class: predicted, measured, compared")
    parser.add_argument("--deployment", type=Path, default=Path("deployments/guide"), metavar="DIR")
    parser.add_argument(
        "--site", action="append", metavar="NAME", help="only packets for this site's firewall (again for more)"
    )
    parser.add_argument(
        "--lab", choices=("fresh", "keep", "attach"), default="fresh", help="its own lab, one that stays, or the one that runs"
    )
    parser.add_argument("--run", metavar="ID", help="with --lab attach: which lab, when several run")
    parser.add_argument("--every-end", action="store_true", help="each class by all its ends, not by one of them")
    parser.add_argument("--one-in", type=int, default=1, metavar="N", help="only each N-th class")
    parser.add_argument("--no-vpn-users", action="store_true", help="connect no VPN users: what they would send is not sent")
    parser.add_argument("--format", choices=("text", "md", "json"), default="text")
    parser.add_argument("--output", type=Path, metavar="FILE", help="where to write (default: standard output)")


def run(given: argparse.Namespace) -> int:
    """Measure and tell; the exit code."""
    from lab.errors import LabError
    from provisioning.deployment import DeploymentError

    try:
        results = _measured(given)
    except (DeploymentError, WrongSite) as why:
        print("\n".join(f"rempart: {line}" for line in str(why).splitlines()), file=sys.stderr)
        return BAD_INPUT
    except LabError as why:
        print(f"rempart: {why}", file=sys.stderr)
        return FAILED
    text = {"text": _text, "md": _markdown, "json": _json}[given.format](results)
    if given.output:
        try:
            given.output.write_text(text, encoding="utf-8")
        except OSError as why:
            print(f"rempart: {given.output}: {why.strerror}", file=sys.stderr)
            return BAD_INPUT
    else:
        print(text, end="")
    return FAILED if results.disagrees else INCOMPLETE if results.incomplete else AGREES


class WrongSite(Exception):
    """The plan has no such site, or a number makes no sense."""


def _measured(given: argparse.Namespace) -> Results:
    from provisioning.deployment import load
    from provisioning.environment import lab_attach, open_environment
    from provisioning.matrix.measured import Matrix
    from provisioning.matrix.passive import measure
    from provisioning.matrix.results import whole

    deployment = load(given.deployment)
    sites = given.site or list(deployment.sites)
    if unknown := sorted(set(sites) - set(deployment.sites)):
        raise WrongSite(f"--site {unknown[0]}: the plan has {', '.join(deployment.sites)}")
    if given.one_in < 1:
        raise WrongSite("--one-in: write a number from 1 on")
    with ExitStack() as leaving:
        if given.run:
            environment = lab_attach(given.run, deployment)
            leaving.callback(environment.close)
        else:
            environment = leaving.enter_context(open_environment(deployment, lab=given.lab, progress=_progress))
        users, why = ([], "") if given.no_vpn_users else _connected(environment, leaving)
        _progress("measuring")
        matrix = Matrix(environment, users)
        try:
            results = whole(matrix, sites, every_end=given.every_end, one_in=given.one_in)
        finally:
            matrix.close()
        results.passive = measure(environment, results.through)
        if why:
            results.lost[why] += sum(row.unsent for (_, arrival), row in results.rows.items() if arrival == SSL_VPN)
        return results


def _connected(environment: LabEnvironment, leaving: ExitStack) -> tuple[list[tuple[Client, IPv4Address]], str]:
    """The connected VPN users, or none and why."""
    from lab.errors import LabError
    from provisioning.matrix.users import connected

    try:
        return leaving.enter_context(connected(environment)), ""
    except LabError as why:
        return [], str(why)


def _progress(what: str) -> None:
    print(f"rempart: {what}", file=sys.stderr)


# What it says


def _json(results: Results) -> str:
    return json.dumps(results.plain(), indent=2, ensure_ascii=False) + "\n"


def _text(results: Results) -> str:
    lines = [f"{'site':<12}{'in by':<12}{'passed on':>11}{'taken':>9}{'reset':>9}{'refused':>9}{'not sent':>10}"]
    for (site, arrival), row in results.rows.items():
        lines.append(f"{site:<12}{arrival:<12}{row.passed:>11}{row.taken:>9}{row.reset:>9}{row.refused:>9}{row.unsent:>10}")
    lines += ["", *_disagreements(results), *_totals(results)]
    return "\n".join(lines) + "\n"


def _markdown(results: Results) -> str:
    lines = ["| site | in by | passed on | taken | reset | refused | not sent |", "| --- | --- | --: | --: | --: | --: | --: |"]
    for (site, arrival), row in results.rows.items():
        lines.append(f"| {site} | {arrival} | {row.passed} | {row.taken} | {row.reset} | {row.refused} | {row.unsent} |")
    lines += ["", *(f"- {line.strip()}" for line in _disagreements(results)), *_totals(results)]
    return "\n".join(lines) + "\n"


def _disagreements(results: Results) -> list[str]:
    lines = []
    for compared in results.disagreeing[:_SHOWN]:
        prediction, trace = compared.prediction, compared.trace
        seen = "; ".join(map(str, trace.sightings)) or "nowhere"
        rule = f" ({prediction.where})" if prediction.where else ""
        lines.append(f"{compared.site}: {compared.flow}")
        lines.append(f"    predicted: {prediction.verdict}, {prediction.reason}{rule}")
        lines.append(f"    seen: {seen}; counted by {', '.join(compared.counted) or 'no rule'}")
        lines += [f"    {each}" for each in compared.disagreements]
    if more := len(results.disagreeing) - _SHOWN:
        lines += [f"and {more} more (--format json has them all)"] if more > 0 else []
    return lines


def _totals(results: Results) -> list[str]:
    lines = [f"not measured: {number} ({why})" for why, number in results.lost.items()]
    for one in results.passive:
        what = f"{one.seen[0]} and {len(one.seen) - 1} more" if one.seen else "none came out again"
        lines.append(
            f"{one.site}: of {one.sent} packets that the active member lets through {one.arrived} arrived at {one.member},"
            f" which is passive: {what}"
        )
    lines.append(
        f"{results.measured} packets of {results.classes} classes measured in {results.seconds:.1f} s"
        f" ({results.per_minute} a minute), {results.replies} replies; {len(results.disagreeing)} disagree with the prediction"
    )
    return lines
