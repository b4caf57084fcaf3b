"""What goes on from one scenario to the next: to start it takes longer than the scenario itself.

Scenarios of one site that begin with the same sentence run one after the other, and what it started ends with the last of
them; so do neighbours that put packets in with whatever source, at the same stand. A member that a scenario's flows have seen
lose its power stays without when the next scenario begins with just that. A scenario that finds it disturbed starts it anew.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from itertools import groupby
from typing import TypeVar

import pytest

from steps.plugins import collection
from steps.plugins.environment import KEEPER, Keeper
from steps.plugins.restore import Changes

T = TypeVar("T")

FLOWS = "flows of every class run through the firewall"
LOST = "the active member has lost power and the other has taken over"
STAND = "needs_spoofing"
"""The tag of scenarios that measure on a stand at the firewalls (:mod:`lab.matrix.stand`)."""
_UNDER_WAY = pytest.StashKey["UnderWay"]()


class UnderWay:
    """One thing that goes on, and how it ends: ``undo`` is told by whoever starts it."""

    def __init__(self, spoiled: Callable[[str], None]) -> None:
        self._ending = Changes(spoiled)
        self._kept: tuple[object, object] | None = None

    def undo(self, act: Callable[[], object]) -> None:
        """Do this when it ends."""
        self._ending.undo(act)

    def have(self, of: object, goes_on: Callable[[T], bool], start: Callable[[], T]) -> T:
        """What was started for ``of``, if it still goes on; else a new one, the former ended."""
        if self._kept is not None and self._kept[0] == of and goes_on(self._kept[1]):  # type: ignore[arg-type]
            return self._kept[1]  # type: ignore[return-value]
        self.end()
        started = start()
        self._kept = (of, started)
        return started

    def becomes(self, of: object, thing: object) -> None:
        """What goes on is now this, for whoever has it next; it still ends as a whole."""
        self._kept = (of, thing)

    def end(self) -> None:
        """End it, if there is any. Raises RestoreFailed."""
        self._kept = None
        self._ending.now()


@pytest.fixture(scope="session")
def under_way(pytestconfig: pytest.Config, _kept: Keeper) -> Iterator[UnderWay]:
    """What goes on; it ends before the environment does."""
    keeper = pytestconfig.stash[KEEPER]
    kept = pytestconfig.stash[_UNDER_WAY] = UnderWay(lambda why: keeper.spoil(f"what went on could not be ended: {why}"))
    try:
        yield kept
    finally:
        kept.end()


def end(config: pytest.Config) -> None:
    """End what goes on, if there is any. Raises RestoreFailed."""
    if _UNDER_WAY in config.stash:
        config.stash[_UNDER_WAY].end()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Of neighbours that want the same, have those of one site follow each other."""
    ordered: list[pytest.Item] = []
    for of_pair, group in groupby(items, _of_pair):
        neighbours = list(group)
        if of_pair:
            places = list(dict.fromkeys(map(_place, neighbours)))
            neighbours.sort(key=lambda item: places.index(_place(item)))
        ordered += neighbours
    items[:] = ordered


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> Generator[None]:
    """End what goes on when the next scenario does not want it, or will have another environment."""
    try:
        return (yield)
    finally:
        if nextitem is None or not _shared(item, nextitem) or item.config.stash[KEEPER].is_spoiled:
            end(item.config)


def _shared(item: pytest.Item, after: pytest.Item) -> bool:
    """Whether two scenarios of one feature want the same, or one begins with what the other leaves."""
    wanted = _wanted(item)
    if wanted != _wanted(after) and (wanted, _wanted(after)) != (FLOWS, LOST):
        return False
    return item.parent is after.parent and (not _of_pair(item) or _place(item) == _place(after))


def _of_pair(item: pytest.Item) -> bool:
    """Whether what a scenario wants is one site's own."""
    return _wanted(item) in (FLOWS, LOST)


def _wanted(item: pytest.Item) -> str:
    """What a scenario wants to go on: flows, a member without power, a stand, or nothing."""
    template = collection.template_of(item)
    if template is None:
        return ""
    if sentences := {step.name for step in template.steps} & {FLOWS, LOST}:
        return sentences.pop()
    return STAND if STAND in collection.all_tags(template) else ""


def _place(item: pytest.Item) -> str:
    return item.name.partition("[")[2]
