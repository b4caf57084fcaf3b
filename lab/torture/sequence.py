"""What a campaign does: rounds of steps, drawn from a seed and from nothing else.

The same seed on the same ground gives the same rounds, each independent of the others and of all times: a round can be
drawn, run again and cut down by itself. A step names members by their part (``active``, ``passive``), as it is when the step
begins, so that a shortened sequence still means the same.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace

ACTIVE, PASSIVE = "active", "passive"
MOST_STEPS = 4
STARTS_WITHIN = 2.0  # s of a round in which its steps begin
LONGEST_HOLD = 2.5  # s that a step lasts before it is undone; longer than any token of the guide
_FLOWS_SHARE = 0.6  # of the ground's flows run in a round, on average
_GRAIN = 0.05  # s: times are drawn in these, so that they read well and are written exactly


@dataclass(frozen=True, slots=True)
class Option:
    """A thing that a step may do, with the values that each of its parameters may have; ``weight`` is how often it is drawn.

    Of those that share a ``once`` a site has no more than one in a round: together they would ask for what nobody promises.
    """

    name: str
    parameters: Mapping[str, Sequence[str]] = field(default_factory=dict)
    lasts: bool = True
    parts: tuple[str, ...] = (ACTIVE, PASSIVE)
    weight: int = 1
    once: str = ""


@dataclass(frozen=True, slots=True)
class Ground:
    """All that a sequence is drawn from: the sites that have a pair, what can be done to one, which flows there are."""

    sites: tuple[str, ...]
    options: tuple[Option, ...]
    flows: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Step:
    """One thing done to one member: ``at`` seconds after the round's beginning, undone ``hold`` seconds later."""

    at: float
    what: str
    site: str
    part: str
    hold: float

    def __str__(self) -> str:
        held = f", held for {self.hold:g} s" if self.hold else ""
        return f"{self.at:g} s: {self.what} on the {self.part} member of {self.site}{held}"


@dataclass(frozen=True, slots=True)
class Round:
    """Steps in the order of their beginnings, and the flows that run meanwhile."""

    steps: tuple[Step, ...]
    flows: tuple[str, ...]

    def only(self, steps: Iterable[Step]) -> Round:
        """The same round with fewer steps."""
        return replace(self, steps=tuple(sorted(steps, key=lambda step: step.at)))


def draw(seed: int, number: int, ground: Ground) -> Round:
    """The round of this number: a pure function of its arguments."""
    chance = random.Random(f"{seed}/{number}")  # noqa: S311 - reproducible, not secret
    taken: set[tuple[str, str]] = set()
    steps = [_step(chance, ground, taken) for _ in range(chance.randint(1, MOST_STEPS))]
    flows = [flow for flow in ground.flows if chance.random() < _FLOWS_SHARE]
    return Round((), tuple(flows or ground.flows[:1])).only(steps)


def rounds(seed: int, ground: Ground) -> Iterator[Round]:
    """All rounds of a seed, for ever."""
    number = 0
    while True:
        yield draw(seed, number, ground)
        number += 1


def _step(chance: random.Random, ground: Ground, taken: set[tuple[str, str]]) -> Step:
    site = chance.choice(ground.sites)
    options = [one for one in ground.options if not one.once or (site, one.once) not in taken]
    option = chance.choices(options, [one.weight for one in options])[0]
    taken.add((site, option.once))
    words = [f"{name}={chance.choice(values)}" for name, values in option.parameters.items()]
    return Step(
        at=_grained(chance.uniform(0, STARTS_WITHIN)),
        what=" ".join([option.name, *words]),
        site=site,
        part=chance.choice(option.parts),
        hold=_grained(chance.uniform(0.1, LONGEST_HOLD)) if option.lasts else 0.0,
    )


def _grained(seconds: float) -> float:
    return round(round(seconds / _GRAIN) * _GRAIN, 2)


# As a file --------------------------------------------------------------------------------------------------------------


def written(round_: Round) -> str:
    """A round as one line of JSON."""
    return json.dumps(asdict(round_))


def read(text: str) -> Round:
    """The round of a line that :func:`written` made. Raises ValueError, which says what is wrong with it."""
    try:
        facts = json.loads(text)
        steps = [Step(**step) for step in facts["steps"]]
        return Round((), tuple(facts["flows"])).only(steps)
    except (KeyError, TypeError, ValueError) as why:
        raise ValueError(f"not a round of a campaign: {why}") from why
