"""What ``rempart gate`` found, for a terminal, for a merge request, and for code hosts; all from its JSON document."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from reports import sarif
from reports.entries import Json
from sns.checks.result import Check, Level, Result
from sns.model import Location

_SHOWN = 4
"""Sets of packets that are shown of one change; JSON has them all."""
_SENTENCES: Mapping[str, str] = {
    "accepted": "ACCEPTED: nothing of this change needs anybody",
    "approval": "APPROVAL NEEDED: nothing is refused, and somebody has to agree",
    "refused": "REFUSED",
    "undecided": "UNDECIDED: what was measured does not bear out the model, or could not be measured",
}
_WORDS: Mapping[str, str] = {"refused": "REFUSED", "approval": "APPROVAL", "nothing": "ok"}
_LEVELS: Mapping[str, Level] = {"refused": Level.ERROR, "approval": Level.WARNING, "nothing": Level.NOTE}


def text(told: Mapping[str, Json]) -> str:
    """For a terminal."""
    lines = [line for change in told["changes"] for line in _change(change)]
    if not told["changes"]:
        lines.append("no packet, no setting and no finding differs")
    lines += [*_run(told), *(f"error: {error}" for error in told["errors"]), *(f"note: {note}" for note in told["notes"])]
    spent = ", ".join(f"{phase} {seconds:.1f} s" for phase, seconds in told["seconds"].items())
    return "\n".join([*lines, f"{_SENTENCES[told['verdict']]} ({_counted(told)}; {spent})", ""])


def _change(change: Mapping[str, Any]) -> Iterator[str]:
    head = f"{_WORDS[change['needs']]:<9} {change['kind']:<18}"
    yield f"{head} {_sited(change)}{change['what'][0]}"
    yield from (f"{'':<29}{one}" for one in change["what"][1:_SHOWN])
    if len(change["what"]) > _SHOWN:
        yield f"{'':<29}and {len(change['what']) - _SHOWN} more"
    yield f"{'':<10}was: {change['was']}"
    yield f"{'':<10}now: {change['now']}{_where(change)}"
    if change["example"]:
        yield f"{'':<10}for example {change['example']}{_seen(change)}"
    if change["answered"]:
        yield f"{'':<10}expected by {change['answered']}"


def _sited(change: Mapping[str, Any]) -> str:
    return f"{change['site']}: " if change["site"] else ""


def _where(change: Mapping[str, Any]) -> str:
    """The place, for what does not name it already."""
    place = f"{change['file']}:{change['line']}"
    return f" ({place})" if change["file"] and place not in change["now"] + change["was"] else ""


def _seen(change: Mapping[str, Any]) -> str:
    if change["wrong"]:
        return f": NOT CONFIRMED: {change['wrong']} (measured before: {change['seen_before']}; after: {change['seen_after']})"
    if change["unmeasured"]:
        return f": not measured: {change['unmeasured']}"
    return f": measured: before, {change['seen_before']}; after, {change['seen_after']}" if change["seen_after"] else ""


def _run(told: Mapping[str, Json]) -> Iterator[str]:
    run = told["scenarios"]
    if run is None:
        return
    counts = ", ".join(f"{number} {word}" for word, number in run["counts"].items()) or "none ran"
    yield f"scenarios on the configuration after: {counts}"
    yield from (f"  FAIL         {name}: {reason}" for name, reason in run["failed"].items())
    yield from (f"  unclear      {name}: {reason}" for name, reason in run["unclear"].items())
    yield f"  ran          {', '.join(run['ran'])}"
    for proof in dict.fromkeys(run["unaffected"].values()):
        names = [name for name, its in run["unaffected"].items() if its == proof]
        yield f"  not affected {len(names)} that {proof}: {', '.join(names)}"
    if run["record"]:
        yield f"  record: {run['record']}"


def _counted(told: Mapping[str, Json]) -> str:
    counts = {word: sum(change["needs"] == word for change in told["changes"]) for word in ("refused", "approval", "nothing")}
    return f"{counts['refused']} refused, {counts['approval']} to approve, {counts['nothing']} that need nothing"


# For a merge request ----------------------------------------------------------------------------------------------------


def markdown(told: Mapping[str, Json]) -> str:
    """For the merge request: the verdict, then what somebody has to look at, then the rest folded away."""
    lines = [f"## Gate: {_SENTENCES[told['verdict']]}", "", f"`{told['before']}` → `{told['after']}`: {_counted(told)}.", ""]
    for need, title in (("refused", "Refused"), ("approval", "To approve")):
        if found := [change for change in told["changes"] if change["needs"] == need]:
            lines += [f"### {title}", "", *(line for change in found for line in _bullet(change)), ""]
    if found := [change for change in told["changes"] if change["needs"] == "nothing"]:
        lines += [f"<details><summary>{len(found)} that need nothing</summary>", ""]
        lines += [*(line for change in found for line in _bullet(change)), "", "</details>", ""]
    lines += [f"- {line.strip()}" for line in _run(told)]
    lines += [*(f"- **error**: {error}" for error in told["errors"]), *(f"- note: {note}" for note in told["notes"])]
    word = "Measured in the simulated lab" if told["measured"] else "By the model alone, not measured"
    spent = ", ".join(f"{phase} {seconds:.1f} s" for phase, seconds in told["seconds"].items())
    return "\n".join([*lines, "", f"{word}; {spent}.", ""])


def _bullet(change: Mapping[str, Any]) -> Iterator[str]:
    yield f"- **{change['kind']}** {_sited(change)}`{change['what'][0]}`" + (
        f" and {len(change['what']) - 1} more" if len(change["what"]) > 1 else ""
    )
    yield f"  - was: {change['was']}"
    yield f"  - now: {change['now']}{_where(change)}"
    if change["example"]:
        yield f"  - for example {change['example']}{_seen(change)}"
    if change["answered"]:
        yield f"  - expected by {change['answered']}"


# For code hosts ---------------------------------------------------------------------------------------------------------


def as_sarif(told: Mapping[str, Json], version: str) -> str:
    """SARIF 2.1.0: each change that needs somebody, at the line that makes it."""
    checks = {change["kind"]: _check(change["kind"]) for change in told["changes"]}
    results = [
        Result(
            Check(change["kind"], _LEVELS[change["needs"]], checks[change["kind"]].title, checks[change["kind"]].reason),
            Location(change["path"] or change["file"] or "deployment.toml", change["line"] or 1),
            change["kind"],
            f"{_sited(change)}{'; '.join(change['what'][:_SHOWN])}: was {change['was']}; now {change['now']}{_seen(change)}",
            "",
        )
        for change in told["changes"]
        if change["needs"] != "nothing"
    ]
    return sarif.render(results, list(checks.values()), version, tool="rempart gate")


def _check(kind: str) -> Check:
    return Check(kind, Level.WARNING, f"Change of kind {kind}", "What it needs stands in the policy, gate.toml.")
