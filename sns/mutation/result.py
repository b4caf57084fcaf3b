"""What became of a mutant."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from sns.mutation.mutant import Mutant

Verdict = Literal["killed", "survived", "latent", "equivalent", "invalid", "unproven"]
VERDICTS: tuple[Verdict, ...] = get_args(Verdict)
"""``unproven``: the lab could not be brought to run it, or was not itself afterwards; never counted as killed."""


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a mutant.

    ``by`` is the scenario's instance that killed it and ``message`` the first line of what it then said; for an invalid one the
    refusal, for a latent one why nobody meets the difference, for an unproven one the reason. ``tried`` are the scenarios
    that ran, ``seconds`` the time of it all.
    """

    mutant: Mutant
    verdict: Verdict
    by: str = ""
    message: str = ""
    flows: tuple[str, ...] = ()
    settings: tuple[str, ...] = ()
    examples: tuple[str, ...] = ()
    tried: tuple[str, ...] = ()
    seconds: float = 0.0
