"""What flows there are to be: which kind, between which hosts, and what a loss of service is called for them.

A plan is data: it goes to the instrument, a process of its own, as JSON.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

Kind = Literal["datagrams", "pings", "stream", "shell"]
"""``datagrams``: UDP. ``pings``: ICMP echo, answered by the far host's own kernel. ``stream``: one TCP session. ``shell``:
lines to a program at the other end of an SSH session, which sends them back."""

THERE, BACK = 0, 1
DIRECTIONS = ("there", "back")


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """One flow, from the host whose namespaces are those of the process ``near`` to the one of ``far``.

    ``flow_class`` is what budgets speak of. ``address`` and ``port`` are where the near side sends; ``device`` is the
    interface that it must leave by, "" for whichever the routes say. ``there`` and ``back`` are the directions in which
    messages are sent. ``size`` is that of a message in bytes. A shell has no far end of ours: its ``command`` is the whole
    program that the near host runs, and its messages are measured round trip.
    """

    name: str
    flow_class: str
    kind: Kind
    near: int
    far: int = 0
    address: str = ""
    port: int = 0
    device: str = ""
    there: bool = True
    back: bool = True
    size: int = 64
    command: tuple[str, ...] = ()

    @property
    def connection(self) -> bool:
        """Whether there is something that can be reset."""
        return self.kind in ("stream", "shell")

    @property
    def beats(self) -> int:
        """Beats between two messages: a shell's pass through ordinary programs, which more would keep busy for nothing."""
        return 5 if self.kind == "shell" else 1

    def sends(self, direction: int) -> bool:
        """Whether messages are sent in this direction."""
        return self.there if direction == THERE else self.back

    def as_json(self) -> dict[str, Any]:
        """The flow, for the instrument."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Flow:
        """The flow that was made into this."""
        return cls(**{**values, "command": tuple(values["command"])})
