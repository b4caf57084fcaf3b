"""The INI dialect: what is text, what is comment, and what cannot be either."""

from __future__ import annotations

import pytest

from sns.ini import parse
from sns.lines import split_comment, unquoted
from sns.model import Location


def _never(location: Location, *words: str) -> None:
    raise AssertionError(f"{location}: {words}")


@pytest.mark.parametrize(
    "line, text, comment",
    [
        ("dns1=8.8.8.8\t# Google", "dns1=8.8.8.8", "Google"),
        ("# only a comment", "", "only a comment"),
        ("State=1", "State=1", ""),
        ('separator comment="Rule #1" collapse="0" # kept', 'separator comment="Rule #1" collapse="0"', "kept"),
        ('Name="Block #1"', 'Name="Block #1"', ""),
        ("pass from any to any # it's \"odd", "pass from any to any", "it's \"odd"),
        ('Key=a"b # the quote never closes', 'Key=a"b', "the quote never closes"),
        ("   ", "", ""),
    ],
)
def test_a_comment_runs_from_a_mark_outside_quotes_to_the_end(line: str, text: str, comment: str) -> None:
    assert split_comment(line) == (text, comment)


def test_sections_keep_their_comments_their_duplicates_and_their_order() -> None:
    text = "[web_srv] # Web Services\nhttp\nhttp\n[Host]\na=1\n[WEB_SRV]\nhttps\n"
    document = parse("servicegroup", text, _never)
    assert [section.name for section in document.sections] == ["web_srv", "Host", "WEB_SRV"]
    assert document.sections[0].comment == "Web Services"
    assert [(line.text, str(line.location)) for line in document.lines("web_srv")] == [
        ("http", "servicegroup:2"),
        ("http", "servicegroup:3"),
        ("https", "servicegroup:7"),
    ]


def test_windows_line_ends_and_odd_separators_do_not_shift_line_numbers() -> None:
    document = parse("x", "[A]\r\n# \x0b\u2028 odd\r\na=1\r\n", _never)
    assert str(document.section("a").lines[0].location) == "x:3"
    assert document.section("a").lines[0].assignment() == ("a", "1")


def test_a_section_that_is_absent_is_empty() -> None:
    assert parse("x", "", _never).section("Global").lines == []


@pytest.mark.parametrize(
    "text, told",
    [
        ("a=1\n[A]\n", 'x:1 line "a=1" stands before the first section'),
        ("[A]\nb=2\n[C\nd=3\n", 'x:3 section "[C" is not a section header'),
        ("[]\n", 'x:1 section "[]" is not a section header'),
    ],
)
def test_lines_that_are_nothing_are_told_with_their_number(text: str, told: str) -> None:
    complaints: list[str] = []
    parse("x", text, lambda location, field, message, _remedy: complaints.append(f"{location} {field} {message}"))
    assert complaints == [told]


@pytest.mark.parametrize("value, bare", [('"Block all"', "Block all"), ("x", "x"), ('"', '"'), ('""', "")])
def test_quotes_around_a_value_are_no_part_of_it(value: str, bare: str) -> None:
    assert unquoted(value) == bare
