"""The results of a run of mutants, for a terminal, for machines, and as a page of the documentation."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from sns.mutation.mutant import Edit, Mutant
from sns.mutation.operators import OPERATORS
from sns.mutation.result import VERDICTS, Result

_SHOWN = 3
"""Flows that are shown of one survivor; JSON has them all."""


def text(results: Sequence[Result], seconds: float) -> str:
    """For a terminal: survivors with what differs and what would notice it, then the counts."""
    lines = [line for one in results if one.verdict in ("survived", "unproven") for line in _survivor(one)]
    return "\n".join([*lines, *_counted(results, seconds)])


def as_json(results: Sequence[Result], seconds: float) -> str:
    """For machines: every mutant with its verdict, and the counts."""
    told = [
        {
            "name": one.mutant.name,
            "site": one.mutant.site,
            "operator": one.mutant.operator,
            "place": one.mutant.place,
            "what": one.mutant.what,
            "verdict": one.verdict,
            "by": one.by,
            "message": one.message,
            "flows": one.flows,
            "settings": one.settings,
            "examples": one.examples,
            "tried": one.tried,
            "seconds": round(one.seconds, 3),
        }
        for one in results
    ]
    counts = Counter(one.verdict for one in results)
    whole = {"counts": {verdict: counts[verdict] for verdict in VERDICTS}, "seconds": round(seconds, 1), "mutants": told}
    return json.dumps(whole, indent=2)


def joined(texts: Iterable[str]) -> tuple[list[Result], float]:
    """The results that :func:`as_json` has written of several parts, and the seconds of all. Raises ValueError.

    A mutant that is in several parts counts as the last of them tells.
    """
    results, seconds = dict[str, Result](), 0.0
    for text in texts:
        try:
            whole = json.loads(text)
            seconds += whole["seconds"]
            results.update((one["name"], _read(one)) for one in whole["mutants"])
        except (KeyError, TypeError, AttributeError) as why:
            raise ValueError(f"is no result of mutants: {why!r}") from None
    return list(results.values()), seconds


def _read(told: dict[str, Any]) -> Result:
    file, _, line = told["place"].rpartition(":")
    number = int(told["name"].removeprefix(f"{told['site']}/{told['place']}/{told['operator']}").strip("/") or 1)
    mutant = Mutant(told["site"], told["operator"], told["what"], (Edit(file, int(line), "", ()),), number=number)
    parts = {name: tuple(told[name]) for name in ("flows", "settings", "examples", "tried")}
    return Result(mutant, told["verdict"], told["by"], told["message"], **parts, seconds=told["seconds"])


def _survivor(one: Result) -> Iterator[str]:
    yield f"{one.verdict.upper()} {one.mutant.name}: {one.mutant.what}"
    if one.message:
        yield f"    {one.message}"
    differing = (*one.flows, *(f"setting {setting}" for setting in one.settings))
    yield from (f"    {flow}" for flow in differing[:_SHOWN])
    if len(differing) > _SHOWN:
        yield f"    and {len(differing) - _SHOWN} more differences"
    if one.verdict == "survived":
        yield f"    {len(one.tried)} scenarios did not notice. One that would:"
        yield from (f"      {line}" for line in proposal(one))


def proposal(one: Result) -> list[str]:
    """A scenario that would notice a survivor: what it would have to see, by the model."""
    if one.flows:
        kind, _, rest = one.flows[0].partition(" ")
        packet = one.examples[0] if one.examples else rest
        before = {"opens": "is refused, beside a control that gets through", "closes": "gets through"}
        return ["Given what this site's firewall is configured to do", f"When {packet} is sent",
                f"Then it {before.get(kind, 'leaves as it did')}"]  # fmt: skip
    return ["When that which the setting is for is used", f"Then it shows that {one.settings[0].split(', now ')[0]}"]


def _counted(results: Sequence[Result], seconds: float) -> Iterator[str]:
    counts = Counter(one.verdict for one in results)
    yield f"{len(results)} mutants: " + ", ".join(f"{counts[verdict]} {verdict}" for verdict in VERDICTS if counts[verdict])
    if seconds > 0 and results:
        yield f"{seconds:.0f} s, {60 * len(results) / seconds:.0f} mutants a minute"


# The page -----------------------------------------------------------------------------------------------------------

HEAD = """\
# Mutants: is the suite any good?

`rempart mutate DIR` makes the mistakes in a configuration that an operator plausibly makes, has one lab run each in place, runs
the scenarios that could notice, likeliest first, until one turns red, and undoes it. What is expected comes from the original.

    rempart mutate deployments/guide                         # all of them
    rempart mutate deployments/guide --only "key wrong"      # one kind, or one mutant by its name; repeatable
    rempart mutate deployments/guide --limit 50 --seed 7     # a sample, the same every time
    rempart mutate deployments/guide --shard 3/8 --format json >3.json    # a part, for one of eight machines
    rempart mutate deployments/guide --join 1.json --join 2.json --format md    # this page, out of the parts
    rempart mutate deployments/guide --list                  # only their names

