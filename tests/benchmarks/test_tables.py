"""Tables as people read them, from figures made up here."""

from __future__ import annotations

import pytest

from benchmarks import tables
from benchmarks.__main__ import DOCUMENT, PARTS
from benchmarks.figures import Measure, Run
from tests.benchmarks.test_figures import sample


@pytest.mark.parametrize(
    ("value", "shown"), [(0, "0"), (12.0, "12"), (0.01234, "0.0123"), (4.567, "4.57"), (123.4, "123"), (1663.2, "1663")]
)
def test_a_figure_has_as_many_digits_as_it_deserves(value: float, shown: str) -> None:
    assert tables.number(value) == shown


def test_one_value_has_no_spread() -> None:
    assert (tables.spread([1.5]), tables.spread([3.0, 1.0, 2.0])) == ("1.5", "2 (1–3)")


def test_a_promise_stands_beside_what_it_cost() -> None:
    text = tables.markdown(Run({"machine": "2 cores"}, (Measure("lab up", "s", (6.0, 7.0, 5.5), 5.0, 0.25, "whole process"),)))
    assert "| lab up (whole process) | 6 (5.5–7) s | 5 s | ✗ | 3 | 0.2 |" in text


def run() -> Run:
    costs = {"rempart": (0.2, 10.0), "munet": (0.4, 20.0), "mininet": (0.1, 5.0)}
    samples = [
        sample(name, sites=sites, number=number, up=start * (5 * sites + 5), memory=size * (5 * sites + 5), services=services)
        for number in range(2)
        for sites in (1, 2)
        for services in (True, False)
        for name, (start, size) in costs.items()
    ]
    return Run({}, samples=tuple(samples))


def test_the_goal_is_answered_by_the_figures() -> None:
    text = tables.markdown(run())
    assert "| start, 1 site, all services in both | 0.50 | ✓ |" in text
    assert "| memory per host more, all services in both | 0.50 | ✓ |" in text


def test_where_rempart_loses_is_told() -> None:
    text = tables.markdown(run())
    assert "| mininet | 100 (fixed 0) |" in text.replace("fixed -0", "fixed 0")
    assert " 2.00 | 2.00 |" in text


def test_what_could_not_be_measured_is_told() -> None:
    assert "- munet, 8 sites: it did not start" in tables.markdown(Run({}, failures=("munet, 8 sites: it did not start",)))


def page(**parts: str) -> str:
    framed = ((tables.marks(part), text) for part, text in parts.items())
    return "between\n".join(f"{begin}\n\n{text}\n\n{end}\n" for (begin, end), text in framed)


def test_tables_go_between_the_marks_of_their_part_and_the_others_stay() -> None:
    before, after = page(budgets="of then", growth="of then"), page(budgets="of then", growth="of today")
    assert tables.recorded(before, "growth", "of today\n") == after


BEGIN, END = tables.marks("growth")


@pytest.mark.parametrize("document", ["", BEGIN, f"{END} {BEGIN}", page(budgets="of then")])
def test_a_document_without_marks_is_refused(document: str) -> None:
    with pytest.raises(ValueError, match=f"lacks the marks {BEGIN} and {END}"):
        tables.recorded(document, "growth", "of today")


def test_the_page_of_this_project_has_the_marks_of_all_parts() -> None:
    text = DOCUMENT.read_text()
    for part in PARTS:
        text = tables.recorded(text, part, f"of {part}")
    assert [f"of {part}" in text for part in PARTS] == [True, True]
