"""Control catalogues: what is shipped is whole, and whatever is wrong in a file is told with its line, all at once."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from reports.controls import CLAIMS, catalogues, deviations
from reports.controls.catalogues import Library
from reports.controls.tables import Unusable
from reports.entries import Deviation, Support, Unmapped

ROOT = Path(__file__).parent.parent.parent
SHIPPED = ROOT / "reports" / "controls"
KNOWN = ("SNS-WEB-01", "SNS-WEB-02", "SNS-HA-01")

WRITTEN = {
    CLAIMS: """
[[claims]]
id = "answers"
scenarios = ["SNS-WEB-01"]
shows = "it answers"
shows_fr = "il répond"
does_not_prove = "that it is right"
does_not_prove_fr = "qu'il a raison"
date = 2026-11-25

[[unmapped]]
scenarios = ["SNS-WEB-02"]
why = "nobody asks"
why_fr = "personne ne demande"
""",
    "one.toml": """
[catalogue]
name = "One 1"
title = "All of one"
version = "1"
publisher = "Somebody"
source = "https://publisher.example/"
date = "2024-06"
read_on = 2026-08-21
wording = "own"
licence = "ours"
licence_fr = "le nôtre"

[[controls]]
id = "one-1"
label = "1"
asks = "It answers"
asks_fr = "Il répond"
claims = ["answers"]
limit = "anything else"
limit_fr = "rien d'autre"

[[controls]]
id = "one-2"
label = "2"
asks = "It is right"
asks_fr = "Il a raison"
confidence = "to verify"

[[parameters]]
control = "one-2"
name = "least"
name_fr = "minimum"
value = "14"
source = "its page"
date = 2026-08-21

