"""Controls that scenarios support, as entries of a record: beside ``runs.MIXED``."""

from __future__ import annotations

from reports.entries import Support
from tests.reports.runs import ATTACK


def support(scenario: str, catalogue: str, control: str, reason: str = "it is reached", *, sure: str = "verified") -> Support:
    """A scenario supports a control."""
    return Support(
        scenario=scenario,
        catalogue=catalogue,
        control=control,
        title="networks are separated",
        reason=reason,
        does_not_prove=f"that nothing else is; {ATTACK}",
        source="https://www.example.org/",
        date="2026-11-01",
        confidence=sure,
    )


SUPPORTS = (
    support("SNS-WEB-01", "ANSSI SNS 4.3", "R29"),
    support("SNS-WEB-01", "ISO 27001:2022", "8.20", ATTACK, sure="to verify"),
    support("SNS-WEB-03", "ISO 27001:2022", "8.20"),
)
