"""The page: everything that the record says is in it, as text and nothing else, the same every time."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import pytest

from reports.entries import Announcement, End, Entry, EnvironmentUp, Gate, Plan
from reports.html import page
from reports.html.controls import Controls
from reports.html.view import DECISIVE, view
from reports.languages import CODES
from reports.record import read
from tests.reports.examples import BASIC, RUN, outcome, scenario, written
from tests.reports.runs import ATTACK, CONTROLS, HUNDRED, MIXED, instance, waiver

PAIR = (RUN, *instance(1, "a"), *instance(2, "b"))
ONE = "The one scenario that applies and ran held."


class Reader(HTMLParser):
    """What stands in a page: elements with their attributes, and the texts."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    def attributes(self, name: str) -> list[str]:
        return [value for _, attributes in self.elements if (value := attributes.get(name)) is not None]


def rendered(folder: Path, entries: Sequence[Entry], code: str = "en") -> str:
    return page.render(written(folder, entries), code=code)


@pytest.mark.parametrize("code", CODES)
def test_the_same_record_gives_the_same_bytes(tmp_path: Path, code: str) -> None:
    record = written(tmp_path, MIXED)
    assert page.render(record, code=code) == page.render(record, code=code)


def test_every_instance_has_its_anchor_and_no_anchor_occurs_twice(tmp_path: Path) -> None:
    found = Reader(rendered(tmp_path, MIXED)).attributes("id")
    wanted = {"SNS-WEB-01-sbg7-http", "SNS-WEB-01", "SNS-WEB-03-gra11-http", "SNS-PLAT-07", "SNS-RA-05-udp"}
    assert wanted <= set(found)
    assert len(found) == len(set(found))


def test_instances_whose_names_make_the_same_anchor_get_two(tmp_path: Path) -> None:
    same = [entry for name in ("SNS-X-01[a b]", "SNS-X-01[a-b]") for entry in (scenario(name), outcome(name))]
    found = Reader(rendered(tmp_path, [RUN, *same])).attributes("id")
    assert {"SNS-X-01-a-b", "SNS-X-01-a-b-2"} <= set(found)


@pytest.mark.parametrize("code", CODES)
def test_every_link_inside_the_page_leads_somewhere(tmp_path: Path, code: str) -> None:
    read = Reader(rendered(tmp_path, MIXED, code))
    assert {link[1:] for link in read.attributes("href") if link.startswith("#")} <= set(read.attributes("id"))


def test_the_record_is_text_whatever_it_says(tmp_path: Path) -> None:
    text = rendered(tmp_path, MIXED)
    read = Reader(text)
    assert ATTACK in "".join(read.texts)
    assert "img" not in {tag for tag, _ in read.elements}
    assert [attributes for tag, attributes in read.elements if tag == "script"] == [{}]
    assert not [name for _, attributes in read.elements for name in attributes if name.startswith("on")]


def test_nothing_is_named_that_a_browser_would_fetch(tmp_path: Path) -> None:
    read = Reader(rendered(tmp_path, MIXED))
    assert not read.attributes("src")
    assert not [tag for tag, _ in read.elements if tag in ("link", "iframe", "object", "embed", "base", "form")]
    assert {link for link in read.attributes("href") if not link.startswith("#")} == {"evidence/x/internet.pcapng"}


def test_links_to_evidence_lead_from_where_the_page_lies(tmp_path: Path) -> None:
    text = page.render(written(tmp_path, MIXED), way="../run%201/")
    assert 'href="../run%201/evidence/x/internet.pcapng"' in text


