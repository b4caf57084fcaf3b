"""Which flows the scenarios of a record tested, between which hosts of its topology, and what came of them."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from reports.entries import Standing, Topology
from reports.html.view import InstanceView, ReportView, worst
from reports.languages import Language

CLUSTER = "cluster "
"""Before a site's name: its firewall, whichever member works."""

_AT_SITE = {"gateway": "gateway", "server": "web", "remote": "web"}


@dataclass(frozen=True, slots=True)
class Flow:
    """Packets from one host to another: those that must get through, or those that must be refused at a firewall.

    ``sites`` are those whose firewall they meet, in their order. ``number`` is the flow's in the drawing, from 1.
    """

    number: int
    sender: str
    receiver: str
    refused: bool
    sites: tuple[str, ...]
    instances: Sequence[InstanceView]

    @property
    def sign(self) -> str:
        """Between the two ends: what goes through a tunnel goes both ways."""
        return "↔" if len(self.sites) > 1 and not self.refused else "→"

    def scenarios(self) -> dict[str, InstanceView]:
        """The scenarios by their id, each with the instance that went worst."""
        found: dict[str, list[InstanceView]] = {}
        for one in self.instances:
            found.setdefault(one.scenario.start.scenario, []).append(one)
        return {
            name: next(one for one in same if one.verdict == worst(each.verdict for each in same))
            for name, same in found.items()
        }

    @property
    def verdict(self) -> Standing:
        """The worst of the scenarios that tested it."""
        return worst(one.verdict for one in self.instances)


@cache
def known() -> Mapping[str, Sequence[str]]:
    """The flows of each scenario by its id, as ``flows.toml`` has them."""
    return tomllib.loads((files("reports.html") / "flows.toml").read_text(encoding="utf-8"))


def tested(report: ReportView) -> list[Flow]:
    """The flows of all scenarios that ran; none when the record has no topology."""
    topology = report.record.topology
    if topology is None:
        return []
    found: dict[tuple[str, str, bool, tuple[str, ...]], list[InstanceView]] = {}
    for one in report.instances():
        if one.verdict not in ("skipped", "not applicable"):
            for flow in _flows(one, topology):
                found.setdefault(flow, []).append(one)
    names = [str(site["name"]) for site in topology.sites]
    ordered = sorted(found.items(), key=lambda item: ([names.index(site) for site in item[0][3]], item[0][2]))
    return [Flow(number, *flow, instances) for number, (flow, instances) in enumerate(ordered, start=1)]


def _flows(one: InstanceView, topology: Topology) -> Iterator[tuple[str, str, bool, tuple[str, ...]]]:
    names = [str(site["name"]) for site in topology.sites]
    here, there = _sites(one.subject, names, topology)
    for text in known().get(one.scenario.start.scenario, ()):
        sender, sign, receiver = text.split(" ")
        far = receiver in ("far", "remote")
        if far and not there:
            continue
        sites = (here, there) if far else (here,)
        ends = [_host(role, one.subject, there if role in ("far", "remote") else here, topology) for role in (sender, receiver)]
        if not all(ends):
            continue
        # What is refused ends at a firewall, whatever lies behind it.
        last = f"{CLUSTER}{sites[-1]}" if sign == "|" else ends[1]
        if far and sign == ">":
            ordered = sorted(zip(sites, ends, strict=True), key=lambda end: names.index(end[0]))
            yield ordered[0][1], ordered[1][1], False, (ordered[0][0], ordered[1][0])
        else:
            yield ends[0], last, sign == "|", sites


def _sites(subject: str, names: Sequence[str], topology: Topology) -> tuple[str, str]:
    """The site that an instance is about, and the one at the other end ("" when there is none)."""
    words = subject.replace(":", "-").split("-")
    named = [word for word in words if word in names]
    pools = [str(site["name"]) for site in topology.sites if subject in site.get("pools", ())]
    here = next(iter([*named, *pools, *names]), "")
    joined = [one for tunnel in topology.tunnels for one in tunnel["sites"] if here in tunnel["sites"] and one != here]
    return here, next(iter([*named[1:], *joined]), "")


def _host(role: str, subject: str, site: str, topology: Topology) -> str:
    if role in ("firewall", "far"):
        return f"{CLUSTER}{site}"
    hosts = [one for one in topology.hosts if not one.get("site") or one.get("site") == site]
    if role == "server":
        for one in hosts:
            if one.get("site") and str(one["name"]) in subject:
                return str(one["name"])
    wanted = _AT_SITE.get(role, role)
    return next((str(one["name"]) for one in hosts if one.get("role") == wanted), "")


def name_of(end: str, said: Language) -> str:
    """What a reader calls the end of a flow."""
    if not end.startswith(CLUSTER):
        return end
    return said.text("firewall {site}", site=end.removeprefix(CLUSTER))
