"""The record in a few lines of Markdown, for a CI job's page or a comment on a merge request.

It tells what a reader must act on and links to the rest. Every text of the record is escaped: nothing in it becomes a
link, a mention or markup.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from reports.html.facts import headline, shard
from reports.html.page import shown
from reports.html.view import InstanceView, ReportView, view
from reports.languages import Language, language
from reports.record import RECORD, Record

LIMIT = 32_000
"""Characters of the whole text: the least that a forge's comment may have is 32,768 (Bitbucket)."""

CELL = 280
"""Characters of a table's cell: more is what the report is for."""

_SIGNS = {"pass": "✓", "fail": "✗", "inconclusive": "?", "error": "!", "waived": "~"}
_SPECIAL = re.compile(r"([\\`*_\[\]#|~$]|:(?=/)|(?<=\w)\.(?=\w))")


def render(record: Record, *, code: str = "en", way: str = "") -> str:
    """The summary. ``way`` is the address of the run's folder for its links, relative or whole, with a slash at its end."""
    said, report = language(code), view(record)
    head = [f"### {_sign(report.verdict)} Rempart: {_text(headline(report, said))}", "", _counts(report, said), ""]
    tail = [*_facts(report, said, way)]
    room = LIMIT - sum(len(line) + 1 for line in (*head, *tail))
    return "\n".join([*head, *_attention(report, said, way, room), *tail]) + "\n"


def _sign(verdict: str) -> str:
    return _SIGNS.get(verdict, "–")


def _counts(report: ReportView, said: Language) -> str:
    counts = [f"{_sign(verdict)} **{number}** {said.text(verdict)}" for verdict, number in report.counts.items()]
    if missing := report.record.not_run:
        counts.append(f"– **{len(missing)}** {said.text('not run')}")
    return " · ".join(counts)


def _attention(report: ReportView, said: Language, way: str, room: int) -> Iterator[str]:
    """A table of all that needs attention, as many rows as there is room for."""
    found = report.attention()
    if not found:
        return
    names = (said.text(name) for name in ("Scenario", "Expected", "Observed", "Rule that decides"))
    head = f"| | {' | '.join(names)} |\n| --- | --- | --- | --- | --- |"
    yield head
    left = room - len(head) - 200  # for the line that tells how many are left out
    for place, one in enumerate(found):
        row = _row(one, said, way)
        left -= len(row) + 1
        if left < 0:
            yield f"\n{said.text('… and {number} more, in the report.', number=len(found) - place)}"
            break
        yield row
    yield ""


def _row(one: InstanceView, said: Language, way: str) -> str:
    start, ending = one.scenario.start, one.scenario.ending
    name = f"[`{one.name}`]({way}report.html#{one.anchor}) {_text(said.sentence(start.name).text)}"
    if one.refuted:
        looked = _text(said.observation(one.refuted.what).text)
        expected, observed = shown(one.refuted.expected, said), shown(one.refuted.observed, said)
        seen = (f"{looked}{said.text(': ')}{_code(expected)}", _code(observed))
    elif ending.expected or ending.observed:
        seen = (_code(ending.expected), _code(ending.observed))
    else:
        seen = ("", _code(ending.reason))
    where = f" {_code(ending.where)}" if ending.where else ""
    where += f" {_text(one.scenario.waived)}" if one.scenario.waived else ""
    rule = _code(ending.predicted) if ending.predicted else ""
    return f"| {_sign(one.verdict)} | {name}{where} | {seen[0]} | {seen[1]} | {rule} |"


def _facts(report: ReportView, said: Language, way: str) -> Iterator[str]:
    record, run = report.record, report.record.run
    if not record.complete:
        cut = said.text("The run did not come to its end; what is written until then is here.")
        yield f"**{said.text('The record is incomplete')}** {cut}\n"
    told = [
        f"{said.text('Deployment')} {_code(run.deployment)}",
        f"{said.text('Configuration, SHA-256')} `{run.deployment_hash}`",
        f"{said.text('Run')} {_code(run.run)}",
        *([f"{said.text('Shard')} {shard(record, said)}"] if record.shard else []),
        *([said.seconds(record.end.seconds)] if record.end else []),
        f"[{said.text('Test report')}]({way}report.html)",
        f"[{RECORD}]({way}{RECORD})",
    ]
    yield " · ".join(told)
    if record.simulated:
        yield f"\n> {said.text('Evidence of this configuration in simulation, not of the production appliance.')}"
    elif record.simulated is False:
        yield f"\n> {said.text('Evidence of the appliances that were tested, as they were configured then.')}"


def _text(text: str) -> str:
    """The text as nothing but text."""
    plain = _SPECIAL.sub(r"\\\1", _short(text)).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return plain.replace("@", "&#64;")


def _code(text: str) -> str:
    """The text as code, in a fence that is longer than any in it."""
    short = _short(text).replace("|", "\\|")
    fence = "`" * (1 + max((len(run) for run in re.findall("`+", short)), default=0))
    pad = " " if short.startswith("`") or short.endswith("`") else ""
    return f"{fence}{pad}{short}{pad}{fence}" if short else ""


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= CELL else f"{line[: CELL - 1]}…"
