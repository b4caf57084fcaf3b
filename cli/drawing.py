"""A running lab as text: the Internet above, a column per site below it, every interface with its addresses."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from lab.topology import Host, Nic, Segment, Topology

NARROWEST = 41  # characters of a site's column; two of them and the gap fit on a 90-column terminal
GAP = 3


@dataclass(frozen=True, slots=True)
class Live:
    """What only the running lab knows: addresses by (host, interface), and a word about a host (``active``)."""

    addresses: Mapping[tuple[str, str], Sequence[str]]
    notes: Mapping[str, str]


def draw(topology: Topology, live: Live, *, columns: int = 2) -> str:
    """The whole drawing, ``columns`` sites side by side."""
    segments = {segment.name: segment for segment in topology.segments}
    sites = list(dict.fromkeys(host.site for host in topology.hosts if host.site))
    outside = [host for host in topology.hosts if not host.site]
    blocks = [_site(site, topology, segments, live) for site in sites]
    lines = [*_internet(outside, live), ""]
    for first in range(0, len(blocks), columns):
        lines += _beside(blocks[first : first + columns])
        lines.append("")
    return "\n".join(line.rstrip() for line in lines)


def _internet(hosts: Iterable[Host], live: Live) -> list[str]:
    lines = ["Internet"]
    for host in hosts:
        lines += [f"  {host.name:<12} {_address(host, nic, live)}" for nic in host.nics]
    return lines


def _site(site: str, topology: Topology, segments: Mapping[str, Segment], live: Live) -> list[str]:
    """One column: the segments of a site from the outside in, and under each who is plugged into it."""
    hosts = [host for host in topology.hosts if host.site == site]
    distance = sum(item.seconds for item in topology.distances if item.region == hosts[0].nics[0].region)
    title = f"{site}" + (f"  ({distance * 2000:g} ms from {topology.regions[0]} and back)" if distance else "")
    lines = [title]
    for name in _segments_of(hosts, segments):
        lines.append(_segment_title(segments[name]))
        plugged = [(host, nic) for host in hosts for nic in host.nics if _meets(nic, segments[name])]
        for place, (host, nic) in enumerate(plugged):
            stem = "└─" if place == len(plugged) - 1 else "├─"
            note = live.notes.get(host.name, "") if nic is host.nics[0] else ""
            lines.append(f" {stem} {host.name:<15} {_address(host, nic, live)}{'  ' + note if note else ''}")
    return [title, "─" * max(NARROWEST, *map(len, lines)), *lines[1:]]


def _segments_of(hosts: Sequence[Host], segments: Mapping[str, Segment]) -> list[str]:
    """The segments that a site touches: plain ones first, then the vRack by VLAN."""
    touched = {name for name, segment in segments.items() for host in hosts for n in host.nics if _meets(n, segment)}
    return sorted(touched, key=lambda name: (segments[name].vlan is not None, segments[name].vlan or 0))


def _meets(nic: Nic, segment: Segment) -> bool:
    return segment.vlan in nic.trunk if nic.trunk else nic.segment == segment.name


def _segment_title(segment: Segment) -> str:
    if segment.vlan is None:
        return segment.name
    return "vRack, untagged" if segment.vlan == 0 else f"vRack, VLAN {segment.vlan}"


def _address(host: Host, nic: Nic, live: Live) -> str:
    addresses = live.addresses.get((host.name, nic.name), ())
    tagged = " (tagged port)" if nic.trunk else ""
    return (" ".join(addresses) or "no address") + tagged


def _beside(blocks: Sequence[list[str]]) -> list[str]:
    """Columns as wide as what stands in them: the rule under a title is as long as the longest line."""
    height = max(len(block) for block in blocks)
    padded = [[*block, *[""] * (height - len(block))] for block in blocks]
    widths = [len(block[1]) + GAP for block in blocks]
    return ["".join(f"{line:<{width}}" for line, width in zip(row, widths, strict=True)) for row in zip(*padded, strict=True)]
