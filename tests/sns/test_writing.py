"""Rules written and read again are the same rules; what cannot be written so is refused, and nothing is lost in silence."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sns.ini import Line, parse
from sns.lines import split_comment
from sns.model import Location, Rule, Separator, Severity
from sns.reading import Reading
from sns.rules import parse_rule
from sns.writing import written
from tests.provisioning.plans import GUIDE

HERE = Location("Filter/05", 7)


def _read(text: str, section: str = "filter") -> tuple[Rule | Separator | None, Reading]:
    reading = Reading(Path())
    return parse_rule(reading, Line(HERE, *split_comment(text)), section, 1), reading


def _again(rule: Rule) -> Rule:
    read, reading = _read(written(rule), rule.section)
    assert isinstance(read, Rule)
    assert reading.findings == []
    return replace(read, text=rule.text, location=rule.location, number=rule.number)


_NAMES = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,12}( [A-Za-z0-9#]{1,4})?", fullmatch=True).filter(
    lambda name: name.lower() not in ("from", "to", "on", "port", "via", "rulename", "original", "any")
)


def _quoted(name: str) -> str:
    return f'"{name}"' if " " in name or "#" in name else name


_OPERANDS = st.one_of(
    st.just("any"),
    st.tuples(st.sampled_from(["", "!"]), st.lists(_NAMES, min_size=1, max_size=3)).map(
        lambda found: found[0] + "|".join(map(_quoted, found[1]))
    ),
)
_PORTS = st.one_of(st.just(""), _OPERANDS.map(lambda operand: f" port {operand}"))
_ON = st.one_of(st.just(""), _NAMES.map(lambda name: f" on {_quoted(name)}"))
_OPTIONS = st.lists(
    st.sampled_from([
        "log", "minor", "loglevel major", "log none", "inspection ids", "ipproto tcp", "ipproto icmp", "type 8", "code 0",
        "proto none", "tos 8", "route router6", "urlfiltering 00", "sslfiltering 3",
    ]),
    max_size=5,
    unique_by=lambda option: option.split()[0],
).map(lambda options: "".join(f" {option}" for option in options))  # fmt: skip
_XLATE = st.one_of(
    st.just(""),
    st.just(" -> to original"),
    st.tuples(_NAMES, _NAMES).map(lambda names: f" -> to {_quoted(names[0])} port {_quoted(names[1])}"),
    st.tuples(_NAMES, _NAMES).map(lambda names: f" -> from {_quoted(names[0])} port {_quoted(names[1])} to original"),
    st.tuples(_NAMES, _NAMES).map(lambda names: f" -> from {_quoted(names[0])} to {_quoted(names[1])}"),
)
_TAIL = st.sampled_from(["", ' rulename "1713a148819_4"', "\t# seen by the Internet", ' rulename 17 # "quoted"', " # a # b"])
_LINES = st.builds(
    "".join,
    st.tuples(
        st.sampled_from(["pass", "block", "reset", "log", "off pass", "Pass"]), _OPTIONS,
        st.just(" from "), _OPERANDS, _ON, st.sampled_from(["", " via ipsec", " via sslvpn", " via any"]), _PORTS,
        st.just(" to "), _OPERANDS, _ON, _PORTS, _XLATE, _TAIL,
    ),
)  # fmt: skip


@given(_LINES)
@example('pass from "a b"|"c#d" to !any|"e f" # g')
def test_read_written_and_read_again_is_the_same_rule(line: str) -> None:
    rule, reading = _read(line)
    assert isinstance(rule, Rule)
    if not reading.findings:
        assert _again(rule) == rule


@settings(max_examples=40)
@given(_LINES, st.data())
def test_a_line_cut_anywhere_is_a_rule_or_an_error_at_its_place(line: str, data: st.DataObject) -> None:
    cut = line[: data.draw(st.integers(1, len(line)))]
    rule, reading = _read(cut)
    assert rule is not None or [(f.severity, f.location) for f in reading.findings if f.severity is Severity.ERROR]
    assert all(finding.location == HERE for finding in reading.findings)


_VOCABULARY = [
    "pass", "block", "off", "from", "to", "on", "port", "via", "->", "log", "rulename", "ipproto", "type", "8", "any", "proto",
    "!", "|", "original", "separator", "settos", "ipsec", '"', '""', "inspection", "ips", "=", "[Filter]", "route", "@",
]  # fmt: skip
_SOUP = st.lists(st.one_of(st.sampled_from(_VOCABULARY), st.integers(0, 99).map(lambda n: f"obj{n}")), max_size=20)


@given(_SOUP, st.sampled_from(["filter", "nat"]))
def test_no_word_is_lost_in_silence(words: list[str], section: str) -> None:
    """Each name of a line is in the rule, or told in a finding, or the line as a whole is refused."""
    rule, reading = _read(" ".join(words), section)
    if rule is None:
        assert any(finding.severity is Severity.ERROR for finding in reading.findings)
    elif isinstance(rule, Rule) and not reading.findings:
        text = written(rule)
        assert [word for word in words if word.startswith("obj") and word not in text] == []
        assert _again(rule) == rule


@settings(max_examples=40)
@given(st.integers(0), st.sampled_from("\"'|!#[]=\t\0"), st.integers(0))
def test_every_line_of_a_damaged_slot_is_accounted_for(place: int, put: str, cut: int) -> None:
    """A policy with a character written over, and cut short: each line is a rule, a separator, or an error there."""
    whole = (GUIDE / "sbg7/ConfigFiles/Filter/05").read_text()
    place %= len(whole)
    damaged = (whole[:place] + put + whole[place + 1 :])[: cut % len(whole)]
    reading = Reading(Path())
    document = parse("Filter/05", damaged, reading.error)
    seen = {finding.location.line for finding in reading.findings} | {each.location.line for each in document.sections}
    for section in document.sections:
        for line in section.lines:
            name = section.name.lower()
            item = parse_rule(reading, line, name if name in ("filter", "nat") else "filter", 1)
            assert item is not None or any(f.location == line.location for f in reading.findings)
            seen.add(line.location.line)
    told = {number for number, line in enumerate(damaged.split("\n"), start=1) if split_comment(line)[0]}
    assert told <= seen


def test_the_guide_s_own_rules_are_written_as_they_stand() -> None:
    for site in ("sbg7", "gra11"):
        for line in (GUIDE / site / "ConfigFiles/Filter/05").read_text().splitlines():
            section = "nat" if line.startswith("nat") else "filter"
            rule = _read(line, section)[0] if line[:3] in ("pas", "blo", "nat") else None
            if isinstance(rule, Rule):
                assert written(rule).split("\t")[0] == line.split("\t")[0]


def test_a_rule_with_words_that_are_not_modelled_is_not_written() -> None:
    rule, _ = _read("pass schedule nights from any to any")
    assert isinstance(rule, Rule)
    with pytest.raises(ValueError, match="schedule nights is not modelled"):
        written(rule)