- **killed**: a scenario failed that passes on the original. One that is only inconclusive kills nothing.
  What all of them pass and the plan contradicts is killed by the plan: a test run would not even start with it.
- **survived**: every scenario of the site passed, though the model shows what differs. It is printed, with a scenario that
  would notice.
- **equivalent**: proved by the model: no packet of any kind meets another fate or is logged otherwise, no name stands for
  anything else, and no other value of the configuration differs. Rules that guard the same thing twice make many of these.
- **latent**: it differs, but nobody can meet the difference as things stand, for the reason that is told: the service is off,
  no rule lets anybody get there, or the firewall would have to send from an address that it never takes. It counts as soon as
  something else changes.
- **invalid**: the reader or the appliance refuses it, with file and line.
- **unproven**: the lab could not be brought to run it.

Before the first mutant every scenario runs on the original, which tells the rules that it touches and how long its waits take:
on mutants they are given three times that, and a second at least. Those come first that touch most of what a mutant changes by
the model, or that killed the like of it before; one for which none of this speaks has to fail twice. A mutant is applied by the
commands that its files need, on the active member; after it the files of all members, the pairs, the published sites and the
tunnels are looked at, and a lab that is not itself again is built anew. Scenarios in which members change run for mistakes in
`HA/` alone, and those are applied on both members.

Exit codes: 0 no mutant survived or stays unproven; 1 one did; 2 wrong use or bad input;
4 nothing could be run; 130 interrupted, 143 terminated. The lab is gone in every case, and what is known by then is printed.
The first Ctrl-C waits for the scenario that runs, a few seconds; the second does not.
"""


def page(results: Sequence[Result], seconds: float, deployment: str, whole: int) -> str:
    """The page: operators by verdict, what kills what, and the survivors. ``whole`` is how many mutants there are."""
    return "\n".join([HEAD, *_figures(results, seconds, deployment, whole), *_operators(results), *_killers(results),
                      *_latent(results), *_survivors(results)]) + "\n"  # fmt: skip


def _figures(results: Sequence[Result], seconds: float, deployment: str, whole: int) -> Iterator[str]:
    yield "## " + deployment
    yield ""
    first, *rest = _counted(results, seconds)
    counts = Counter(one.verdict for one in results)
    decided = counts["killed"] + counts["survived"]
    if len(results) < whole:
        yield f"**Not a full run**: {len(results)} of {whole} mutants were run."
    yield "; ".join([first, *rest]) + "."
    yield f"The lab ran {sum(bool(one.tried) for one in results)} of them; the model alone decided the others."
    if decided:
        yield f"Of those that are not equivalent, latent or invalid, {100 * counts['killed'] / decided:.1f} % are killed."
    yield ""


def _operators(results: Sequence[Result]) -> Iterator[str]:
    yield "| mistake | what is made | " + " | ".join(VERDICTS) + " |"
    yield "| --- | --- |" + " ---: |" * len(VERDICTS)
    for name, operator in OPERATORS.items():
        counts = Counter(one.verdict for one in results if one.mutant.operator == name)
        numbers = " | ".join(str(counts[verdict] or "") for verdict in VERDICTS)
        yield f"| {name} | {_said(operator.__doc__)} | {numbers} |"
    yield ""


def _said(doc: str | None) -> str:
    return (doc or "").split("\n")[0].rstrip(".")


def _killers(results: Iterable[Result]) -> Iterator[str]:
    yield "## Which scenario kills what"
    yield ""
    by: dict[str, Counter[str]] = {}
    for one in results:
        if one.verdict == "killed":
            by.setdefault(one.by.partition("[")[0], Counter())[one.mutant.operator] += 1
    yield "| scenario | mutants | of which mistakes |"
    yield "| --- | ---: | --- |"
    for scenario, kinds in sorted(by.items()):
        yield f"| {scenario} | {kinds.total()} | {', '.join(f'{kind} ({n})' for kind, n in kinds.most_common())} |"
    yield ""


def _latent(results: Iterable[Result]) -> Iterator[str]:
    found = [one for one in results if one.verdict == "latent"]
    if found:
        yield "## Latent"
        yield ""
        yield from (f"- `{one.mutant.name}`: {one.mutant.what}. {one.message}" for one in found)
        yield ""


def _survivors(results: Iterable[Result]) -> Iterator[str]:
    yield "## Survivors"
    yield ""
    found = [one for one in results if one.verdict in ("survived", "unproven")]
    yield from (["None."] if not found else [])
    for one in found:
        differing = next(iter((*one.flows, *one.settings)), "")
        yield f"- **{one.verdict}** `{one.mutant.name}`: {one.mutant.what}. {differing}"
