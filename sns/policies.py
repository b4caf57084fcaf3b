"""Filter and NAT slots, their choice, the options of implicit rules, and the filters of names (sns.md 1.6)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from .ini import Line, Section
from .model import (
    Configuration,
    ImplicitOptions,
    Location,
    NameFilterRule,
    Policy,
    Rule,
    Separator,
)
from .reading import Reading
from .resolution import Resolver
from .rules import parse_rule
from .settings import Settings

SLOTS = tuple(f"{number:02d}" for number in range(11))
FILTERING_SLOTS = tuple(f"{number:02d}" for number in range(10))

_OFF_BY_DEFAULT = ("serverd",)  # every other token is 1 in the 3.9 file (sns.md 1.6)
IMPLICIT_DEFAULTS: Mapping[str, bool] = {
    name: name not in _OFF_BY_DEFAULT
    for name in (
        "pptp", "ha", "vpn", "dns", "dialup", "ident", "serverd", "sshd", "authportal", "webadmin", "bootps", "sslvpn",
        "rtadv", "dhcp6", "ipfix",
    )
}  # fmt: skip
_LATER_TOKENS = ("multicast", "certreqd")  # 4.8
_CONFIG_SILENT = ("optimize", "plugin", "ipstate")


class SlotInfo(NamedTuple):
    """``slotinfo``: the active slot, names of slots, and where the choice stands."""

    active: int
    names: Mapping[int, str]
    location: Location


def read_slotinfo(reading: Reading, folder: str, default: int) -> SlotInfo | None:
    """``<folder>/slotinfo``; None when the file is missing. ``default`` is the active slot when none is given."""
    file = f"{folder}/slotinfo"
    document = reading.document(file, ("global", *SLOTS))
    if document is None:
        return None
    settings = Settings(reading, document.section("global"), ("active",), ("sync",))
    if "Active" not in settings:
        reading.error(settings.location, "Active", "is missing", "name the slot to use, as Active=5")
    active = settings.number("Active", default, 0, 10)
    names = {}
    for section in document.sections:
        if section.name in SLOTS:
            slot = Settings(reading, section, ("name",), ("comment",), {"time": ("",), "days": ("",)})
            names[int(section.name)] = slot.text("Name")
    return SlotInfo(active, names, settings.where("Active"))


class Policies(NamedTuple):
    """What ``Filter/`` says."""

    slots: Mapping[int, Policy]
    active: int
    implicit: ImplicitOptions


def read_policies(reading: Reading) -> Policies:
    """All slots of ``Filter/``, the active one's number, and the options of the implicit rules."""
    info = read_slotinfo(reading, "Filter", 0)
    if info is None:
        location = Location("Filter/slotinfo", 1)
        reading.error(location, "file", "is missing", "it names the active filter slot: [Global] Active=5")
        info = SlotInfo(0, {}, location)
    slots: dict[int, Policy] = {}
    for name in SLOTS:
        policy = _policy(reading, name, info)
        if policy is not None:
            slots[int(name)] = policy
    if info.active not in slots:
        message = f"slot {info.active:02d} is active and Filter/{info.active:02d} does not exist"
        reading.error(info.location, "Active", message, "write the slot, or activate another one")
    return Policies(slots, info.active, _implicit_options(reading))


def _policy(reading: Reading, name: str, info: SlotInfo) -> Policy | None:
    document = reading.document(f"Filter/{name}", ("filter", "nat"))
    if document is None:
        return None
    separators: list[Separator] = []
    chains: dict[str, tuple[Rule, ...]] = {}
    for section in ("filter", "nat"):
        rules: list[Rule] = []
        for line in document.lines(section):
            item = parse_rule(reading, line, section, len(rules) + 1)
            if isinstance(item, Rule):
                _check_rule(reading, item)
                rules.append(item)
            elif item is not None:
                separators.append(item)
        chains[section] = tuple(rules)
    number = int(name)
    return Policy(number, info.names.get(number, ""), chains["filter"], chains["nat"], tuple(separators))


def _check_rule(reading: Reading, rule: Rule) -> None:
    """What one rule cannot mean, whatever the objects are."""
    if rule.icmp_type is not None and rule.ip_protocol != "icmp":
        reading.error(rule.location, "type", "needs ipproto icmp")
    if rule.icmp_code is not None and rule.icmp_type is None:
        reading.error(rule.location, "code", "needs a type")
    for phrase in rule.finer:
        reading.unsupported(rule.location, "rule", f'"{phrase}" is honoured by the lab, and no check or prediction looks at it')
    with_ports = not (rule.source_port.is_any and rule.destination_port.is_any)
    if with_ports and rule.ip_protocol is not None and rule.ip_protocol not in ("tcp", "udp"):
        reading.error(rule.location, "port", f"{rule.ip_protocol} has no ports", "use ipproto tcp or udp, or none")
    for name, slot, folder in (
        ("urlfiltering", rule.url_filter, "URLFiltering"),
        ("sslfiltering", rule.ssl_filter, "SSLFiltering"),
    ):
        if slot is not None and not (reading.root / folder / f"{slot:02d}").is_file():
            reading.error(rule.location, name, f"slot {folder}/{slot:02d} does not exist")
    for field, operand in (("source port", rule.source_port), ("port", rule.destination_port)):
        if rule.ip_protocol in ("tcp", "udp") and not operand.is_any:
            reading.later(_PortCheck(reading, rule, field))


