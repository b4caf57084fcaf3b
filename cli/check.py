"""``rempart check``: what is doubtful in a configuration, found without a lab, without root, in a second."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from cli.configurations import SOURCES, NothingToRead, backup_options, deployment, sites, source

if TYPE_CHECKING:
    from argparse import ArgumentParser, _SubParsersAction

    from provisioning.sources import Source
    from sns.checks.result import Result

DONE, FAILED, BAD_INPUT = 0, 1, 2
FAIL_ON = ("error", "warning", "note", "never")


def register(commands: _SubParsersAction[ArgumentParser]) -> None:
    """Add the command and its arguments."""
    parser = commands.add_parser("check", help="what is doubtful in a configuration, without a lab")
    parser.add_argument("path", metavar="DIR", nargs="?", help=SOURCES)
    parser.add_argument("--peer", metavar="TREE", help="the other member's ConfigFiles tree: tell what differs")
    backup_options(parser)
    parser.add_argument("--format", choices=("text", "json", "sarif"), default="text")
    parser.add_argument("--output", type=Path, metavar="FILE", help="where to write (default: standard output)")
    parser.add_argument(
        "--fail-on", choices=FAIL_ON, default="error", help="exit 1 from this level on (default: error; never: always exit 0)"
    )
    parser.add_argument("--list", action="store_true", help="every check, with its level and reason")


def run(given: argparse.Namespace) -> int:
    """Check and tell; the exit code: 1 when something is as grave as ``--fail-on``, 2 when there is nothing to check."""
    from sns.checks.run import CHECKS

    if given.list:
        print("\n".join(f"{check.id:<26}{check.level!s:<9}{check.title}. {check.reason}" for check in CHECKS))
        return DONE
    try:
        results = list(_results(given))
    except NothingToRead as why:
        print(f"rempart: {why}", file=sys.stderr)
        return BAD_INPUT
    text = _rendered(results, given.format)
    if given.output:
        try:
            given.output.write_text(text)
        except OSError as why:
            print(f"rempart: {given.output}: {why.strerror}", file=sys.stderr)
            return BAD_INPUT
    else:
        print(text, end="")
    grave = given.fail_on != "never" and any(str(r.check.level) in FAIL_ON[: FAIL_ON.index(given.fail_on) + 1] for r in results)
    return FAILED if grave else DONE


def _results(given: argparse.Namespace) -> Iterator[Result]:
    from sns.checks.cluster import differences
    from sns.checks.run import check
    from sns.reader import read

    if given.path is None:
        raise NothingToRead("check DIR: which deployment folder or ConfigFiles tree?")
    with source(given.path, given) as found:
        if found.is_deployment:
            if given.peer:
                raise NothingToRead("check --peer: give the ConfigFiles trees of both members, not a deployment folder")
            yield from _below(found, _of_deployment(found))
            return
        yield from _below(found, _in(found.folder, check(read(found.folder))))
        if given.peer:
            with source(given.peer, given) as peer:
                unlike = differences(found.folder, peer.folder, called=(found.base, peer.base))
                yield from _below(found, _in(found.folder, unlike))


def _of_deployment(given: Source) -> Iterator[Result]:
    """Each site's tree, and where plan and tree disagree. What a tree has wrong is told once."""
    from provisioning import agreement
    from sns.checks.run import as_results, check

    found = deployment(given)
    told: set[tuple[str, int, str]] = set()
    for _, folder, configuration in sites(found):
        for result in _in(folder, check(configuration)):
            told.add((result.location.file, result.location.line, result.message))
            yield result
    for result in as_results(agreement.check(found)):
        if (result.location.file, result.location.line, result.message) not in told:
            yield result


def _in(folder: Path, results: Iterable[Result]) -> Iterator[Result]:
    """Results with the folder before their files. The directory's base lies beside the tree."""
    for result in results:
        root = folder.parent if result.location.file.startswith("Data/") else folder
        yield replace(result, location=replace(result.location, file=(root / result.location.file).as_posix()))


def _below(given: Source, results: Iterable[Result]) -> Iterator[Result]:
    """Results with their files as one would find them from here."""
    for result in results:
        yield replace(result, location=replace(result.location, file=given.told(result.location.file)))


def _rendered(results: Sequence[Result], form: str) -> str:
    if form == "json":
        return json.dumps({"results": [_plain(result) for result in results], "counts": _counts(results)}, indent=2) + "\n"
    if form == "sarif":
        from importlib.metadata import version

        from reports import sarif
        from sns.checks.run import CHECKS

        return sarif.render(results, CHECKS, version("rempart"))
    counts = ", ".join(f"{number} {level}{'s' if number != 1 else ''}" for level, number in _counts(results).items())
    return "".join(f"{result}\n" for result in results) + f"{counts}\n"


def _plain(result: Result) -> dict[str, object]:
    check = result.check
    return {
        "check": check.id,
        "level": str(check.level),
        "file": result.location.file,
        "line": result.location.line,
        "field": result.field,
        "message": result.message,
        "remedy": result.remedy,
        "reason": check.reason,
        "controls": list(check.controls),
    }


def _counts(results: Sequence[Result]) -> dict[str, int]:
    return {level: sum(str(result.check.level) == level for result in results) for level in FAIL_ON[:3]}
