"""The topology as a drawing: the Internet above, a column per site below it, segments as lines across, flows as curves.

The columns' middles are kept free: there the flows pass, each in a lane of its own. A flow that must be refused ends in a
bar at the firewall.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from markupsafe import Markup

from reports.entries import Json, Topology
from reports.html.flows import CLUSTER, Flow, name_of, tested
from reports.html.svg import Drawing
from reports.html.view import ReportView
from reports.languages import Language

COLUMN, MARGIN, LANE = 470.0, 16.0, 15.0
BOX, TALL = 138.0, 40.0

INTERNET, GATEWAY, EXTERNAL, FIREWALL, HA, PRIVATE, HOSTS, BOTTOM = 52.0, 132.0, 206.0, 262.0, 330.0, 372.0, 412.0, 474.0
"""The rows from above: their top, or for segments (external, HA, private) the line itself."""

Row = Mapping[str, Json]


@dataclass(frozen=True, slots=True)
class _Box:
    """A host's place: the middle of its upper edge."""

    x: float
    y: float


class _Plan:
    """Where everything stands."""

    def __init__(self, topology: Topology) -> None:
        self.topology = topology
        self.sites = [str(site["name"]) for site in topology.sites]
        self.width = max(2 * MARGIN + COLUMN * max(1, len(self.sites)), 4 * (BOX + 20) + 2 * MARGIN)
        self.boxes: dict[str, _Box] = {}
        """Hosts outside and inside; the provider's gateways stand beside the lanes."""
        outside = [str(one["name"]) for one in topology.hosts if not one.get("site")]
        for place, name in enumerate(outside):
            self.boxes[name] = _Box((place + 0.5) * self.width / len(outside), INTERNET - TALL)
        for site in self.sites:
            self._site(site)

    def middle(self, site: str) -> float:
        """The middle of a site's column."""
        each = (self.width - 2 * MARGIN) / max(1, len(self.sites))
        return MARGIN + (self.sites.index(site) + 0.5) * each

    def left(self, site: str) -> float:
        """The left edge of a site's column."""
        return self.middle(site) - COLUMN / 2 + 8

    def of(self, site: str, *roles: str) -> list[Row]:
        """A site's hosts of these roles."""
        return [one for one in self.topology.hosts if one.get("site") == site and one.get("role") in roles]

    def _site(self, site: str) -> None:
        middle = self.middle(site)
        for place, one in enumerate(self.of(site, "appliance")[:2]):
            self.boxes[str(one["name"])] = _Box(middle + (-1, 1)[place] * (COLUMN / 2 - BOX / 2 - 8), FIREWALL)
        inside = self.of(site, "web", "baremetal")
        for place, one in enumerate(inside):
            spread = (place - (len(inside) - 1) / 2) * (BOX + 70)
            self.boxes[str(one["name"])] = _Box(middle + spread, HOSTS)


def draw(report: ReportView, said: Language, medium: Literal["screen", "paper"]) -> Markup:
    """The drawing; "" when the record has no topology."""
    topology = report.record.topology
    if topology is None or not topology.sites:
        return Markup()
    plan = _Plan(topology)
    label = said.text("Topology: {sites}. The tables below say the same in words.", sites=", ".join(plan.sites))
    drawing = Drawing(plan.width, BOTTOM, label=label, kind="topology", styled=medium == "paper")
    drawing.rect(0, 4, plan.width, INTERNET + 6, "internet", round_=8)
    drawing.text(10, INTERNET + 5, said.text("Internet"), "segment-name")
    for site in plan.sites:
        _wires(drawing, plan, site)
    _segments(drawing, plan, said)
    found = tested(report)
    ways = _Ways(plan, found)
    for flow in found:
        _flow(drawing, ways, flow, said)
    for site in plan.sites:
        _gateway(drawing, plan, site)
    for host in topology.hosts:
        if (box := plan.boxes.get(str(host["name"]))) is not None:
            _box(drawing, box, host)
    for flow in found:
        _badge(drawing, ways, flow)
    return drawing.markup()


# What stands still


def _segments(drawing: Drawing, plan: _Plan, said: Language) -> None:
    for y, role in ((EXTERNAL, "external"), (HA, "ha"), (PRIVATE, "private")):
        spans: dict[str, list[float]] = {}
        for site in plan.sites:
            if (name := _segment_of(plan, site, role)) is not None:
                middle = plan.middle(site)
                spans.setdefault(name, []).extend((middle - COLUMN / 2 + 8, middle + COLUMN / 2 - 8))
        for name, ends in spans.items():
            drawing.line(min(ends), y, max(ends), y, f"segment {role}")
            title = _title(plan.topology, name, said)
            drawing.rect(min(ends), y - 14, len(title) * 5.4, 12, "ground")  # wires pass behind the name
            drawing.text(min(ends), y - 4, title, "segment-name")


