"""Records to render, written the way a run writes them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from reports.entries import End, Entry, EnvironmentUp, Outcome, Plan, Run, Scenario, Verdict
from reports.record import Record, Writer, read

RUN = Run(
    run="20261124T001500Z-guide-a1b2c3",
    tool="rempart 0.1.0",
    commit="4f1c",
    dirty=True,
    python="3.11.7",
    platform="Linux",
    deployment="guide",
    deployment_hash="d" * 64,
    deployment_files={"deployment.toml": "e" * 64},
    lab="fresh",
    operator="Ada",
    role="network engineer",
    arguments=("features",),
    clock="the machine's own clock, UTC",
    clock_synchronised=True,
    clock_error_ms=12.5,
)
LAB = EnvironmentUp(kind="lab", capabilities=("spoofing",), seconds=3.2)


def scenario(instance: str, name: str = "A stranger gets the page", file: str = "features/web.feature") -> Scenario:
    """An instance begins."""
    return Scenario(
        instance=instance,
        scenario=instance.partition("[")[0],
        name=name,
        feature="The web site is published",
        rule="",
        file=file,
        line=5,
        tags=("each_site",),
        steps=("Given a host", "Then all is well"),
    )


def outcome(instance: str, verdict: Verdict = "pass", **more: str) -> Outcome:
    """An instance ends, after a quarter of a second."""
    return Outcome(instance=instance, verdict=verdict, seconds=0.25, **more)  # type: ignore[arg-type]


REFUTED = Outcome(
    instance="SNS-WEB-01[gra11]",
    verdict="fail",
    seconds=1.02,
    reason="expected an answer 200, observed none within 1 s",
    detail="expected an answer 200, observed none within 1 s\n  predicted: block, rule 3 (gra11/Filter/05:14)",
    where="features/web.feature:7",
    step="Then all is well",
    expected="an answer 200",
    observed="none within 1 s",
    predicted="block, rule 3 (gra11/Filter/05:14)",
    evidence=("evidence/x.pcapng",),
)

BASIC: tuple[Entry, ...] = (
    RUN,
    Plan(planned=("SNS-WEB-01[sbg7]", "SNS-WEB-01[gra11]", "SNS-WEB-02[none]")),
    LAB,
    scenario("SNS-WEB-01[sbg7]"),
    outcome("SNS-WEB-01[sbg7]"),
    scenario("SNS-WEB-01[gra11]"),
    REFUTED,
    scenario("SNS-WEB-02[none]", "What crosses is ESP", "features/ipsec.feature"),
    Outcome(instance="SNS-WEB-02[none]", verdict="not applicable", seconds=0.0, reason="the deployment has no tunnel"),
    End(status=1, seconds=9.8, counts={"pass": 1, "fail": 1, "not applicable": 1}),
)


def written(folder: Path, entries: Sequence[Entry]) -> Record:
    """The record of these entries, read back."""
    writer = Writer(folder, now=lambda: "2026-11-24T00:15:00.000Z")
    writer.open(lambda: entries[:1])
    for entry in entries[1:]:
        writer.write(entry)
    writer.close()
    return read(folder)
