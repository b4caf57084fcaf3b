"""A refutation says what was expected and seen, which rule was predicted to decide, and where the evidence is."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from steps.verdict import Refuted, words


@dataclass(frozen=True)
class Predicted:
    """As ``sns.prediction.Prediction`` presents itself."""

    verdict: str
    reason: str
    where: str


@pytest.mark.parametrize(
    "more, text",
    [
        ({}, "expected an answer 200, observed none"),
        (
            {"prediction": Predicted("block", "rule 3", "sbg7/Filter/05:14")},
            "expected an answer 200, observed none\n  predicted: block, rule 3 (sbg7/Filter/05:14)",
        ),
        (
            {"prediction": Predicted("block", "implicit rule", "")},
            "expected an answer 200, observed none\n  predicted: block, implicit rule",
        ),
        (
            {"evidence": Path("evidence/x.pcapng")},
            "expected an answer 200, observed none\n  evidence: evidence/x.pcapng",
        ),
        (
            {"evidence": ["a", "b"], "phase": "the answer"},
            "the answer was late: expected an answer 200, observed none\n  evidence: a\n  evidence: b",
        ),
    ],
)
def test_the_message(more: dict[str, Any], text: str) -> None:
    assert str(Refuted(expected="an answer 200", observed="none", **more)) == text


def test_no_prediction_is_no_words() -> None:
    assert words(None) == ""