def _segment_of(plan: _Plan, site: str, role: Literal["external", "ha", "private"] | str) -> str | None:
    appliances = plan.of(site, "appliance")
    place = ("external", "private", "ha").index(role)
    interfaces = appliances[0]["interfaces"] if appliances else []
    return str(interfaces[place]["segment"]) if place < len(interfaces) else None


def _title(topology: Topology, name: str, said: Language) -> str:
    for segment in topology.segments:
        if segment["name"] == name and segment.get("vlan") is not None:
            vlan = segment["vlan"]
            return said.text("vRack, untagged") if vlan == 0 else said.text("vRack, VLAN {vlan}", vlan=vlan)
    return name


def _wires(drawing: Drawing, plan: _Plan, site: str) -> None:
    beside = plan.left(site) + BOX / 2
    drawing.line(beside, INTERNET + 10, beside, EXTERNAL, "wire")
    for one in plan.of(site, "appliance")[:2]:
        box = plan.boxes[str(one["name"])]
        drawing.line(box.x, EXTERNAL, box.x, FIREWALL, "wire")
        for offset, y, place in ((-30, HA, 2), (30, PRIVATE, 1)):
            if place < len(one["interfaces"]):
                drawing.line(box.x + offset, FIREWALL + TALL, box.x + offset, y, "wire")
    for one in plan.of(site, "web", "baremetal"):
        box = plan.boxes[str(one["name"])]
        drawing.line(box.x - BOX / 2 + 12, PRIVATE, box.x - BOX / 2 + 12, HOSTS, "wire")


def _gateway(drawing: Drawing, plan: _Plan, site: str) -> None:
    for one in plan.of(site, "gateway"):
        drawing.rect(plan.left(site), GATEWAY, BOX, TALL, "host")
        _words(drawing, plan.left(site) + 8, GATEWAY, one)


def _box(drawing: Drawing, box: _Box, host: Row) -> None:
    drawing.rect(box.x - BOX / 2, box.y, BOX, TALL, f"host {host['role']}")
    _words(drawing, box.x - BOX / 2 + 8, box.y, host)


def _words(drawing: Drawing, x: float, y: float, host: Row) -> None:
    drawing.text(x, y + 16, str(host["name"]), "host-name")
    addresses = [address for interface in host["interfaces"][:1] for address in interface["addresses"]]
    more = " …" if len(addresses) > 1 else ""
    drawing.text(x, y + 31, f"{str(addresses[0]).partition('/')[0]}{more}" if addresses else "", "address")


# What moves


