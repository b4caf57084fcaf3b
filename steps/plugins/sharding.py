"""``--shard 3/8``: this machine's part of what is to run. The other parts run elsewhere, and their records are joined then.

What is split is what all the other options leave; all shards must be given the same of them.
"""

from __future__ import annotations

import pytest

from provisioning.shard import Shard, shard
from reports.entries import Shard as ShardEntry
from steps.plugins import collection
from steps.plugins.refusal import refuse

_WHOLE = pytest.StashKey[tuple[str, ...]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Which part."""
    group = parser.getgroup("rempart", "testing a deployment")
    group.addoption(
        "--shard", type=shard, metavar="N/OF", help="run only this part of the scenarios, as in 3/8; the others run elsewhere"
    )


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep this shard's scenarios, once nothing else leaves any out."""
    asked: Shard | None = config.getoption("--shard")
    if asked is None or not items:
        return
    whole = tuple(item.name for item in items if collection.template_of(item))
    if asked.of > len(whole):
        refuse(config, items, f"--shard {asked}: {len(whole)} scenarios are to run, which are too few for {asked.of} shards")
        return
    config.stash[_WHOLE] = whole
    others = frozenset(whole) - asked.part(whole)
    config.hook.pytest_deselected(items=[item for item in items if item.name in others])
    items[:] = [item for item in items if item.name not in others]


def entry(config: pytest.Config) -> list[ShardEntry]:
    """What the record says of it: nothing when all of it is to run here."""
    asked: Shard | None = config.getoption("--shard")
    if asked is None:
        return []
    return [ShardEntry(number=asked.number, of=asked.of, whole=config.stash[_WHOLE])]


def elsewhere(config: pytest.Config, item: pytest.Item) -> bool:
    """Whether a test that is not to run here is in another shard, rather than left out on request."""
    return item.name in config.stash.get(_WHOLE, ())