@pytest.mark.parametrize(
    "entries, verdict, headline",
    [
        (PAIR, "inconclusive", "All 2 scenarios that ran held, but the run did not come to its end."),
        ([*PAIR, BASIC[-1]], "pass", "All 2 scenarios held."),
        (BASIC, "fail", "One scenario of 3 did not hold."),
        (MIXED, "fail", "One scenario of 8 did not hold."),
        ([RUN, *instance(1, "a", "error")], "inconclusive", "Nothing was refuted, but one scenario of 1 could not be decided."),
        ([RUN], "inconclusive", "No scenario ran."),
        ([RUN, *instance(1, "a", "skipped"), BASIC[-1]], "not run", "No scenario ran."),
        ([RUN, *instance(1, "a"), *instance(2, "b", "skipped"), BASIC[-1]], "pass", ONE),
    ],
)
def test_the_verdict_comes_first_and_in_words(tmp_path: Path, entries: Sequence[Entry], verdict: str, headline: str) -> None:
    record = written(tmp_path, entries)
    assert view(record).verdict == verdict
    assert f'<p class="headline">{headline}</p>' in page.render(record)


def test_an_incomplete_record_says_so_and_names_what_did_not_run(tmp_path: Path) -> None:
    text = rendered(tmp_path, MIXED[:-1])
    assert "The record is incomplete" in text
    assert "<code>SNS-MGMT-01[sbg7]</code>" in text


@pytest.mark.parametrize(
    "left, told",
    [
        (0, "1 sur 1<"),
        (3, "1 sur 1, 3 laissés à --campaign (d’autres pannes)<"),
        (5, "1 sur 1, 2 écartés à la demande, 3 laissés à --campaign (d’autres pannes)<"),
    ],
)
def test_what_only_the_campaign_runs_was_not_left_out_on_request(tmp_path: Path, left: int, told: str) -> None:
    entries = (RUN, Plan(planned=("a",), deselected=left, campaign=min(left, 3)), scenario("a"), outcome("a"))
    assert told in rendered(tmp_path, entries, "fr")


def test_a_pass_after_another_look_says_so(tmp_path: Path) -> None:
    assert "at look 2, after 200\N{NO-BREAK SPACE}ms" in rendered(tmp_path, MIXED)


def test_a_simulated_run_is_marked(tmp_path: Path) -> None:
    assert "<strong>Simulated lab</strong>" in rendered(tmp_path / "lab", BASIC)
    assert "<strong>No environment</strong>" in rendered(tmp_path / "none", [RUN])


def test_a_run_on_the_deployment_itself_is_marked_and_shows_what_was_seen_before(tmp_path: Path) -> None:
    gate = Gate(id="vrack", what="one vRack", who="Ada <ada@example.net>", day="2026-11-20", saw="pn-1234 has both")
    told = ("About to be tested: <guide>",)
    said = Announcement(target="openstack", cloud="ovh", disruptive=False, said=told, gates=(gate,))
    real = EnvironmentUp(kind="openstack", capabilities=(), seconds=1)
    text = rendered(tmp_path, [RUN, said, real, BASIC[-1]])
    assert "<strong>Real deployment</strong>" in text
    assert "Simulated lab" not in text
    assert "About to be tested: &lt;guide&gt;" in text
    assert '<td data-label="Who">Ada &lt;ada@example.net&gt;</td>' in text
    assert "Avant toute action sur le déploiement réel" in page.render(read(tmp_path), code="fr")


