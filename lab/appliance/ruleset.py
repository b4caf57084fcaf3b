"""A filter and NAT slot as one nft file, which replaces the running one at once: sessions live on, no packet slips by.

The policy is evaluated in prerouting, on addresses before NAT, for what comes to the firewall and for what goes through
it (sns.md 1.6): established sessions, then implicit rules, then the slot, first match. The rule that lets a
connection pass is kept in the connection's mark, and the NAT hooks translate by the mark.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from lab.appliance import counters, marks, matches, nat, routed, spoofing
from lab.appliance.errors import Refused
from lab.appliance.matches import Match
from lab.appliance.proxies import proxies_of
from sns.implicit import FIREWALL, ImplicitRule
from sns.implicit import rules as implicit_rules
from sns.model import Configuration, Finding, Rule, Severity
from sns.resolution import Resolver

LOG_GROUP = 1
"""The netfilter log group that :mod:`lab.appliance.filterlog` reads."""

_HEAD = "table ip sns\ndelete table ip sns\n"
_MUTUAL = ("HA", "Vpn")  # implicit rules between two ends that both begin
_MIDSTREAM = "tcp flags & (fin|syn|rst|ack) != syn"


def translate(configuration: Configuration) -> str:
    """The nft file of the active slot. Raises Refused (a translation that cannot be simulated), ResolutionError."""
    return Translation(configuration).text()


def everything_passes() -> str:
    """The nft file of ``enfilter off``: everything passes, nothing is translated."""
    return _HEAD


def nothing_passes() -> str:
    """The nft file of a start: until the policy is loaded nothing comes in, nor goes through."""
    hook = "type filter hook prerouting priority mangle; policy drop;"
    return f"{_HEAD}table ip sns {{\nchain evaluation {{\n{hook}\n}}\n}}\n"


class Translation:
    """One configuration on its way to nft."""

    def __init__(self, configuration: Configuration) -> None:
        self.configuration = configuration
        self.resolver = Resolver(configuration)
        self.policy = configuration.policy
        self.filter = tuple(rule for rule in self.policy.filter if rule.enabled and _understood(rule))
        self.nat = tuple(rule for rule in self.policy.nat if rule.enabled and _understood(rule))
        everything = implicit_rules(configuration, self.resolver)
        self.implicit = tuple(rule for rule in everything if rule.interfaces != (FIREWALL,))
        self.implicit_own = tuple(rule for rule in everything if rule.interfaces == (FIREWALL,))  # see _own_policy
        self.proxies = proxies_of(configuration, self.resolver)
        for rule in (*self.filter, *self.nat):
            if rule.number > (most := marks.MOST_RULES[rule.section]):
                message = f"more than {most} rules in a slot are not simulated"
                raise Refused((Finding(Severity.ERROR, rule.location, "rule", message, "use fewer rules"),))

    def text(self) -> str:
        """The whole file."""
        known = self.configuration, self.resolver
        body = [
            *(f"counter {name} {{ }}" for name in self._counters()),
            *_chain("antispoof", "type filter hook prerouting priority raw", self._antispoof()),
            *_chain("evaluation", "type filter hook prerouting priority mangle", self._policy()),
            *_chain("translate", "", self._translate()),
            *_chain("own_translate", "", self._translate("oifname")),
            *_chain("own_evaluation", "type filter hook output priority mangle", self._own_policy()),
            *_chain("destination", "type nat hook prerouting priority dstnat", self._destination()),
            *_chain("own_destination", "type nat hook output priority -100", self._translated_destination()),
            *_chain("source", "type nat hook postrouting priority srcnat", self._source()),
            *_chain("discarded", "type filter hook prerouting priority -99", routed.discarded(*known)),
            *_chain("departing", "type filter hook postrouting priority filter", routed.departing(*known)),
            *_chain("proxies", "type filter hook input priority filter", self._guard_proxies()),
        ]
        return f"{_HEAD}table ip sns {{\n" + "\n".join(body) + "\n}\n"

    def _counters(self) -> Iterable[str]:
        names = [counters.ANTISPOOF, counters.INVALID, counters.FIREWALL_DEFAULT, counters.DEFAULT]
        names += [counters.of_implicit(rule.token) for rule in (*self.implicit, *self.implicit_own)]
        names += [counters.of_rule(rule, self.policy.slot) for rule in (*self.filter, *self.nat)]
        names += routed.names(self.configuration)
        return dict.fromkeys(names)

    def _antispoof(self) -> Iterator[str]:
        yield from spoofing.rules(self.configuration, self.resolver)

    def _policy(self) -> Iterator[str]:
        yield 'iifname "lo" accept'
        yield "ct state established,related accept"
        yield f'ct state invalid counter name "{counters.INVALID}" drop'
        yield f'{_MIDSTREAM} counter name "{counters.INVALID}" drop'  # a session nobody saw the beginning of
        for hidden in self.implicit:
            yield from self._implicit_rule(hidden)
        for rule in self.filter:
            yield from self._filter_rule(rule)
        yield f'counter name "{counters.DEFAULT}" drop'

    def _own_policy(self) -> Iterator[str]:
        """What the firewall itself sends; its way is known already. Without ``FwDefault`` the slot decides, as for others.

        It may then still call who may call it by the implicit rules of HA and the VPN: the product cannot do without either.
        """
        translate = "goto own_translate"
        yield 'oifname "lo" accept'
        yield "ct state established,related accept"
        if self.implicit_own:
            yield f'counter name "{counters.of_implicit(self.implicit_own[0].token)}" {translate}'
            return
        for hidden in self.implicit:
            if hidden.token in _MUTUAL:
                called = replace(hidden, interfaces=None, sources=hidden.destinations, destinations=hidden.sources)
                yield from self._implicit_rule(called, translate)
        for rule in self.filter:
            yield from self._filter_rule(rule, translate, "oifname")
        yield f'counter name "{counters.FIREWALL_DEFAULT}" drop'

    def _implicit_rule(self, rule: ImplicitRule, translate: str = "goto translate") -> Iterator[str]:
        count = f'counter name "{counters.of_implicit(rule.token)}"'
        for match in matches.of_implicit(rule, self.configuration, self.resolver):
            yield from _verdict(match, rule.action, (count,), passed=translate)

    def _filter_rule(
        self, rule: Rule, translate: str = "goto translate", departure: str = "fib daddr oifname"
    ) -> Iterator[str]:
        statements = self._statements(rule)
        passed = f"{marks.remember(rule)} {'accept' if rule.translation else translate}"
        for match in matches.of_rule(rule, self.configuration, self.resolver, departure):
            yield from _verdict(match, rule.action, statements, passed=passed)

    def _statements(self, rule: Rule) -> tuple[str, ...]:
        count = f'counter name "{counters.of_rule(rule, self.policy.slot)}"'
        if not rule.log and rule.action != "log":
            return (count,)
        prefix = f"rule=Filter/{self.policy.slot:02d}:{rule.location.line} action={rule.action} "
        return count, f'log prefix "{prefix}" group {LOG_GROUP}'

    def _translate(self, departure: str = "fib daddr oifname") -> Iterator[str]:
        for rule in self.nat:
            wanted = rule.translation
            only_source = wanted is not None and wanted.destination is None and wanted.source is not None
            untaken = (marks.NOT_IN_TUNNEL,) if only_source else ()
            keep = () if wanted is None else (marks.remember(rule),)
            for match in matches.of_rule(rule, self.configuration, self.resolver, departure):
                yield match.rule(*untaken, *self._statements(rule), *keep, "accept")
        yield "accept"

    def _destination(self) -> Iterator[str]:
        for proxy in self.proxies:
            yield f"{marks.remembered(proxy.rule)} tcp dport {proxy.matched} redirect to :{proxy.port}"
        yield from self._translated_destination()

    def _translated_destination(self) -> Iterator[str]:
        for rule in (*self.filter, *self.nat):
            yield from nat.destination(rule, self.resolver)

    def _source(self) -> Iterator[str]:
        yield f"ct mark & {marks.IN_TUNNEL:#x} != 0 accept"
        for rule in (*self.filter, *self.nat):
            yield from nat.source(rule, self.resolver)

    def _guard_proxies(self) -> Iterator[str]:
        ports = sorted({proxy.port for proxy in self.proxies})
        if ports:
            listed = ", ".join(map(str, ports))
            yield f'iifname != "lo" tcp dport {{ {listed} }} ct status & dnat != dnat drop'


def _understood(rule: Rule) -> bool:
    """Whether the rule may be translated: one that passes, or only notes, must not do so for more than it says."""
    return not rule.unmodelled or rule.action in ("block", "reset")


def _verdict(match: Match, action: str, statements: tuple[str, ...], *, passed: str) -> Iterator[str]:
    """The nft rules of one action. ``decrypt`` and ``deleg``, unsupported, do nothing; the reader has told so."""
    if action == "pass":
        yield match.rule(*statements, passed)
    elif action == "block":
        yield match.rule(*statements, "drop")
    elif action == "log":
        yield match.rule(*statements)
    elif action == "reset":
        if match.protocol in (None, matches.TCP):
            alone = () if match.protocol == matches.TCP else ("meta l4proto tcp",)
            yield match.rule(*alone, *statements, "reject with tcp reset")
        if match.protocol in (None, matches.UDP):
            alone = () if match.protocol == matches.UDP else ("meta l4proto udp",)
            yield match.rule(*alone, *statements, "reject with icmp port-unreachable")
        if match.protocol not in (matches.TCP, matches.UDP):
            yield match.rule(*statements, "drop")  # the product answers TCP and UDP only


def _chain(name: str, hook: str, rules: Iterable[str]) -> Iterator[str]:
    yield f"chain {name} {{"
    if hook:
        yield f"{hook}; policy accept;"
    yield from rules
    yield "}"
