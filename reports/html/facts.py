"""What the summary says in words: the verdict in a sentence, who tested what when, and what no run can prove."""

from __future__ import annotations

from reports.entries import Run
from reports.html.view import ReportView
from reports.languages import Language, utc
from reports.record import Record


def headline(report: ReportView, said: Language) -> str:
    """The verdict in one sentence."""
    failed, total = report.counts.get("fail", 0), report.total
    undecided = report.counts.get("error", 0) + report.counts.get("inconclusive", 0)
    if failed == 1:
        return said.text("One scenario of {total} did not hold.", total=total)
    if failed:
        return said.text("{failed} of {total} scenarios did not hold.", failed=failed, total=total)
    if undecided == 1:
        return said.text("Nothing was refuted, but one scenario of {total} could not be decided.", total=total)
    if undecided:
        return said.text("Nothing was refuted, but {undecided} of {total} scenarios could not be decided.",
                         undecided=undecided, total=total)  # fmt: skip
    if report.record.not_run:
        return said.text("The run was cut short: {missing} of {total} scenarios did not run.",
                         missing=len(report.record.not_run), total=total)  # fmt: skip
    passed, waived = report.counts.get("pass", 0), report.counts.get("waived", 0)
    if waived and report.record.complete:
        return said.text(
            "{waived} of {total} scenarios did not hold, and that is accepted for now.", waived=waived, total=total
        )
    if not passed:
        return said.text("No scenario ran.")
    if not report.record.complete:
        return said.text("All {passed} scenarios that ran held, but the run did not come to its end.", passed=passed)
    if passed == total > 1:
        return said.text("All {total} scenarios held.", total=total)
    if passed == 1:
        return said.text("The one scenario that applies and ran held.")
    return said.text("All {passed} scenarios that apply and ran held.", passed=passed)


def facts(report: ReportView, said: Language) -> list[tuple[str, str]]:
    """Who tested what, when, with what: a name and a value each, those that the record has."""
    record, run = report.record, report.record.run
    commit = f"{run.commit[:12]}{' ' + said.text('with uncommitted changes') if run.dirty else ''}"
    rows = [
        (said.text("Run"), run.run),
        (said.text("Begun"), utc(run.at)),
        (said.text("Ended"), utc(report.ended) if report.ended else said.text("unknown")),
        (said.text("Duration"), said.seconds(record.end.seconds) if record.end else ""),
        (said.text("Clock"), _clock(run, said)),
        (said.text("Operator"), ", ".join(part for part in (run.operator, run.role) if part) or said.text("not named")),
        (said.text("Environment"), _environment(record, said)),
        (said.text("Deployment"), run.deployment),
        (said.text("Configuration, SHA-256"), run.deployment_hash),
        (said.text("Tool"), f"{run.tool}{', ' + said.text('commit {commit}', commit=commit) if run.commit else ''}"),
        (said.text("Machine"), f"{run.platform}, Python {run.python}"),
        (said.text("Planned and run"), _completeness(report, said)),
        (said.text("Shard"), shard(record, said)),
        (said.text("Joined from"), ", ".join(one.shard or one.run for one in record.origins)),
    ]
    return [(name, value) for name, value in rows if value]


def shard(record: Record, said: Language) -> str:
    """Which shard of how many this is, and how many scenarios are in the others; "" when it is none."""
    if record.shard is None:
        return ""
    return said.text(
        "{number} of {of}; {elsewhere} scenarios are in the others",
        number=record.shard.number,
        of=record.shard.of,
        elsewhere=record.elsewhere,
    )


def _clock(run: Run, said: Language) -> str:
    source = said.message(run.clock).text
    if not run.clock_synchronised:
        return said.text("{source}, which nothing synchronises", source=source)
    return said.text("{source}, synchronised to within {error} ms", source=source, error=said.number(run.clock_error_ms, 1))


def _environment(record: Record, said: Language) -> str:
    if not record.environments:
        return said.text("none was started")
    kinds = dict.fromkeys(one.kind for one in record.environments)
    names = [said.text("simulated lab") if kind == "lab" else kind for kind in kinds]
    started = sum(one.seconds for one in record.environments)
    return said.text("{kinds}, started in {time}", kinds=", ".join(names), time=said.seconds(started))


def _completeness(report: ReportView, said: Language) -> str:
    plan = report.record.plan
    parts = [said.text("{run} of {total}", run=report.total - len(report.record.not_run), total=report.total)]
    if plan and plan.on_request:
        parts.append(said.text("{number} left out on request", number=plan.on_request))
    if plan and plan.campaign:
        parts.append(said.text("{number} left to --campaign (more ways to fail)", number=plan.campaign))
    return ", ".join(parts)


def limits(record: Record, said: Language) -> list[str]:
    """What holds of every run, whatever its verdicts: how far its evidence reaches."""
    if record.simulated:
        reach = said.text(
            "The appliances were simulated. A scenario that held shows that this configuration means what it should, not that"
            " the production appliance, its firmware or its licence behaves so."
        )
    else:
        reach = said.text("What was seen holds for the appliances that were tested, as they were configured then.")
    return [
        reach,
        said.text(
            "It holds for the configuration of the SHA-256 above, at the time of the run, and says nothing of later changes."
        ),
        said.text("A bounded number of probes was sent: that none got through does not prove that no other path exists."),
        said.text("Supporting a control is not fulfilling it: each control asks for more than a network test can show."),
        said.text("The tester's independence is not established by this report."),
    ]
