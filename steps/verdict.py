"""What a step raises to say how a test ended: refuted, or inconclusive. Anything else that escapes a step is our error.

    raise Refuted(
        expected="an answer 200",
        observed="none within 1 s",
        prediction=predict(configuration, flow),
        evidence=capture,
    )

In a Given, a refutation means that the test would prove nothing: the verdict is then inconclusive, by rule.
"""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike, fspath
from typing import Protocol


class Predicted(Protocol):
    """What ``sns.prediction.Prediction`` has: the verdict, why, and the rule's place (``sbg7/Filter/05:14``)."""

    @property
    def verdict(self) -> str:
        """``pass``, ``block`` or ``reset``."""

    @property
    def reason(self) -> str:
        """Which rule decides, in words."""

    @property
    def where(self) -> str:
        """File and line of the rule, or "" for an implicit one."""


Prediction = Predicted | str
File = str | PathLike[str]


def words(prediction: Prediction | None) -> str:
    """A prediction as one line: ``block, rule 3 'no ssh' (sbg7/Filter/05:14)``; "" when there is none."""
    if prediction is None or isinstance(prediction, str):
        return prediction or ""
    told = ", ".join(part for part in (prediction.verdict, prediction.reason) if part)
    return f"{told} ({prediction.where})" if prediction.where else told


class Refuted(AssertionError):
    """What was expected was not observed.

    ``prediction`` is the rule that ``sns`` says decides about this flow, ``evidence`` the files that show it (paths
    as ``record`` gives them, relative to the run's folder), ``phase`` what was being waited for when time ran out.
    """

    def __init__(
        self,
        *,
        expected: object,
        observed: object,
        prediction: Prediction | None = None,
        evidence: File | Sequence[File] = (),
        phase: str = "",
    ) -> None:
        self.expected = str(expected)
        self.observed = str(observed)
        self.predicted = words(prediction)
        files = [evidence] if isinstance(evidence, str | PathLike) else evidence
        self.evidence = tuple(fspath(file) for file in files)
        self.phase = phase
        super().__init__(self.headline)

    @property
    def headline(self) -> str:
        """The message's first line."""
        named = not self.phase or self.expected.startswith(self.phase)
        late = "" if named else f"{self.phase} was late: "
        return f"{late}expected {self.expected}, observed {self.observed}"

    def __str__(self) -> str:
        lines = [self.headline]
        if self.predicted:
            lines.append(f"  predicted: {self.predicted}")
        lines += [f"  evidence: {file}" for file in self.evidence]
        return "\n".join(lines)


class Inconclusive(Exception):
    """The test cannot tell: a control failed, or something that it rests on did not hold. The text says which."""
