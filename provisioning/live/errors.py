"""What can go wrong with the deployment itself, in words that its engineer can act on."""

from __future__ import annotations

from collections.abc import Iterable

from lab.errors import LabError


class Unreachable(LabError):
    """A host does not let us in over SSH; the text says which, and what SSH said."""


class NotAsIntended(LabError):
    """A firewall runs another configuration than the one under test. ``differences`` say in what."""

    def __init__(self, firewall: str, differences: Iterable[str]) -> None:
        self.differences = tuple(differences)
        listed = "\n  ".join(self.differences)
        super().__init__(
            f"{firewall} runs another configuration than the one under test (apply it, or test the one that runs):\n  {listed}"
        )


class NotHere(LabError):
    """A scenario asks for what only a lab has: it is left out, with this as the reason."""
