"""Never an address answered by two MACs, and never one answered from two ports for longer than the bound."""

from __future__ import annotations

from collections.abc import Callable, Collection
from ipaddress import IPv4Address

from lab.invariants.forwarding import TOGETHER
from lab.invariants.questions import ASKED_EVERY
from lab.invariants.turns import Left, Overlaps, Turns
from lab.invariants.violation import Violation
from lab.invariants.wires import Said

TWO_MACS = "an address has two MACs"
TWO_PORTS = "an address is answered from two ports"


class OneMac:
    """Takes all that is claimed by ARP on the data segments, by whoever, for the ``addresses`` of the pair."""

    name = TWO_MACS

    def __init__(self, addresses: Collection[IPv4Address]) -> None:
        self._wanted = {str(address) for address in addresses}
        self._first: dict[str, tuple[str, Said]] = {}
        self._told: set[tuple[str, str]] = set()
        self.violations: list[Violation] = []

    def take(self, said: Said) -> None:
        """One frame more."""
        if (claim := said.claim) is None or claim[0] not in self._wanted:
            return
        address, mac = claim
        first, before = self._first.setdefault(address, (mac, said))
        if mac == first or (address, mac) in self._told:
            return
        self._told.add((address, mac))
        hosts = tuple(dict.fromkeys((before.host, said.host)))
        what = f"{address} is at {first} and at {mac}"
        self.violations.append(Violation(self.name, 0, said.at, 0, hosts, what, (str(before), str(said))))


class OnePort:
    """Takes what the members answer by ARP, each address for itself."""

    name = TWO_PORTS

    def __init__(self, left: Left, bound: Callable[[float], float]) -> None:
        self._left, self._bound = left, bound
        self._by_address: dict[str, Turns] = {}

    @property
    def violations(self) -> list[Violation]:
        """Of all addresses."""
        return [violation for turns in self._by_address.values() for violation in turns.violations]

    def take(self, said: Said) -> None:
        """One frame more."""
        if (claim := said.claim) is None:
            return
        address = claim[0]
        if address not in self._by_address:
            overlaps = Overlaps(2 * ASKED_EVERY + TOGETHER, self._left)
            self._by_address[address] = Turns(self.name, f"answered for {address}", overlaps, self._bound)
        self._by_address[address].take(said)