class _PortCheck:
    """Deferred: the services of a rule have a port of its IP protocol."""

    def __init__(self, reading: Reading, rule: Rule, field: str) -> None:
        self._reading = reading
        self._rule = rule
        self._field = field

    def __call__(self, _configuration: Configuration, resolver: Resolver) -> None:
        operand = self._rule.source_port if self._field == "source port" else self._rule.destination_port
        for name in operand.names:
            if resolver.knows_service(name) and not resolver.has_port(name, self._rule.ip_protocol):
                message = f'"{name}" has no {self._rule.ip_protocol} port'
                self._reading.error(self._rule.location, self._field, message, "correct ipproto or the service")


def _implicit_options(reading: Reading) -> ImplicitOptions:
    """``Filter/filter``: ``[Config]`` holds all tokens in 3.9; 4.8 shows the services apart, as ``[Services]``."""
    file = "Filter/filter"
    document = reading.document(file, ("config", "services", "plugin", "global"))
    if document is None:
        return ImplicitOptions(Location(file, 1), services=dict(IMPLICIT_DEFAULTS))
    section = document.section("config")
    joined = Section("Config", section.location, "", [*document.lines("config"), *document.lines("services")])
    tokens = (*IMPLICIT_DEFAULTS, *_LATER_TOKENS)
    settings = Settings(reading, joined, ("implicit", "fwdefault", *tokens), _CONFIG_SILENT)
    Settings(reading, document.section("global"), (), ("strictusers",))
    return ImplicitOptions(
        location=section.location,
        implicit=settings.flag("Implicit", True),
        firewall_default=settings.flag("FwDefault", True),
        services={token: settings.flag(token, default) for token, default in IMPLICIT_DEFAULTS.items()},
        locations={token: settings.where(token) for token in ("implicit", "fwdefault", *tokens) if token in settings},
    )


def read_name_filters(reading: Reading, folder: str) -> dict[int, tuple[NameFilterRule, ...]]:
    """The slots of ``URLFiltering`` or ``SSLFiltering``. The line syntax is simulated, not vendor syntax."""
    slots: dict[int, tuple[NameFilterRule, ...]] = {}
    actions = ("pass", "block") if folder == "URLFiltering" else ("pass", "block", "decrypt")
    for name in FILTERING_SLOTS:
        document = reading.document(f"{folder}/{name}", ("rules",))
        if document is not None:
            rules = (_name_rule(reading, line, actions, folder) for line in document.lines("rules"))
            slots[int(name)] = tuple(rule for rule in rules if rule is not None)
    return slots


def _name_rule(reading: Reading, line: Line, actions: tuple[str, ...], folder: str) -> NameFilterRule | None:
    fields = pairs(reading, line, ("state", "action", "group", "comment"))
    action, group, state = fields.get("action", ""), fields.get("group", ""), fields.get("state", "on")
    if action not in actions:
        reading.error(line.location, "action", f'"{action}" is not one of {", ".join(actions)}')
        return None
    if state not in ("on", "off"):
        reading.error(line.location, "state", f'"{state}" is neither on nor off')
    if not group:
        reading.error(line.location, "group", "is missing", "name a group, or any")
        return None

    def check(configuration: Configuration, _resolver: Resolver) -> None:
        kind = "urlgroup" if folder == "URLFiltering" else "cngroup"
        known = configuration.objects.url_groups if kind == "urlgroup" else configuration.objects.cn_groups
        if group.lower() != "any" and group.lower() not in known:
            reading.error(line.location, "group", f'"{group}" is not declared', f"declare it in {kind}")

    reading.later(check)
    return NameFilterRule(line.location, state != "off", action, group)


def pairs(reading: Reading, line: Line, known: tuple[str, ...]) -> dict[str, str]:
    """A line of ``token=value`` words, tokens in lower case. Unknown and malformed words are findings."""
    from .rules import words

    found: dict[str, str] = {}
    for word in words(line.text):
        token, equals, value = word.partition("=")
        token = token.lower()
        if not equals:
            reading.error(line.location, "line", f'"{word}" is not token=value')
        elif token in found:
            reading.error(line.location, token, "is given twice", "keep one")
        elif token not in known:
            reading.unsupported(line.location, token, "is not a known token of this line")
        else:
            found[token] = value.strip('"')
    return found
