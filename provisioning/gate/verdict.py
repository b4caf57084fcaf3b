"""The gate's word on a change: accepted, to be approved, refused, or undecided, and all that it rests on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from provisioning.gate.changes import Change

Verdict = Literal["accepted", "approval", "refused", "undecided"]

EXIT: Mapping[Verdict, int] = {"accepted": 0, "refused": 1, "approval": 3, "undecided": 4}
"""Exit codes; 2 is bad input. They are stable: CI files count on them."""


@dataclass(frozen=True, slots=True)
class Confirmation:
    """What a lab saw of one packet of a change, before and after; ``wrong`` says how that is not what the model says.

    ``unmeasured`` says why the lab could not send this packet; the other texts are then empty.
    """

    before: str = ""
    after: str = ""
    wrong: str = ""
    unmeasured: str = ""


NOTHING_SEEN = Confirmation()


@dataclass(frozen=True, slots=True)
class Scenarios:
    """What the scenarios said on the configuration after. ``failed`` are instances with their reason, ``unclear`` those that
    proved nothing. ``ran`` are those that the change may affect, ``unaffected`` the others, each with the proof.
    """

    counts: Mapping[str, int] = field(default_factory=dict)
    failed: Mapping[str, str] = field(default_factory=dict)
    unclear: Mapping[str, str] = field(default_factory=dict)
    ran: Sequence[str] = ()
    unaffected: Mapping[str, str] = field(default_factory=dict)
    record: str = ""


@dataclass(slots=True)
class Gated:
    """One run of the gate. ``confirmed`` is by the place of the change in ``changes``; ``seconds`` by phase.

    ``errors`` is what kept the lab from a word (it did not start, the appliance refused what the reader did not).
    ``notes`` are for a person, and decide nothing.
    """

    before: str
    after: str
    policy: str
    changes: Sequence[Change] = ()
    confirmed: dict[int, Confirmation] = field(default_factory=dict)
    scenarios: Scenarios | None = None
    measured: bool = False
    errors: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)

    @property
    def verdict(self) -> Verdict:
        """The gravest word that anything here asks for. A refusal stands whatever else was not decided."""
        if any(change.need == "refused" for change in self.changes) or (self.scenarios and self.scenarios.failed):
            return "refused"
        unclear = self.scenarios and self.scenarios.unclear
        if self.errors or unclear or any(one.wrong for one in self.confirmed.values()):
            return "undecided"
        return "approval" if any(change.need == "approval" for change in self.changes) else "accepted"

    def plain(self) -> dict[str, Any]:
        """All of it as JSON can hold it."""
        return {
            "verdict": self.verdict,
            "exit": EXIT[self.verdict],
            "before": self.before,
            "after": self.after,
            "policy": self.policy,
            "measured": self.measured,
            "changes": [plain(change, self.confirmed.get(place, NOTHING_SEEN)) for place, change in enumerate(self.changes)],
            "scenarios": _scenarios(self.scenarios),
            "errors": self.errors,
            "notes": self.notes,
            "seconds": {phase: round(spent, 3) for phase, spent in self.seconds.items()},
        }


def plain(change: Change, seen: Confirmation) -> dict[str, Any]:
    """A change and what was seen of it, as a run's record has it."""
    return {
        "site": change.site,
        "kind": change.kind,
        "needs": change.need,
        "what": list(change.what),
        "was": change.was,
        "now": change.now,
        "file": change.location.file if change.location else "",
        "line": change.location.line if change.location else 0,
        "example": change.example,
        "answered": change.answered,
        "seen_before": seen.before,
        "seen_after": seen.after,
        "wrong": seen.wrong,
        "unmeasured": seen.unmeasured,
    }


def _scenarios(run: Scenarios | None) -> dict[str, Any] | None:
    if run is None:
        return None
    return {
        "counts": dict(run.counts),
        "failed": dict(run.failed),
        "unclear": dict(run.unclear),
        "ran": list(run.ran),
        "unaffected": dict(run.unaffected),
        "record": run.record,
    }