[[unmapped]]
areas = ["SNS-HA"]
why = "no chapter"
why_fr = "pas de chapitre"
""",
}


def _write(folder: Path, texts: dict[str, str]) -> Path:
    controls = folder / "reports" / "controls"
    controls.mkdir(parents=True)
    for name, text in texts.items():
        (controls / name).write_text(text.lstrip("\n"), encoding="utf-8")
    return controls


def _load(folder: Path, texts: dict[str, str]) -> Library:
    return catalogues.load(_write(folder, texts), KNOWN)


def _scenarios() -> list[str]:
    texts = (path.read_text(encoding="utf-8") for path in sorted((ROOT / "features").glob("*.feature")))
    return sorted({name for text in texts for name in re.findall(r"@(SNS-[A-Z]+-\d\d)\b", text)})


# What is shipped


@pytest.fixture(scope="module")
def shipped() -> Library:
    return catalogues.load(SHIPPED, _scenarios())


def test_every_scenario_supports_a_control_or_says_why_none(shipped: Library) -> None:
    silent = [
        one.scenario for one in shipped.entries(_scenarios()) if isinstance(one, Unmapped) and one.reason == catalogues.UNTOLD
    ]
    advice = f"name each in a claim of reports/controls/{CLAIMS} that it makes, or under [[unmapped]] there with the reason"
    assert not silent, f"nobody has said which control these support: {', '.join(silent)}; {advice}"


def test_every_claim_supports_a_control(shipped: Library) -> None:
    made = {table["id"]: table["shows"] for table in tomllib.loads((SHIPPED / CLAIMS).read_text(encoding="utf-8"))["claims"]}
    used = {claim.shows for one in shipped.catalogues for control in one.controls for claim in control.claims}
    assert not {name for name, shows in made.items() if shows not in used}, "no catalogue's control refers to these claims"


def test_a_scenario_makes_no_claim_and_is_unmapped_at_once(shipped: Library) -> None:
    mapped = {one.scenario for one in shipped.entries(_scenarios()) if isinstance(one, Support)}
    assert not [one for one in mapped if shipped.silence(one)]


def test_where_the_licence_allows_no_wording_there_is_none(shipped: Library) -> None:
    (cis,) = (one for one in shipped.catalogues if one.head.name == "CIS 8.1")
    assert not any(control.asks for control in cis.controls)
    assert {control.confidence for control in cis.controls} == {"to verify"}


def test_the_guides_known_departures_are_findings_and_no_waivers(shipped: Library) -> None:
    found = deviations.load(ROOT / "deployments" / "guide", _scenarios(), (), shipped)
    assert {one.kind for one in found} == {"finding"}
    assert all(one.justification_fr for one in found)
    assert {"ANSSI SNS 4.3 R40", "ANSSI SNS 4.3 R28", "ANSSI SNS 4.3 R13"} <= {one.subject for one in found}


# What a record says of them


def test_a_record_has_the_controls_of_its_scenarios_and_why_others_have_none(tmp_path: Path) -> None:
    head, support, aside, nowhere, beyond = _load(tmp_path, WRITTEN).entries(KNOWN)
    assert (head.entry, getattr(head, "unsupported", None)) == ("catalogue", ("2",))
    assert support == Support(
        scenario="SNS-WEB-01",
        catalogue="One 1",
        control="1",
        title="It answers",
        reason="it answers",
        does_not_prove="that it is right",
        limit="anything else",
        source="https://publisher.example/",
        date="2026-11-25",
        confidence="verified",
        token="one-1",
    )
    assert aside == Unmapped(scenario="SNS-HA-01", catalogue="One 1", reason="no chapter")
    assert nowhere == Unmapped(scenario="SNS-WEB-02", catalogue="", reason="nobody asks")
    assert beyond == Unmapped(scenario="SNS-HA-01", catalogue="", reason=catalogues.UNTOLD)


def test_a_record_has_nothing_of_scenarios_that_were_not_planned(tmp_path: Path) -> None:
    assert [one.entry for one in _load(tmp_path, WRITTEN).entries(["SNS-WEB-02"])] == ["unmapped"]


def test_a_project_without_catalogues_has_none(tmp_path: Path) -> None:
    assert catalogues.load(tmp_path / "reports" / "controls", KNOWN) == Library()


# What is wrong with a file

MISTAKES = [
    (CLAIMS, '["SNS-WEB-01"]', '["SNS-WEB-10"]',
     "claims.toml:3: claims.scenarios: there is no scenario 'SNS-WEB-10' (did you mean 'SNS-WEB-02'?)"),
    (CLAIMS, '["SNS-WEB-02"]', '["SNS-WEB-02", "SNS-WEB-02"]',
     "claims.toml:11: unmapped.scenarios: SNS-WEB-02 is there twice (remove one)"),
    (CLAIMS, 'shows_fr = "il répond"\n', "",
     "claims.toml:1: claims.shows_fr: missing (add shows_fr: a text between quotes)"),
    (CLAIMS, "date = 2026-11-25", 'date = "2026-11-25"',
     "claims.toml:8: claims.date: must be a day that exists, written as 2027-01-31 without quotes"),
    (CLAIMS, "date = 2026-11-25", "date = 2026-11-31",
     "claims.toml:8: is not TOML: Invalid date or datetime (at line 8, column 8)"),
    (CLAIMS, "[[unmapped]]", "[[unmaped]]",
     "claims.toml:10: unmaped: unknown table (did you mean 'unmapped'?)"),
    ("one.toml", '["answers"]', '["answer"]',
     "one.toml:18: controls.claims: there is no claim 'answer' (did you mean 'answers'?)"),
    ("one.toml", 'claims = ["answers"]', "claims = []",
     "one.toml:18: controls.claims: must be a list of texts, at least one"),
    ("one.toml", 'id = "one-2"', 'id = "one-1"',
     "one.toml:23: controls.id: 'one-1' is already taken at reports/controls/one.toml:13"),
    ("one.toml", 'id = "one-2"', 'id = "8.22"',
     "one.toml:23: controls.id: '8.22' is no OSCAL token (a letter or _ first, then letters, digits, . - _)"),
    ("one.toml", 'confidence = "to verify"', 'confidence = "sure"',
     "one.toml:27: controls.confidence: unknown confidence 'sure' (known: verified, title verified, to verify)"),
    ("one.toml", 'wording = "own"', 'wording = "none"',
     "one.toml:16: controls.asks: this catalogue's licence allows no wording (remove asks, and its translation)"),
    ("one.toml", 'version = "1"\n', "",
     "one.toml:1: catalogue.version: missing (add version: a text between quotes)"),
    ("one.toml", 'version = "1"', 'versoin = "1"\nversion = "1"',
     "one.toml:4: catalogue.versoin: unknown field (did you mean 'version'?)"),
    ("one.toml", 'date = "2024-06"', 'date = "June 2024"',
     "one.toml:7: catalogue.date: 'June 2024' is no date such as 2024-06-11, 2024-06 or 2024"),
    ("one.toml", '["SNS-HA"]', '["SNS-AH"]',
     "one.toml:38: unmapped.areas: there is no scenario whose id begins with 'SNS-AH' (did you mean 'SNS-HA'?)"),
    ("one.toml", 'areas = ["SNS-HA"]\n', "",
     "one.toml:37: unmapped.scenarios: missing (add scenarios, or areas such as SNS-HA)"),
    ("one.toml", 'control = "one-2"', 'control = "one-3"',
     "one.toml:30: parameters.control: there is no control 'one-3' (did you mean 'one-2'?)"),
    ("one.toml", "[catalogue]", "[catalog]",
     "one.toml:1: catalogue: missing (add a table [catalogue])"),
    ("one.toml", "[[controls]]", "[[controls]",
     "one.toml:13: is not TOML: Expected ']]' at the end of an array declaration (at line 13, column 11)"),
]  # fmt: skip


@pytest.mark.parametrize(
    "file, right, wrong, message", MISTAKES, ids=[wrong or f"no {right.strip()}" for _, right, wrong, _ in MISTAKES]
)
def test_a_mistake_is_told_with_its_line(tmp_path: Path, file: str, right: str, wrong: str, message: str) -> None:
    assert WRITTEN[file].count(right) >= 1
    with pytest.raises(Unusable) as told:
        _load(tmp_path, WRITTEN | {file: WRITTEN[file].replace(right, wrong, 1)})
    assert f"reports/controls/{message}" in str(told.value).splitlines()


def test_a_control_takes_a_scenario_from_one_claim_alone(tmp_path: Path) -> None:
    claim = WRITTEN[CLAIMS].partition("[[unmapped]]")[0]
    twice = {
        CLAIMS: claim.replace('"answers"', '"answers-too"') + WRITTEN[CLAIMS],
        "one.toml": WRITTEN["one.toml"].replace('["answers"]', '["answers", "answers-too"]'),
    }
    told = (
        "reports/controls/one.toml:18: controls.claims: SNS-WEB-01 is in two of these claims (keep the one that says it best)"
    )
    with pytest.raises(Unusable, match=re.escape(told)):
        _load(tmp_path, twice)


def test_what_a_broken_file_of_claims_would_have_said_is_not_missed_elsewhere(tmp_path: Path) -> None:
    with pytest.raises(Unusable) as told:
        _load(tmp_path, WRITTEN | {CLAIMS: "[["})
    assert [line.partition(":")[0] for line in str(told.value).splitlines()] == [f"reports/controls/{CLAIMS}"]


def test_all_mistakes_of_all_files_are_told_at_once(tmp_path: Path) -> None:
    broken = {name: text.replace("_fr = ", "_de = ") for name, text in WRITTEN.items()}
    with pytest.raises(Unusable) as told:
        _load(tmp_path, broken)
    files = [line.partition(":")[0] for line in str(told.value).splitlines()]
    assert set(files) == {f"reports/controls/{name}" for name in WRITTEN}
    assert files == sorted(files)


def test_a_catalogue_that_is_no_text_is_told(tmp_path: Path) -> None:
    folder = _write(tmp_path, WRITTEN)
    (folder / "two.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(Unusable, match=re.escape("reports/controls/two.toml:1: is not UTF-8 text (save it as UTF-8)")):
        catalogues.load(folder, KNOWN)


# Deviations

WAIVER = """
[[waivers]]
scenario = "SNS-WEB-01[sbg7]"
justification = "the new server comes in spring"
owner = "Ada"
expires = 2027-03-31
compensation = "watched"
"""
FINDING = """
[[findings]]
control = "one-2"
justification = "it is not"
"""


def _deviations(folder: Path, text: str) -> list[Deviation]:
    library = _load(folder, WRITTEN)
    deployment = folder / "guide"
    deployment.mkdir()
    (deployment / deviations.DEVIATIONS).write_text(text.lstrip("\n"), encoding="utf-8")
    return deviations.load(deployment, KNOWN, ["SNS-WEB-01[sbg7]", "SNS-WEB-01[gra11]"], library)


def test_a_waiver_and_a_finding_are_read_with_their_place(tmp_path: Path) -> None:
    waiver, finding = _deviations(tmp_path, WAIVER + FINDING)
    assert (waiver.subject, waiver.kind, waiver.expires) == ("SNS-WEB-01[sbg7]", "waiver", "2027-03-31")
    assert (waiver.file, waiver.line, finding.line) == ("guide/deviations.toml", 1, 8)
    assert (finding.subject, finding.kind, finding.owner) == ("One 1 2", "finding", "")


def test_a_waiver_holds_until_the_end_of_its_last_day(tmp_path: Path) -> None:
    (waiver,) = _deviations(tmp_path, WAIVER)
    assert [waiver.in_force(day) for day in ("2027-03-30", "2027-03-31", "2027-04-01")] == [True, True, False]


def test_an_instance_of_a_scenario_that_does_not_run_now_is_taken_as_it_is(tmp_path: Path) -> None:
    (waiver,) = _deviations(tmp_path, WAIVER.replace("SNS-WEB-01[sbg7]", "SNS-HA-01[rbx]"))
    assert waiver.subject == "SNS-HA-01[rbx]"


def test_a_deployment_without_the_file_has_no_deviations(tmp_path: Path) -> None:
    assert deviations.load(tmp_path, KNOWN, (), Library()) == []


@pytest.mark.parametrize(
    "right, wrong, message",
    [
        ("SNS-WEB-01[sbg7]", "SNS-WEB-11",
         "2: waivers.scenario: there is no scenario 'SNS-WEB-11' (did you mean 'SNS-WEB-01'?)"),
        ("[sbg7]", "[sbg8]",
         "2: waivers.scenario: there is no instance 'SNS-WEB-01[sbg8]' (did you mean 'SNS-WEB-01[sbg7]'?)"),
        ('scenario = "SNS-WEB-01[sbg7]"', 'control = "one-9"',
         "2: waivers.control: there is no control 'one-9' (did you mean 'one-2'?)"),
        ('scenario = "SNS-WEB-01[sbg7]"\n', "",
         "1: waivers: names a scenario or a control, and not both (add scenario = … or control = …)"),
        ('owner = "Ada"\n', "", "1: waivers.owner: missing (add owner: a text between quotes)"),
        ('owner = "Ada"', 'owner = " "', "4: waivers.owner: must be a text between quotes"),
        ("expires = 2027-03-31\n", "",
         "1: waivers.expires: missing (add expires: a day that exists, written as 2027-01-31 without quotes)"),
        ('compensation = "watched"', WAIVER, "7: waivers: SNS-WEB-01[sbg7] is waived at line 1 already (keep one)"),
        ("[[findings]]", '[[findings]]\nowner = "Ada"',
         "9: findings.owner: a finding has none (somebody who accepts it until a day makes it a [[waivers]] entry)"),
    ],
)  # fmt: skip
def test_a_mistake_in_a_deviation_is_told_with_its_line(tmp_path: Path, right: str, wrong: str, message: str) -> None:
    with pytest.raises(Unusable) as told:
        _deviations(tmp_path, (WAIVER + FINDING).replace(right, wrong, 1))
    assert f"guide/deviations.toml:{message}" in str(told.value).splitlines()
