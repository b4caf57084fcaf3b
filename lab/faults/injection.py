"""Faults of a running lab: begun, remembered in the lab's folder, and undone whatever happens.

What is remembered is a file for each fault that is in force, with all that undoing it takes: so it can be undone after the
process that began it was killed.
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from lab.errors import LabError, LabNotFound
from lab.faults import catalogue
from lab.faults.fault import Fault, Target, Values
from lab.signals import Undisturbed
from lab.state import writing

_FOLDER = "faults"


class FaultRefused(LabError):
    """The fault would touch what another one holds already; the text names both."""


@dataclass(frozen=True, slots=True)
class InForce:
    """A fault that was begun and not undone. ``since`` is seconds since 1970."""

    number: str
    fault: Fault
    target: Target
    since: float


class Injection:
    """One fault, done to one member; ended, it is undone. A context manager, or :meth:`begin` and :meth:`end`.

    Both may be called twice. An injection that was undone by somebody else (``rempart lab fault undo``) has ended.
    """

    def __init__(self, faults: Faults, fault: Fault, target: Target, number: str) -> None:
        self.fault = fault
        self.target = target
        self.number = number
        self._faults = faults
        self._file = faults.folder / f"{number}.json"

    def __enter__(self) -> Injection:
        self.begin()
        return self

    def __exit__(self, kind: type[BaseException] | None, why: BaseException | None, trace: TracebackType | None) -> None:
        self.end()

    @property
    def in_force(self) -> bool:
        """Whether it was begun and not yet undone, by whomever."""
        return self._file.exists()

    def begin(self) -> None:
        """Do it; what fails half-way is undone. Raises FaultRefused before anything is done, or what the lab raised."""
        if self.in_force:
            return
        self._faults.refuse_second(self.fault, self.target)
        self._remember()
        try:
            self.fault.kind.apply(self.target, self.fault.values)
        except BaseException:
            self.end()
            raise

    def end(self) -> None:
        """Undo it. A first Ctrl-C waits for its end; what cannot be undone stays remembered. Raises what the lab raised."""
        if not self.in_force:
            return
        with Undisturbed():
            self.fault.kind.undo(self.target, self.fault.values)
            self._file.unlink(missing_ok=True)

    def _remember(self) -> None:
        facts = {"fault": self.fault.kind.name, "values": dict(self.fault.values.given), "member": self.target.name,
                 "since": time.time()}  # fmt: skip
        with writing(self._file):
            self._file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            fresh = self._file.with_suffix(".new")
            fresh.write_text(json.dumps(facts))
            fresh.rename(self._file)


class Faults:
    """The faults of one lab. ``lab_folder`` is the lab's own, ``targets`` are the members by name."""

    def __init__(self, lab_folder: Path, targets: Iterable[Target]) -> None:
        self.folder = lab_folder / _FOLDER
        self._targets: Mapping[str, Target] = {target.name: target for target in targets}

    def target(self, member: str) -> Target:
        """A member as something to be done to. Raises LabNotFound, naming those that there are."""
        try:
            return self._targets[member]
        except KeyError:
            raise LabNotFound(f"no firewall {member!r} in this lab; it has {', '.join(self._targets)}") from None

    def injection(self, fault: Fault, member: str) -> Injection:
        """A fault for a member, not begun yet. Raises LabNotFound."""
        return Injection(self, fault, self.target(member), secrets.token_hex(2))

    def in_force(self) -> list[InForce]:
        """What was begun and not undone, the latest last."""
        return sorted(self._remembered(), key=lambda one: one.since)

    def undo(self, one: InForce) -> None:
        """Undo a fault that this or another process began."""
        Injection(self, one.fault, one.target, one.number).end()

    def undo_all(self) -> list[InForce]:
        """Undo all that is in force, the latest first; what it was."""
        found = self.in_force()[::-1]
        for one in found:
            self.undo(one)
        return found

    def refuse_second(self, fault: Fault, target: Target) -> None:
        """Raise FaultRefused when something that the fault would touch is held by one that is in force."""
        wanted = fault.kind.occupies(target, fault.values)
        for other in self._remembered():
            if shared := wanted & other.fault.kind.occupies(other.target, other.fault.values):
                raise FaultRefused(
                    f"{fault} on {target.name}: {', '.join(sorted(shared))} is held by {other.fault} on {other.target.name}"
                    f" (undo {other.number} first)"
                )

    def _remembered(self) -> Iterator[InForce]:
        for file in self.folder.glob("*.json") if self.folder.is_dir() else ():
            try:
                facts = json.loads(file.read_text())
            except FileNotFoundError:
                continue  # undone by another process meanwhile
            fault = Fault(catalogue.kind(facts["fault"]), Values(facts["values"]))
            yield InForce(file.stem, fault, self.target(facts["member"]), facts["since"])
