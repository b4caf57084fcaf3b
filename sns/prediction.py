"""What the firewall does with the first packet of a connection: which rules apply, and what leaves where.

The order is the product's (sns.md 1.6, 2): anti-spoofing, what belongs to no connection, implicit rules, then the active
slot's filter rules, first match, on the addresses that the packet arrives with; then translation, the filter rule's own
``->`` before ``[NAT]``; then the way out. ``log`` and ``decrypt`` do not end the evaluation.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from ipaddress import IPv4Address
from typing import Literal, NamedTuple, TypeAlias

from . import implicit
from .errors import ServiceMismatch
from .implicit import FIREWALL, ImplicitRule
from .model import Configuration, Operand, Rule, Translation
from .paths import IPSEC, SSL_VPN, Paths, Way
from .resolution import PortRange, Resolver

Verdict: TypeAlias = Literal["pass", "block", "reset"]

_ALIASES = {"esp": "vpn-esp", "ah": "vpn-ah"}
ICMP_REQUESTS = frozenset({8, 13, 15, 17})
"""The ICMP types that begin something (RFC 792, RFC 950): echo, timestamp, information and address mask requests."""
_NOT_FINAL = ("log", "decrypt", "deleg")


@dataclass(frozen=True, slots=True)
class Flow:
    """The first packet of a connection, as it arrives.

    ``arrival`` is an interface's user name, ``ipsec``, ``sslvpn``, or ``firewall`` for what the firewall itself sends.
    ``protocol`` is ``tcp``, ``udp``, ``icmp``, ``esp``, any name of ``[Protocol]``, or a number. A port of None is one
    that no rule knows: it matches only rules without constraint on it.
    """

    arrival: str
    source: IPv4Address
    destination: IPv4Address
    protocol: str
    source_port: int | None = None
    destination_port: int | None = None
    icmp_type: int | None = None

    def __str__(self) -> str:
        ends = [
            f"{address}:{port}" if port is not None else str(address)
            for address, port in ((self.source, self.source_port), (self.destination, self.destination_port))
        ]
        return f"{self.protocol} {ends[0]} -> {ends[1]}, in by {self.arrival}"


@dataclass(frozen=True, slots=True)
class Prediction:
    """What becomes of a flow. ``certain`` is False when a rule on the way has words that this model leaves out;
    such a rule still refuses, and does not let pass. One that is finer than a flow does neither: without a doubt is then
    only what the rules below it refuse as it would.

    ``translated`` is the flow as it leaves (as it arrived, when refused); its ``source_port`` is None when translation
    draws it from a range. ``where`` is the deciding line (``sbg7/Filter/05:14``), "" when no rule decides.
    """

    verdict: Verdict
    rule: Rule | ImplicitRule | None
    nat_rule: Rule | None
    translated: Flow
    departure: str | None
    reason: str
    where: str
    certain: bool = True


def predict(configuration: Configuration, flow: Flow) -> Prediction:
    """What ``configuration`` does with ``flow``; for many flows make one :class:`Predictor`.

    Raises UnknownInterface for a flow from nowhere, KeyError when the active slot has no file, and ResolutionError when
    a rule on the way names what cannot be resolved (both also error findings of the reader).
    """
    return Predictor(configuration).predict(flow)


class _Translated(NamedTuple):
    flow: Flow
    way: Way
    rule: Rule | None
    certain: bool


class Predictor:
    """Predictions for one configuration, which keeps what it has resolved."""

    def __init__(self, configuration: Configuration) -> None:
        self._configuration = configuration
        self._resolver = Resolver(configuration)
        self._paths = Paths(configuration, self._resolver)
        self._implicit = implicit.rules(configuration, self._resolver)
        self._names: dict[str, str] = {}  # a configuration never changes, and each rule asks for them

    def predict(self, flow: Flow) -> Prediction:
        """See :func:`predict`."""
        refusal = self._paths.refusal(flow.arrival, flow.source, flow.destination)
        if refusal is None and unsolicited(flow):
            refusal = f"unsolicited: no connection begins with ICMP type {flow.icmp_type}"
        if refusal is not None:
            return Prediction("block", None, None, flow, None, refusal, "")
        for hidden in self._implicit:
            if self._matches_implicit(hidden, flow):
                reason = f"implicit rule {hidden.token}: {hidden.description}"
                return self._decided(flow, hidden, hidden.action, reason, True)
        return self._by_slot(flow)

    def _by_slot(self, flow: Flow) -> Prediction:
        certain = True
        possible: set[str] = set()
        for rule in self._configuration.policy.filter:
            if not rule.enabled or not self._matches(rule, flow):
                continue
            certain = certain and not rule.unmodelled
            if rule.action in _NOT_FINAL or _overreaches(rule):
                continue
            if rule.finer:
                possible.add(rule.action)
                continue
            reason = f"filter rule {rule.number}: {rule.text}"
            certain = certain and (not possible or possible == {rule.action} != {"pass"})
            return self._decided(flow, rule, rule.action, reason, certain)
        reason = "no rule describes it: refused and not logged"
        return Prediction("block", None, None, flow, None, reason, "", certain and possible <= {"block"})

    def _decided(self, flow: Flow, rule: Rule | ImplicitRule, action: str, reason: str, certain: bool) -> Prediction:
        where = self._configuration.where(rule.location)
        if action != "pass":
            verdict: Verdict = "reset" if action == "reset" else "block"
            return Prediction(verdict, rule, None, flow, None, reason, where, certain)
        translated = self._translate(flow, rule if isinstance(rule, Rule) else None)
        certain = certain and translated.certain
        if translated.way.departure is None:
            reason = f"{reason}; but {translated.way.reason}"
            return Prediction("block", rule, translated.rule, translated.flow, None, reason, where, certain)
        return Prediction("pass", rule, translated.rule, translated.flow, translated.way.departure, reason, where, certain)

    # translation

    def _translate(self, flow: Flow, rule: Rule | None) -> _Translated:
        gateway = rule.route if rule else None
        found, certain = (rule, True) if rule and rule.translation else self._nat_rule(flow, gateway)
        if found is None or found.translation is None:
            return _Translated(flow, self._paths.way(flow.source, flow.destination, gateway), found, certain)
        changed, sure = self._change(flow, found, found.translation)
        way = self._paths.way(flow.source, changed.destination, gateway)
        if way.departure == IPSEC:
            # Tunnels select on untranslated sources: translating before them needs ``beforevpn``, not modelled.
            changed = replace(changed, source=flow.source, source_port=flow.source_port)
        return _Translated(changed, way, found, certain and sure)

    def _nat_rule(self, flow: Flow, gateway: str | None) -> tuple[Rule | None, bool]:
        """The first matching ``[NAT]`` rule, and whether none before it was left out for words that are not judged.

        One that only changes the source has no hold on what a tunnel takes.
        """
        certain = True
        tunnelled = self._paths.way(flow.source, flow.destination, gateway).departure == IPSEC
        for rule in self._configuration.policy.nat:
            if not rule.enabled or not self._matches(rule, flow, gateway):
                continue
            translation = rule.translation
            only_source = translation is not None and translation.destination is None and translation.source is not None
            if tunnelled and only_source:
                continue
            if not rule.unjudged:
                return rule, certain
            certain = False
        return None, certain

    def _change(self, flow: Flow, rule: Rule, translation: Translation) -> tuple[Flow, bool]:
        certain = True
        if translation.source is not None:
            mapped, sure = self._mapped(flow.source, rule.source, translation.source)
            flow, certain = replace(flow, source=mapped), certain and sure
        if translation.source_port is not None:
            flow = replace(flow, source_port=self._one_port(flow, translation.source_port))
        if translation.destination is not None:
            mapped, sure = self._mapped(flow.destination, rule.destination, translation.destination)
            flow, certain = replace(flow, destination=mapped), certain and sure
        if translation.destination_port is not None:
            port = self._one_port(flow, translation.destination_port)
            certain = certain and (port is not None or flow.destination_port is None)
            flow = replace(flow, destination_port=port)
        return flow, certain

    def _mapped(self, address: IPv4Address, original: Operand, name: str) -> tuple[IPv4Address, bool]:
        """The address after translation to ``name``, and whether there is no other possibility."""
        target = self._resolver.addresses(name).ranges()
        if not target:
            return address, False
        if len(target) == 1 and target[0][0] == target[0][1]:
            return target[0][0], True
        before, after = self._resolver.addresses(original).networks(), self._resolver.addresses(name).networks()
        if len(before) == len(after) == 1 and before[0].prefixlen == after[0].prefixlen:
            offset = int(address) - int(before[0].network_address)  # a network for a network, address by address
            return after[0].network_address + offset, True
        return target[0][0], False

    def _one_port(self, flow: Flow, service: str) -> int | None:
        """The port that a flow gets, None when drawn from a range; flows without ports keep having none."""
        protocol = flow.protocol.lower()
        if protocol not in ("tcp", "udp"):
            return None
        ports = [port for port in self._resolver.services(service) if port.protocol == protocol]
        return ports[0].first if len(ports) == 1 and ports[0].first == ports[0].last else None

    # matching

    def _matches_implicit(self, rule: ImplicitRule, flow: Flow) -> bool:
        if rule.interfaces is not None and self._name(flow.arrival) not in map(self._name, rule.interfaces):
            return False
        return (
            self._same_protocol(rule.ip_protocol, flow.protocol)
            and flow.source in rule.sources
            and flow.destination in rule.destinations
            and (not rule.ports or _in_ports(rule.ports, flow.protocol, flow.destination_port))
        )

    def _matches(self, rule: Rule, flow: Flow, gateway: str | None = None) -> bool:
        return (
            self._matches_way(rule, flow, gateway)
            and self._matches_kind(rule, flow)
            and self._matches_ports(rule, flow)
            and self._contains(rule.source, flow.source)
            and self._contains(rule.destination, flow.destination)
        )

    def _matches_way(self, rule: Rule, flow: Flow, gateway: str | None) -> bool:
        if rule.source_interface and self._name(rule.source_interface) != self._name(flow.arrival):
            return False
        if rule.via is not None:
            tunnel = flow.arrival.lower() if flow.arrival.lower() in (IPSEC, SSL_VPN) else "none"
            if rule.via != tunnel:
                return False
        if rule.destination_interface:
            departure = self._paths.way(flow.source, flow.destination, rule.route or gateway).departure
            return departure is not None and self._name(rule.destination_interface) == self._name(departure)
        return True

    def _matches_kind(self, rule: Rule, flow: Flow) -> bool:
        return self._same_protocol(rule.ip_protocol, flow.protocol) and rule.icmp_type in (None, flow.icmp_type)

    def _matches_ports(self, rule: Rule, flow: Flow) -> bool:
        for operand, port in ((rule.source_port, flow.source_port), (rule.destination_port, flow.destination_port)):
            if operand.is_any:
                continue
            try:
                ports = self._resolver.services(operand, rule.ip_protocol)
            except ServiceMismatch:
                return False
            if ports and not _in_ports(ports, flow.protocol, port):
                return False
        return True

    def _contains(self, operand: Operand, address: IPv4Address) -> bool:
        inside = any(address in self._resolver.addresses(name) for name in operand.names)
        return inside is not operand.negated

    def _same_protocol(self, wanted: str | None, actual: str) -> bool:
        if wanted is None:
            return True
        actual = _ALIASES.get(actual.lower(), actual)
        return self._resolver.protocol_number(wanted) == self._resolver.protocol_number(actual)

    def _name(self, name: str) -> str:
        if name not in self._names:
            interface = self._configuration.interface(name)
            self._names[name] = interface.name.lower() if interface else name.lower()
        return self._names[name]


def unsolicited(flow: Flow) -> bool:
    """Whether it is an ICMP answer or error without the connection that it would belong to; the firewall's own may be."""
    return flow.arrival != FIREWALL and flow.icmp_type is not None and flow.icmp_type not in ICMP_REQUESTS


def _overreaches(rule: Rule) -> bool:
    """Whether taking the rule at its understood words would let pass more than it says: then it is left out."""
    return bool(rule.unmodelled) and rule.action not in ("block", "reset")


def _in_ports(ports: tuple[PortRange, ...], protocol: str, port: int | None) -> bool:
    return port is not None and any(each.protocol == protocol.lower() and port in each for each in ports)
