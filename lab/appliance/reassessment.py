"""Established connections under another policy: each is judged as if it began now, and those that are refused end.

The product does so at once when a policy is applied, and on the passive member after a synchronisation ("synchronous
reloading", the default: documentation.stormshield.eu, SNS v5, "Asynchronous filtering reload"). What ends here ends on the
other member too: the exchange of sessions tells it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address

from lab.appliance import programs
from lab.appliance.errors import ProgramFailed
from sns.model import Configuration
from sns.paths import Paths
from sns.prediction import Flow, Predictor
from sns.resolution import Resolver

_ATTEMPTS = 5  # at connections of which some end by themselves
_PAIRS = re.compile(r"(src|dst|sport|dport|type)=(\S+)")


@dataclass(frozen=True, slots=True)
class Connection:
    """A connection as its first packet was: before translation."""

    protocol: str
    source: IPv4Address
    destination: IPv4Address
    source_port: int | None = None
    destination_port: int | None = None
    icmp_type: int | None = None

    @property
    def deletion(self) -> str:
        """The words of ``conntrack`` that end it."""
        words = f"-D -p {self.protocol} --orig-src {self.source} --orig-dst {self.destination}"
        if self.icmp_type is not None:
            return f"{words} --icmp-type {self.icmp_type}"
        return f"{words} --sport {self.source_port} --dport {self.destination_port}"


def reassess(configuration: Configuration) -> int:
    """End what the active policy refuses; how many connections that were. Raises ProgramFailed, ResolutionError."""
    judge, most = _Judge(configuration), 0
    for attempt in range(1, _ATTEMPTS + 1):
        refused = [one for one in listed(programs.run(("conntrack", "-L"))) if judge.refuses(one)]
        most = max(most, len(refused))
        try:
            if refused:
                programs.run(("conntrack", "-R", "-"), given="".join(f"{one.deletion}\n" for one in refused))
            break
        except ProgramFailed:  # at the first that has ended by itself meanwhile: those after it are still there
            if attempt == _ATTEMPTS:
                raise
    return most


def listed(table: str) -> Iterator[Connection]:
    """The connections in what ``conntrack -L`` prints, as they began; protocols without ports or types are left out."""
    for line in table.splitlines():
        words = dict(reversed(_PAIRS.findall(line)))  # the first of each is the original direction's
        protocol = line.split(maxsplit=1)[0]
        if protocol in ("tcp", "udp"):
            ports = int(words["sport"]), int(words["dport"])
            yield Connection(protocol, IPv4Address(words["src"]), IPv4Address(words["dst"]), *ports)
        elif protocol == "icmp":
            yield Connection(protocol, IPv4Address(words["src"]), IPv4Address(words["dst"]), icmp_type=int(words["type"]))


class _Judge:
    """One configuration's word on many connections."""

    def __init__(self, configuration: Configuration) -> None:
        resolver = Resolver(configuration)
        self._own = resolver.own_addresses()
        self._paths = Paths(configuration, resolver)
        self._predictor = Predictor(configuration)

    def refuses(self, connection: Connection) -> bool:
        """Whether the connection might not begin now. In doubt it goes on: what the firewall itself sends, and what comes
        from where no way leads back.
        """
        if connection.source.is_loopback or connection.source in self._own:
            return False
        arrival = self._paths.way(connection.destination, connection.source).departure
        if arrival is None:
            return False
        flow = Flow(
            arrival,
            connection.source,
            connection.destination,
            connection.protocol,
            connection.source_port,
            connection.destination_port,
            connection.icmp_type,
        )
        predicted = self._predictor.predict(flow)
        return predicted.verdict != "pass" and predicted.certain
