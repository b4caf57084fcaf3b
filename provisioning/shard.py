"""A whole that is split by number over machines, the same split every time: scenarios, mutants, sites of a matrix."""

from __future__ import annotations

import re
from argparse import ArgumentTypeError
from collections.abc import Iterable
from dataclasses import dataclass

_WRITTEN = re.compile(r"([1-9][0-9]{0,3})/([1-9][0-9]{0,3})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Shard:
    """Part ``number`` (from 1) of ``of``."""

    number: int
    of: int

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"

    def part(self, names: Iterable[str]) -> frozenset[str]:
        """Those of the names that are in this shard; each is in exactly one of them all.

        In order of code points, the names are dealt out like cards. So no shard has more than one name more than another, and
        neighbours, which tend to cost the same, go to different shards. Nothing but the set of names counts: neither their
        order, nor the machine, its locale or its time.
        """
        return frozenset(sorted(set(names))[self.number - 1 :: self.of])


def shard(text: str) -> Shard:
    """A shard as options have it, ``3/8``. Raises ArgumentTypeError, which argparse and pytest tell their user."""
    written = _WRITTEN.fullmatch(text)
    if written is None:
        raise ArgumentTypeError(f"{text!r} is no shard: write its number and how many there are, as in 3/8")
    number, of = int(written[1]), int(written[2])
    if number > of:
        raise ArgumentTypeError(f"{text!r}: there is no shard {number} of {of}")
    return Shard(number, of)
