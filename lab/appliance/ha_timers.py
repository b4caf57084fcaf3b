"""How long a member of a pair waits for what, as it follows from the tokens of ``HA/highavailability``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sns.model import HighAvailability


@dataclass(frozen=True, slots=True)
class Timers:
    """The machine's times in seconds, as they follow from the product's tokens.

    ``dead`` is the silence that counts as death. A closed gate never waits for its agent: permission to forward lasts
    ``lease`` and ends before a peer that hears nothing can have taken over.
    """

    dead: float
    heartbeat: float
    lease: float
    start: float
    patience: float  # how long a member that yields waits for the other
    settle: float  # how long a returning advantage must last before the active gives way to it
    deaf: float  # how long an active member asks its neighbours in vain

    @classmethod
    def of(cls, ha: HighAvailability) -> Timers:
        """From ``TokenTimeout``, ``PingInterval`` and ``NbPing``: the later of both bounds decides (sns.md 1.9, 6)."""
        dead = max(ha.token_timeout, ha.ping_interval * ha.ping_count) / 1000
        heartbeat = max(0.005, min(ha.token_timeout / 4000, ha.ping_interval / 1000, dead / 4))
        return cls(
            dead=dead,
            heartbeat=heartbeat,
            lease=max(dead - heartbeat - 0.008, dead / 2),  # 8 ms: two ticks of the kernel's clock
            start=max(0.3, 3 * dead),
            patience=max(0.02, min(dead, 0.2)),
            settle=max(1.0, 10 * dead),
            deaf=max(0.5, dead),  # neighbours answer within milliseconds; a busy machine may take a tenth of a second
        )
