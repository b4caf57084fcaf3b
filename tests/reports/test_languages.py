"""French says everything that English says: the page's own texts, every sentence of the features, what steps look at."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_bdd.feature import get_feature

from reports.controls.catalogues import CONFIDENCES
from reports.entries import STANDINGS
from reports.html.flows import known
from reports.languages import language

ROOT = Path(__file__).parent.parent.parent
FRENCH = language("fr")
TABLES = tomllib.loads((ROOT / "reports" / "languages" / "fr.toml").read_text(encoding="utf-8"))

_IN_TEMPLATES = re.compile(r"""\bt\(\s*('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")""")


def _of_the_page() -> set[str]:
    found = {*STANDINGS, *CONFIDENCES[1:], "not run", "in force", "expired", "finding"}
    for template in (ROOT / "reports" / "templates").glob("*.j2"):
        found |= {ast.literal_eval(text) for text in _IN_TEMPLATES.findall(template.read_text(encoding="utf-8"))}
    for module in (ROOT / "reports").rglob("*.py"):
        for call in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr == "text" and call.args:
                first = call.args[0]
                if isinstance(first, ast.Constant) and isinstance(first.value, str):
                    found.add(first.value)
    return found


def _sentences() -> Iterator[str]:
    for path in sorted((ROOT / "features").glob("*.feature")):
        feature = get_feature(str(path.parent), path.name)
        yield feature.name or ""
        for template in feature.scenarios.values():
            yield template.name
            if template.rule:
                yield template.rule.name
            rows = [row for examples in template.examples for row in examples.as_contexts()] or [{}]
            yield from (step.name for row in rows for step in template.render(row).steps)


def _looked_at() -> Iterator[str]:
    """What steps tell the record they looked at; where a value stands in it, ``x`` stands here."""
    for module in sorted((ROOT / "steps").glob("*.py")):
        for call in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
            named = isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr == "observe"
            first = call.args[0] if named and call.args else None
            if isinstance(first, ast.Constant):
                yield str(first.value)
            elif isinstance(first, ast.JoinedStr):
                yield "".join(str(part.value) if isinstance(part, ast.Constant) else "x" for part in first.values)


@pytest.mark.parametrize("text", sorted(_of_the_page()))
def test_the_page_has_no_text_without_its_french(text: str) -> None:
    assert text in TABLES["interface"]


def test_no_french_of_the_page_is_left_over() -> None:
    assert set(TABLES["interface"]) <= _of_the_page()


@pytest.mark.parametrize("text", sorted(set(TABLES["interface"])))
def test_a_translation_has_the_values_of_its_original(text: str) -> None:
    values = re.compile(r"\{\w+\}")
    assert sorted(values.findall(TABLES["interface"][text])) == sorted(values.findall(text))


@pytest.mark.parametrize("text", sorted(set(_sentences())))
def test_no_sentence_of_a_feature_is_without_its_french(text: str) -> None:
    assert FRENCH.sentence(text).language == "fr"


def test_no_french_sentence_is_left_over() -> None:
    spoken = set(_sentences())
    nested = {"a lost member", "a lost link", "a switch", "private server", "private servers", "stranger", "VPN user"}
    patterns = {key: re.compile(re.sub(r"\\\{\w+\\\}", ".+", re.escape(key))) for key in TABLES["sentences"]}
    assert {key for key, pattern in patterns.items() if not any(map(pattern.fullmatch, spoken))} == nested


@pytest.mark.parametrize("text", sorted(set(_looked_at())))
def test_nothing_that_steps_look_at_is_without_its_french(text: str) -> None:
    assert FRENCH.observation(text).language == "fr"


@pytest.mark.parametrize(
    "word, sentence, after, spoken",
    [
        ("Given", "le serveur privé répond", "Given", "Étant donné que"),
        ("Given", "un téléchargement traverse le pare-feu", "Given", "Étant donné qu’"),
        ("And", "le serveur privé répond", "Given", "Et que"),
        ("And", "aucun d’eux n’arrive", "Given", "Et qu’"),
        ("And", "aucun d’eux n’arrive", "Then", "Et"),
        ("When", "il demande", "When", "Quand"),
        ("Then", "il répond", "Then", "Alors"),
    ],
)
def test_keywords_agree_with_their_sentence(word: str, sentence: str, after: str, spoken: str) -> None:
    assert FRENCH.keyword(word, sentence, after=after) == spoken
    assert language("en").keyword(word, sentence, after=after) == word


def test_a_sentence_keeps_its_values() -> None:
    said = FRENCH.sentence('the answer is "HTTP/2 200"').text
    assert said.replace("\N{NO-BREAK SPACE}", " ") == "la réponse est « HTTP/2 200 »"
    assert FRENCH.sentence("every flow goes on within its budget for a lost link").text.endswith("pour la perte d’un lien")


def test_what_has_no_french_stays_english_and_says_so() -> None:
    said = FRENCH.sentence("a sentence that nobody wrote")
    assert (said.text, said.language) == ("a sentence that nobody wrote", "en")


@pytest.mark.parametrize(
    "seconds, english, french",
    [(0.25, "250 ms", "250 ms"), (3.456, "3.46 s", "3,46 s"), (12.34, "12.3 s", "12,3 s"), (83, "1 min 23 s", "1 min 23 s")],
)
def test_durations_have_the_unit_and_the_sign_of_the_language(seconds: float, english: str, french: str) -> None:
    assert language("en").seconds(seconds).replace("\N{NO-BREAK SPACE}", " ") == english
    assert FRENCH.seconds(seconds).replace("\N{NO-BREAK SPACE}", " ") == french


def test_an_unknown_language_is_refused() -> None:
    with pytest.raises(KeyError):
        language("xx")


def test_every_scenario_has_its_flows_for_the_drawing() -> None:
    ids = {tag for path in (ROOT / "features").glob("*.feature") for tag in re.findall(r"@(SNS-[A-Z]+-\d+)", path.read_text())}
    assert set(known()) == ids
