"""What the page tells of rule coverage: each place of a configuration with the scenarios that exercised it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from reports import coverage
from reports.html.view import InstanceView, ReportView


@dataclass(frozen=True, slots=True)
class PlaceView:
    """A rule, tunnel, right or route, in words, and who exercised it."""

    place: str
    words: str
    by: Sequence[InstanceView]


@dataclass(frozen=True, slots=True)
class SiteView:
    """The places of one site's firewall, in the order of its files."""

    site: str
    places: Sequence[PlaceView]

    @property
    def untouched(self) -> Sequence[PlaceView]:
        """Those that nobody exercised."""
        return [one for one in self.places if not one.by]


def sites(report: ReportView) -> list[SiteView]:
    """Every site of which the record says what can be exercised."""
    by: dict[tuple[str, str], list[InstanceView]] = defaultdict(list)
    for instance in report.instances():
        for one in instance.scenario.coverage:
            for place in one.touched:
                by[one.site, place].append(instance)
    return [
        SiteView(site, [PlaceView(place, words, by[site, place]) for place, words in places.items()])
        for site, places in coverage.by_site(report.record).items()
    ]
