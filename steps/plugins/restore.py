"""Whatever a scenario changes it puts back, even when it fails."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import TypeVar

import pytest

from steps.plugins import surroundings

T = TypeVar("T", bound=surroundings.Restorable)


class Changes:
    """The only way to something that a step may change: it is remembered as it was, and put back in the end."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack
        self._taken: set[int] = set()

    def of(self, thing: T) -> T:
        """The thing, to be changed freely; its state now comes back when the scenario ends."""
        if id(thing) not in self._taken:
            self._taken.add(id(thing))
            self._stack.callback(thing.restore, thing.snapshot())
        return thing

    def now(self) -> None:
        """Put everything back at once, in the middle of a scenario whose next sentence says so."""
        self._stack.close()
        self._taken.clear()

    def undo(self, act: Callable[[], object]) -> None:
        """Do this when the scenario ends, in reverse order of asking."""
        self._stack.callback(act)


@pytest.fixture
def changes() -> Iterator[Changes]:
    """What this scenario changes."""
    with ExitStack() as stack:
        yield Changes(stack)
