"""What does not fit between features and steps is told before anything runs, all of it at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.plugins.tree import Finished, Tree, feature

SENTENCES = """
import pytest

@pytest.fixture
def path(tunnel):
    return tunnel

@given("a host")
def _host(): ...

@given("a stranger")
def _stranger_one(): ...

@given(parsers.parse("a {who:w}"))
def _anybody(who): ...

@when("it uses the tunnel")
def _uses(path): ...

@when("it uses nothing")
def _nothing(nobody_gives_this): ...

@when("these are asked:")
def _asked(datatable): ...

@given("a site of its own", target_fixture="site")
def _own():
    return "own"

@then("the site answers")
def _answers(site): ...

@then("nobody says this")
def _unused(): ...
"""

FEATURES = {
    "missing.feature": """
        @SNS-A-01
        Scenario: a
          When nobody wrote this
    """,
    "ambiguous.feature": """
        @SNS-A-02
        Scenario: b
          Given a stranger
    """,
    "axis.feature": """
        @SNS-A-03
        Scenario: c
          When it uses the tunnel
    """,
    "idle.feature": """
        @SNS-A-04 @each_pool
        Scenario: d
          When these are asked:
            | one |
    """,
    "unknown.feature": """
        @SNS-A-05
        Scenario: e
          When it uses nothing
    """,
    "tables.feature": """
        @SNS-A-06
        Scenario: f
          Given a site of its own
            | extra |
          When these are asked:
    """,
    "outline.feature": """
        @SNS-A-07
        Scenario Outline: g
          Given a <hots>
          When <act>

          Examples:
            | act              |
            | it does nothing  |
    """,
    "given.feature": """
        @SNS-A-08
        Scenario: h
          Given a site of its own
          Then the site answers
    """,
}

MESSAGES = [
    "features/missing.feature:4: When nobody wrote this\n    no step says this",
    "features/ambiguous.feature:4: Given a stranger\n    more than one step says this: sentences:",
    "features/axis.feature:4: When it uses the tunnel\n    speaks of a tunnel: the scenario needs @each_tunnel",
    "features/idle.feature:3: d\n    no step speaks of a pool: @each_pool would repeat the same test",
    "features/unknown.feature:4: When it uses nothing\n    sentences:",
    "asks for 'nobody_gives_this', which nobody gives",
    "features/tables.feature:4: Given a site of its own\n    sentences:",
    "takes no datatable",
    "wants a datatable below this sentence",
    "features/outline.feature:4: Given a <hots>\n    no Examples column is called <hots>",
    "features/outline.feature:5: When it does nothing\n    no step says this",
    "nobody says this\n    no feature says this",
]


def _plant(folder: Path) -> Tree:
    return Tree.plant(folder, {name: feature(text) for name, text in FEATURES.items()}, SENTENCES, complete=True)


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Finished:
    return _plant(tmp_path_factory.mktemp("unfit")).run("--collect-only", "features")


@pytest.mark.parametrize("message", MESSAGES)
def test_what_does_not_fit_is_told(told: Finished, message: str) -> None:
    assert message in told.output


def test_it_is_a_usage_error_without_a_traceback(told: Finished) -> None:
    assert told.status == 4
    assert "Traceback" not in told.output


def test_a_step_that_an_earlier_sentence_provides_for_needs_no_tag(told: Finished) -> None:
    assert "given.feature:" not in told.output


def test_unused_steps_are_told_only_when_all_features_are_there(tmp_path: Path) -> None:
    done = _plant(tmp_path).run("--collect-only", "features/given.feature")
    assert done.status == 0, done.output


def test_parallel_workers_tell_it_too(tmp_path: Path) -> None:
    done = _plant(tmp_path).run("-n", "2", "features/missing.feature")
    assert done.status not in (0, 5)
    assert "no step says this" in done.output