class _Ways:
    """Where each flow passes: its lane at each firewall, and its port at the hosts where it begins and ends."""

    def __init__(self, plan: _Plan, flows: Sequence[Flow]) -> None:
        self.plan = plan
        self.lanes: dict[tuple[int, str], float] = {}
        self.odd: set[int] = set()
        self.ports: dict[tuple[int, str], float] = {}
        for site in plan.sites:
            passing = sorted((flow for flow in flows if site in flow.sites), key=lambda flow, at=site: self._order(flow, at))  # type: ignore[misc]
            for place, flow in enumerate(passing):
                self.lanes[flow.number, site] = plan.middle(site) + (place - (len(passing) - 1) / 2) * LANE
                if place % 2:
                    self.odd.add(flow.number)
        for name, box in plan.boxes.items():
            ends = sorted((self._lane_near(flow, name), flow.number) for flow in flows if name in (flow.sender, flow.receiver))
            for place, (_, number) in enumerate(ends):
                self.ports[number, name] = box.x + (place + 1) / (len(ends) + 1) * BOX - BOX / 2

    def _order(self, flow: Flow, site: str) -> tuple[float, int]:
        """Lanes in the order of where flows come from or go to cross least."""
        others = [one for one in flow.sites if one != site]
        if others:
            return self.plan.middle(others[0]), flow.number
        boxes = [self.plan.boxes[end] for end in (flow.sender, flow.receiver) if end in self.plan.boxes]
        return min(((box.y, box.x) for box in boxes), default=(0.0, self.plan.left(site)))[1], flow.number

    def _lane_near(self, flow: Flow, host: str) -> float:
        return self.lanes[flow.number, flow.sites[0] if host == flow.sender else flow.sites[-1]]

    def inside(self, host: str) -> bool:
        """Whether a host is a private one."""
        return host in self.plan.boxes and self.plan.boxes[host].y == HOSTS

    def points(self, flow: Flow) -> list[tuple[float, float]]:
        """The flow's way as points to be joined by vertical curves, from sender to receiver."""
        here, there = self.lanes[flow.number, flow.sites[0]], self.lanes[flow.number, flow.sites[-1]]
        points = [self._end(flow, flow.sender, here)]
        if len(flow.sites) > 1:
            points += [(here, FIREWALL + TALL), (here, EXTERNAL), (there, EXTERNAL)]
            if flow.refused:
                return [*points, (there, FIREWALL)]
            points.append((there, FIREWALL + TALL))
        elif self.inside(flow.sender):
            points.append((here, FIREWALL + TALL))
            if flow.refused:
                return points
            points.append((here, GATEWAY))
        else:
            points += [(here, GATEWAY)] if flow.sender in self.plan.boxes else []
            if flow.refused:
                return [*points, (here, FIREWALL)]
            if flow.receiver.startswith(CLUSTER):
                return [*points, (here, FIREWALL + TALL / 2)]
            points.append((here, FIREWALL + TALL))
        return [*points, self._end(flow, flow.receiver, there)]

    def _end(self, flow: Flow, host: str, lane: float) -> tuple[float, float]:
        box = self.plan.boxes.get(host)
        if box is None:
            return lane, GATEWAY + TALL / 2
        return self.ports[flow.number, host], box.y if box.y == HOSTS else box.y + TALL


def _flow(drawing: Drawing, ways: _Ways, flow: Flow, said: Language) -> None:
    points = ways.points(flow)
    tunnel = len(flow.sites) > 1
    words = f"{flow.number}: {name_of(flow.sender, said)} {flow.sign} {name_of(flow.receiver, said)}"
    look = f"flow v-{flow.verdict.replace(' ', '-')}{' refused' if flow.refused else ''}"
    way = _curve(points, arched=tunnel)
    if flow.sender not in ways.plan.boxes:
        (x, y), (_, end) = points
        edge = ways.plan.left(flow.sites[0]) + BOX
        way = f"M{edge:.1f} {y:.1f}H{x - 10:.1f}Q{x:.1f} {y:.1f} {x:.1f} {y + 10:.1f}V{end:.1f}"
    if tunnel and not flow.refused:
        drawing.path(way, "tunnel")
    drawing.path(way, look, title=words)
    if flow.refused:
        x, y = points[-1]
        drawing.line(x - 6, y, x + 6, y, f"{look} bar")
        return
    for (x, y), (_, before) in [(points[-1], points[-2]), *([(points[0], points[1])] if tunnel else [])]:
        back = 7 if y < before else -7
        drawing.path(f"M{x - 4:.1f} {y + back:.1f}L{x:.1f} {y:.1f}L{x + 4:.1f} {y + back:.1f}", f"{look} head")


def _curve(points: Sequence[tuple[float, float]], *, arched: bool) -> str:
    (x, y), *rest = points
    way = f"M{x:.1f} {y:.1f}"
    for next_x, next_y in rest:
        if arched and y == next_y == EXTERNAL:
            top = INTERNET + 40
            way += f"C{x:.1f} {top:.1f} {x:.1f} {top:.1f} {(x + next_x) / 2:.1f} {top:.1f}"
            way += f"S{next_x:.1f} {top:.1f} {next_x:.1f} {next_y:.1f}"
        elif x == next_x:
            way += f"V{next_y:.1f}"
        else:
            half = (y + next_y) / 2
            way += f"C{x:.1f} {half:.1f} {next_x:.1f} {half:.1f} {next_x:.1f} {next_y:.1f}"
        x, y = next_x, next_y
    return way


def _badge(drawing: Drawing, ways: _Ways, flow: Flow) -> None:
    """The flow's number, in its lane above or below the firewall, where lanes are apart."""
    x = ways.lanes[flow.number, flow.sites[0]]
    top = FIREWALL + TALL + 15 if ways.inside(flow.sender) else EXTERNAL + 14
    y = top + (17 if flow.number in ways.odd else 0)
    drawing.circle(x, y, 7.5, f"badge v-{flow.verdict.replace(' ', '-')}")
    drawing.text(x, y + 3.4, str(flow.number), "badge-number", anchor="middle")
