"""The smallest part of a sequence that still fails: delta debugging (Zeller and Hildebrandt, 2002), bounded in time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Shrunk(Generic[T]):
    """What is left, after how many trials. ``minimal``: leaving out any one of it was tried, and it did not fail."""

    items: tuple[T, ...]
    trials: int
    minimal: bool


def shrink(items: Sequence[T], fails: Callable[[Sequence[T]], bool], out_of_time: Callable[[], bool]) -> Shrunk[T]:
    """A smaller sequence, in the same order, of which ``fails`` is true as it is of ``items``.

    ``fails`` is asked of the same part only once. When ``out_of_time`` says so, the smallest found until then is given.
    """
    left, parts, trials = list(items), 2, 0
    passed: set[tuple[int, ...]] = set()
    indices = list(range(len(left)))
    while len(indices) > 1:
        for candidate in _candidates(indices, parts):
            if candidate in passed:
                continue
            if out_of_time():
                return Shrunk(tuple(left[index] for index in indices), trials, minimal=False)
            trials += 1
            if fails([left[index] for index in candidate]):
                parts = max(parts - 1, 2) if len(candidate) > len(indices) // parts else 2
                indices = list(candidate)
                break
            passed.add(candidate)
        else:
            if parts >= len(indices):
                break
            parts = min(len(indices), 2 * parts)
    return Shrunk(tuple(left[index] for index in indices), trials, minimal=True)


def _candidates(indices: Sequence[int], parts: int) -> list[tuple[int, ...]]:
    """Each part alone, then all but each part."""
    size, extra = divmod(len(indices), parts)
    bounds = [number * size + min(number, extra) for number in range(parts + 1)]
    chunks = [tuple(indices[first:last]) for first, last in pairwise(bounds)]
    without = [tuple(index for index in indices if index not in chunk) for chunk in chunks]
    return [*chunks, *(one for one in without if parts > 2 and one)]
