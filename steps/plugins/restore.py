"""Whatever a scenario changes it puts back, even when it fails."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any, TypeVar

import pytest

from steps.plugins import surroundings
from steps.plugins.environment import KEEPER, keep_logs
from steps.plugins.verdicts import Told

T = TypeVar("T", bound=surroundings.Restorable[Any])


class RestoreFailed(Told):
    """Something that a scenario changed could not be put back; the text says what, and why, one line each."""


class Changes:
    """The only way to something that a step may change: it is remembered as it was, and put back in the end.

    ``spoiled`` is told what could not be put back: what follows must not be tested on it.
    """

    def __init__(self, spoiled: Callable[[str], None]) -> None:
        self._spoiled = spoiled
        self._stack = ExitStack()
        self._taken: dict[int, object] = {}
        self._failures: list[str] = []

    def of(self, thing: T) -> T:
        """The thing, to be changed freely; its state now comes back when the scenario ends."""
        if id(thing) not in self._taken:
            token = thing.snapshot()
            self._taken[id(thing)] = thing
            self._stack.callback(self._attempt, thing.name, lambda: thing.restore(token))
        return thing

    def undo(self, act: Callable[[], object], *, what: str = "") -> None:
        """Do this when the scenario ends, in reverse order of asking; ``what`` is put back, for a message."""
        self._stack.callback(self._attempt, what, act)

    def now(self) -> None:
        """Put everything back at once: in the middle of a scenario whose next sentence says so, and at its end.

        One thing that fails does not keep the others from being put back. Raises RestoreFailed after all of them.
        """
        self._stack.close()
        self._taken.clear()
        failures, self._failures = self._failures, []
        if failures:
            self._spoiled("; ".join(one.splitlines()[0] for one in failures))
            raise RestoreFailed("\n  ".join(["what the scenario changed could not be put back:", *failures]))

    def _attempt(self, what: str, act: Callable[[], object]) -> None:
        try:
            act()
        except pytest.exit.Exception:
            raise
        except Exception as why:  # kept, and raised once the others are back
            self._failures.append(f"{what}: {why}" if what else str(why) or type(why).__name__)


@pytest.fixture
def changes(request: pytest.FixtureRequest) -> Iterator[Changes]:
    """What this scenario changes."""
    keeper, scenario = request.config.stash[KEEPER], request.node.name
    changed = Changes(lambda why: keeper.spoil(f"{scenario} left it changed: {why}"))
    try:
        yield changed
    finally:
        try:
            changed.now()
        except RestoreFailed:
            keep_logs(request.node)
            raise
