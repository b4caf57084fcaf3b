"""``rempart compare``: what a change of configuration opens, closes or changes, packet by packet, without a lab."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cli.configurations import SOURCES, NothingToRead, backup_options, by_site, source

if TYPE_CHECKING:
    from argparse import ArgumentParser, _SubParsersAction

    from sns.model import Configuration

SAME, DIFFERENT, BAD_INPUT = 0, 1, 2
_SHOWN = 4
"""Sets of packets that are shown of one difference; JSON has them all."""


def register(commands: _SubParsersAction[ArgumentParser]) -> None:
    """Add the command and its arguments."""
    parser = commands.add_parser("compare", help="what a change of configuration opens, closes or changes, without a lab")
    parser.add_argument("before", metavar="BEFORE", help=SOURCES)
    parser.add_argument("after", metavar="AFTER", help="the same after the change")
    backup_options(parser)
    parser.add_argument("--format", choices=("text", "json"), default="text")


def run(given: argparse.Namespace) -> int:
    """Compare and tell; the exit code: 0 when no packet and no setting is treated otherwise, 1 when one is, 2 bad input."""
    try:
        with source(given.before, given) as one, source(given.after, given) as other:
            before, after = by_site(one), by_site(other)
    except NothingToRead as why:
        print(f"rempart: {why}", file=sys.stderr)
        return BAD_INPUT
    unlike = sorted(before.keys() ^ after.keys())
    if unlike:
        only = ", ".join(
            f"{site or 'a tree alone'} only in {given.before if site in before else given.after}" for site in unlike
        )
        print(f"rempart: the two are not of the same sites: {only}", file=sys.stderr)
        return BAD_INPUT
    try:
        told = [_compared(site, before[site], after[site]) for site in before]
    except KeyError as slot:
        print(f"rempart: Filter/slotinfo: slot {slot} is active and has no file (`rempart check` tells all)", file=sys.stderr)
        return BAD_INPUT
    if given.format == "json":
        print(json.dumps({one.site: {"packets": one.packets, "settings": one.settings} for one in told}, indent=2))
    else:
        print("\n".join(line for one in told for line in _lines(one)))
    return DIFFERENT if any(one.packets or one.settings for one in told) else SAME


@dataclass(frozen=True, slots=True)
class _Compared:
    """One site's changes, in words."""

    site: str
    packets: list[dict[str, object]] = field(default_factory=list)
    settings: list[str] = field(default_factory=list)


def _compared(site: str, before: Configuration, after: Configuration) -> _Compared:
    from sns.comparison import compare
    from sns.settings_changed import settings_changed
    from sns.wording import Wording

    comparison = compare(before, after)
    words = Wording(after, comparison.space)
    packets: list[dict[str, object]] = [
        {
            "kind": one.kind,
            "packets": [words.box(box) for box in one.boxes],
            "was": f"{words.fate(one.before)}, by {one.was}",
            "now": f"{words.fate(one.after)}, by {one.now}",
            "example": str(comparison.space.example(one.boxes[0])),
        }
        for one in comparison.differences
    ]
    return _Compared(site, packets, [str(change) for change in settings_changed(before, after)])


def _lines(one: _Compared) -> Iterator[str]:
    if one.site:
        yield f"{one.site}"
    for change in one.packets:
        sets = list(change["packets"]) if isinstance(change["packets"], list) else []
        yield f"  {change['kind']:<8}{sets[0]}"
        yield from (f"          {words}" for words in sets[1:_SHOWN])
        if len(sets) > _SHOWN:
            yield f"          and {len(sets) - _SHOWN} more sets of packets"
        yield f"          was: {change['was']}"
        yield f"          now: {change['now']}"
    yield from (f"  setting {setting}" for setting in one.settings)
    counts = [f"{sum(change['kind'] == kind for change in one.packets)} {kind}" for kind in ("opens", "closes", "changes")]
    if one.packets or one.settings:
        yield f"  {', '.join(counts)}; {len(one.settings)} settings"
    else:
        yield "  no packet and no setting is treated otherwise"
