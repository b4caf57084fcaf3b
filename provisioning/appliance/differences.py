"""In what the running configuration differs from the intended one: packets that fare otherwise, settings that are others."""

from __future__ import annotations

from provisioning.appliance.tree import Tree
from sns.comparison import compare
from sns.settings_changed import settings_changed
from sns.wording import Wording


def differences(running: Tree, intended: Tree) -> list[str]:
    """One line for each; none when both do the same. Raises KeyError when an active slot has no file."""
    comparison = compare(running.configuration, intended.configuration)
    words = Wording(intended.configuration, comparison.space)
    packets = [
        f"{words.box(one.boxes[0])}{' and more' if len(one.boxes) > 1 else ''}: {words.fate(one.before)} by {one.was},"
        f" intended: {words.fate(one.after)} by {one.now}"
        for one in comparison.differences
    ]
    return [*packets, *(str(change) for change in settings_changed(running.configuration, intended.configuration))]
