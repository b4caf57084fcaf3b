"""Which rules a run's scenarios exercised, and which none did."""

from __future__ import annotations

import textwrap
from collections import Counter, defaultdict
from collections.abc import Iterator

from reports.record import Record, ScenarioRecord


def by_site(record: Record) -> dict[str, dict[str, str]]:
    """What can be exercised, by site: each of several workers writes it of its own lab."""
    return {rules.site: rules.places for rules in record.rules}


def untouched(record: Record) -> dict[str, dict[str, str]]:
    """The places that no scenario touched, with their words, by site; sites of which all is touched are left out."""
    touched: Counter[tuple[str, str]] = Counter()
    for scenario in record.scenarios.values():
        for one in scenario.coverage:
            touched.update({(one.site, place): count for place, count in one.touched.items()})
    left = {
        site: {place: words for place, words in places.items() if not touched[site, place]}
        for site, places in by_site(record).items()
    }
    return {site: places for site, places in left.items() if places}


def met(record: Record) -> dict[str, dict[str, frozenset[str]]]:
    """The rules that each scenario met, by site: of those scenarios that passed, and of which all is known.

    Scenarios of one place that begin with the same sentence are taken together: what the first of them has started, and was
    counted for it, may go on in the next.
    """
    together: dict[tuple[str, str], list[ScenarioRecord]] = defaultdict(list)
    for name, scenario in record.scenarios.items():
        together[name.partition("[")[2], scenario.start.steps[0] if scenario.start.steps else ""].append(scenario)
    found: dict[str, dict[str, frozenset[str]]] = {}
    for scenarios in together.values():
        if all(one.verdict == "pass" and one.coverage and all(seen.whole for seen in one.coverage) for one in scenarios):
            places: dict[str, frozenset[str]] = defaultdict(frozenset)
            for seen in (seen for one in scenarios for seen in one.coverage):
                places[seen.site] |= seen.touched.keys()
            found |= {one.start.instance: dict(places) for one in scenarios}
    return found


def unaffected(record: Record) -> dict[str, list[str]]:
    """The scenarios that were left out because a change cannot affect them, by the proof."""
    found: dict[str, list[str]] = {}
    for name, proof in (record.plan.unaffected if record.plan else {}).items():
        found.setdefault(proof, []).append(name)
    return found


def told(record: Record, width: int) -> Iterator[str]:
    """The coverage in a few lines; nothing for a record that does not have it, or of a part of the scenarios."""
    if not record.rules or (record.plan and record.plan.on_request) or record.not_run:
        return
    left, whole = untouched(record), sum(map(len, by_site(record).values()))
    missed = sum(len(places) for places in left.values())
    yield f"{whole - missed} of {whole} rules, tunnels, rights and routes were exercised" + (", not:" if missed else "")
    for site, places in left.items():
        yield "  " + textwrap.shorten(f"{site}: {', '.join(places)}", width - 2, placeholder=" …")
