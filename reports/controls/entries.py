"""What a run's record says of controls, and of what departs from them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from reports.entry import Entry, Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalogue(Entry):
    """A catalogue of controls that this run has to do with, as it was read on the day ``read_on``.

    ``name`` is its short name with its version, which ``Support`` and ``Unmapped`` refer to; ``date`` that of its publication;
    ``licence`` what its publisher allows. ``unsupported`` are the labels of the controls that no scenario supports,
    ``parameters`` values that it sets, each with ``control``, ``name``, ``value``, ``source`` and ``date``.
    """

    entry: ClassVar[str] = "catalogue"
    name: str
    title: str
    version: str
    publisher: str
    source: str
    date: str
    read_on: str
    licence: str
    note: str = ""
    unsupported: tuple[str, ...] = ()
    parameters: tuple[dict[str, Json], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Support(Entry):
    """A planned scenario supports a control, as the mapping of that day says.

    ``catalogue`` is the catalogue's short name with its version, ``control`` the label as its publisher writes it, ``token``
    the same as an identifier (OSCAL's rules: a letter first, then letters, digits, ``.``, ``-``, ``_``), ``title`` what the
    control asks in few words, "" where its licence forbids even that. ``limit`` is what is not proven of this control beside
    what the scenario does not prove anyway. ``source`` is where the control was read, ``date`` when
    the mapping was made, ``confidence`` how sure number and wording are: ``verified``, ``title verified`` or ``to verify``.
    """

    entry: ClassVar[str] = "support"
    scenario: str
    catalogue: str
    control: str
    title: str
    reason: str
    does_not_prove: str
    source: str
    date: str
    confidence: str
    token: str = ""
    limit: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unmapped(Entry):
    """Why a planned scenario supports no control: of the catalogue of this name, or of any when it is ""."""

    entry: ClassVar[str] = "unmapped"
    scenario: str
    catalogue: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Deviation(Entry):
    """A known departure, as ``deviations.toml`` of the deployment says at the run's start.

    ``subject`` is a scenario's or an instance's id, or ``CATALOGUE CONTROL``. A ``waiver`` accepts a failure until the end of
    the day ``expires`` (ISO 8601, UTC); a ``finding`` is known and accepted by nobody. Texts in French are "" when the file has
    none.
    """

    entry: ClassVar[str] = "deviation"
    subject: str
    kind: Literal["waiver", "finding"]
    justification: str
    owner: str
    expires: str
    compensation: str
    file: str
    line: int
    justification_fr: str = ""
    compensation_fr: str = ""

    def in_force(self, day: str) -> bool:
        """Whether it accepts a failure of this day (ISO 8601)."""
        return self.kind == "waiver" and day <= self.expires