def test_headings_go_down_one_level_at_a_time(tmp_path: Path) -> None:
    levels = [int(tag[1]) for tag, _ in Reader(rendered(tmp_path, MIXED)).elements if re.fullmatch(r"h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))


def test_every_table_header_says_what_it_heads(tmp_path: Path) -> None:
    headers = [attributes for tag, attributes in Reader(rendered(tmp_path, MIXED)).elements if tag == "th"]
    assert headers
    assert {attributes.get("scope") for attributes in headers} == {"col", "row"}


def test_every_drawing_says_in_words_what_it_shows(tmp_path: Path) -> None:
    drawings = [attributes for tag, attributes in Reader(rendered(tmp_path, MIXED)).elements if tag == "svg"]
    assert [one["role"] for one in drawings] == ["img"] * 5
    assert all(one["aria-label"] for one in drawings)


def test_a_hundred_scenarios_take_less_than_a_second(tmp_path: Path) -> None:
    record = written(tmp_path, HUNDRED)
    page.render(written(tmp_path / "warm", BASIC))
    begun = time.process_time()
    page.render(record)
    assert time.process_time() - begun < 1


def test_controls_stand_under_their_catalogue_and_in_a_matrix(tmp_path: Path) -> None:
    text = rendered(tmp_path, (*MIXED, *CONTROLS))
    assert "PCI DSS" not in text  # nothing of this run supports it
    found = _controls(tmp_path)
    rows = [(row.scenario.id, [[one.control for one in cell] for cell in row.cells]) for row in found.matrix()]
    assert rows == [("SNS-WEB-01", [["R29"], ["8.20"]]), ("SNS-WEB-03", [[], ["8.20"]])]
    assert [one.head.name for one in found.catalogues] == ["ANSSI SNS 4.3", "ISO 27001:2022"]


def test_a_control_is_as_good_as_the_worst_of_its_scenarios(tmp_path: Path) -> None:
    written(tmp_path, (*MIXED, *CONTROLS))
    views = _controls(tmp_path).catalogues
    assert {control.control: control.verdict for view in views for control in view.controls} == {"R29": "pass", "8.20": "fail"}


def test_the_page_says_why_a_scenario_supports_nothing_and_which_controls_nothing_supports(tmp_path: Path) -> None:
    text = rendered(tmp_path, (*MIXED, *CONTROLS))
    assert "no chapter" in text
    assert "nobody asks for it" in text
    assert "R1, R2" in text


def test_a_waived_failure_is_shown_as_waived_and_never_as_pass(tmp_path: Path) -> None:
    text = rendered(tmp_path, (*MIXED, waiver("SNS-WEB-03")))
    assert "waived until 2026-12-31" in text
    assert 'id="SNS-WEB-03-gra11-http" data-verdict="waived"' in text


def test_a_failure_whose_waiver_has_expired_is_a_failure_that_says_so(tmp_path: Path) -> None:
    text = rendered(tmp_path, (*MIXED, waiver("SNS-WEB-03[gra11-http]", "2026-11-23")))
    assert "waiver expired on 2026-11-23" in text
    assert 'id="SNS-WEB-03-gra11-http" data-verdict="fail"' in text


def test_a_waiver_of_a_control_is_about_the_control_alone(tmp_path: Path) -> None:
    text = rendered(tmp_path, (*MIXED, *CONTROLS, waiver("ISO 27001:2022 8.20")))
    (control,) = _controls(tmp_path).catalogues[1].controls
    assert control.verdict == "waived"
    assert 'id="SNS-WEB-03-gra11-http" data-verdict="fail"' in text


@pytest.mark.parametrize(
    "subjects, headline",
    [
        (("a",), "One scenario of 2 did not hold."),
        (("a", "b"), "2 of 2 scenarios did not hold, and that is accepted for now."),
    ],
)
def test_what_is_accepted_is_no_success(tmp_path: Path, subjects: Sequence[str], headline: str) -> None:
    failed = (*instance(1, "a", "fail"), *instance(2, "b", "fail"))
    record = written(tmp_path, (RUN, *map(waiver, subjects), *failed, End(status=0, seconds=1, counts={})))
    assert headline in page.render(record)
    assert view(record).verdict == ("fail" if len(subjects) == 1 else "waived")


@pytest.mark.parametrize("verdict", sorted({*DECISIVE, "waived", "pass"}))
def test_every_verdict_has_its_colour_in_each_drawing(verdict: str) -> None:
    style = (Path(page.__file__).parent.parent / "templates" / "drawing.css").read_text(encoding="utf-8")
    assert all(f"{kind}{verdict} {{" in style for kind in (".flow.v-", ".badge.v-", ".bar-"))


def test_without_catalogues_there_is_no_matrix(tmp_path: Path) -> None:
    assert 'id="controls"' not in rendered(tmp_path, MIXED)


def _controls(folder: Path) -> Controls:
    record = read(folder)
    return Controls(record, view(record))
