"""CONFIG FILTER …: filter and NAT rules of a slot, and the implicit rules (sns.md 5.2)."""

from __future__ import annotations

import time
from collections.abc import Iterator
from xml.sax.saxutils import quoteattr

from lab.appliance import counters
from lab.appliance.inifile import get
from lab.appliance.serverd import activation, monitor, replies
from lab.appliance.serverd.command import Call, Command
from lab.appliance.serverd.documents import Entry, entries, has_section, with_entry, with_tokens, without_lines
from lab.appliance.serverd.replies import Refusal, Reply
from sns import implicit, rule_tokens
from sns.lines import unquoted
from sns.model import Location, Operand, Policy, Rule
from sns.rules import words
from sns.writing import written

SECTIONS = {"filter": "Filter", "nat": "NAT"}
_NEUTRAL = {
    "natsrcportlb": ("random", "none"), "natsrclb": ("none", "random"), "natdstlb": ("none",), "natdstportlb": ("none",),
    "natsrcarp": ("off",), "natdstarp": ("off",), "beforevpn": ("off",), "ipstate": ("off",), "securityinspection": ("",),
    "srcuser": ("any",), "srcgeo": ("any",), "schedule": ("any", "none"), "count": ("off",), "noconnlog": ("off", "none"),
    "antivirus": ("off",), "sandboxing": ("off",), "nohasync": ("0", "off"),
}  # fmt: skip
"""Tokens of the product that have no counterpart here, and the values at which they change nothing."""

_MANAGED = {
    "config": ("Plugin", "Implicit", "FwDefault", "Ipstate"),
    "services": (
        "Pptp", "HA", "Vpn", "Dns", "Dialup", "Ident", "Serverd", "Sshd", "AuthPortal", "WebAdmin", "Bootps", "SslVPN",
        "Rtadv", "DHCP6", "Ipfix",
    ),
}  # fmt: skip


def _slot(call: Call) -> str:
    return f"Filter/{call.number('index', 1, 10):02d}"


def _section(call: Call) -> str:
    return SECTIONS[call.choice("type", "filter", tuple(SECTIONS))]


def _place(call: Call) -> int | None:
    """The place of a line, from 0; None for the end. The protocol counts from 1, separators included."""
    return call.number("position", 1, 10**4) - 1 if call.get("position") else None


def _rule(call: Call, given: dict[str, str], section: str) -> Entry:
    for token, neutral in _NEUTRAL.items():
        if (value := given.pop(token, "")) and value.lower() not in neutral:
            raise Refusal(f'{token}: "{value}" is known to the product and not simulated')
    given.setdefault("rulename", f"{time.time_ns() // 1_000_000:011x}_1")
    try:
        made = rule_tokens.rule(given, section.lower(), Location(_slot(call), 1))
    except ValueError as error:
        raise Refusal.format(str(error)) from error
    text, _, comment = written(made).partition("\t# ")
    return Entry(text, comment)


def _insert(call: Call) -> Reply:
    section, given = _section(call), _said(call)
    if section == "NAT":
        given.setdefault("action", "nat")
    entry = _rule(call, given, section)
    call.clone.write(_slot(call), with_entry(call.clone.read(_slot(call)), section, entry, _place(call)))
    return replies.section_line({"Rule": [{"rule": entry.text}], "Check": []})


def _update(call: Call) -> Reply:
    section, place = _section(call), call.number("position", 1, 10**4) - 1
    text = call.clone.read(_slot(call))
    line = _entry(text, section, place)
    current = next((rule for rule in _rules(call, section) if _same(rule, line)), None)
    if current is None:
        raise Refusal(f"position {place + 1} is not a rule that can be changed here")
    entry = _rule(call, {**rule_tokens.tokens(current), **_said(call)}, section)
    call.clone.write(_slot(call), with_entry(without_lines(text, section, {place}), section, entry, place))
    return replies.section_line({"Rule": [{"rule": entry.text}], "Check": []})


def _said(call: Call) -> dict[str, str]:
    return {token: value for token, value in call.tokens.items() if token not in ("index", "type", "position")}


def _remove(call: Call) -> None:
    section, text = _section(call), call.clone.read(_slot(call))
    if call.get("position").lower() == "all":
        places = None
    else:
        places = {call.number("position", 1, 10**4) - 1}
        _entry(text, section, min(places))
    call.clone.write(_slot(call), without_lines(text, section, places))


def _move(call: Call) -> None:
    section, text = _section(call), call.clone.read(_slot(call))
    place = call.number("position", 1, 10**4) - 1
    entry = _entry(text, section, place)
    target = call.number("to", 1, 10**4) - 1
    call.clone.write(_slot(call), with_entry(without_lines(text, section, {place}), section, entry, target))


def _add_separator(call: Call) -> None:
    section = _section(call)
    color, collapse = call.get("color", "c0c0c0"), call.get("collapse", "0")
    entry = Entry(f'separator color="{color}" comment="{call.get("comment")}" collapse="{collapse}"')
    call.clone.write(_slot(call), with_entry(call.clone.read(_slot(call)), section, entry, _place(call)))


def _entry(text: str, section: str, place: int) -> Entry:
    lines = entries(text, section)
    if place >= len(lines):
        raise Refusal(f"there is no position {place + 1}: [{section}] has {len(lines)} lines")
    return lines[place]


def _rules(call: Call, section: str) -> tuple[Rule, ...]:
    policy = call.clone.configuration().policies.get(call.number("index", 1, 10))
    if policy is None:
        return ()
    return policy.filter if section == "Filter" else policy.nat


def _same(rule: Rule, line: Entry) -> bool:
    return rule.text == line.text


# Showing


def _explicit(call: Call) -> Reply:
    """``CONFIG FILTER EXPLICIT index=N type=filter|nat [output=plain|xml]``: the lines of a slot, with their counters."""
    number, section = call.number("index", 1, 10), _section(call)
    policy = call.clone.configuration().policies.get(number)
    if policy is None:
        raise Refusal(f"slot {number:02d} is empty")
    lines = entries(call.clone.read(f"Filter/{number:02d}"), section)
    if call.choice("output", "plain", ("plain", "xml")) == "xml":
        return replies.xml(_tree(policy, section, lines))
    matched = monitor.rule_counters()
    rules = iter(policy.filter if section == "Filter" else policy.nat)
    shown = []
    for place, entry in enumerate(lines, start=1):
        if entry.text.lower().startswith("separator"):
            shown.append(f"position={place}; {entry.text}")
            continue
        rule = next(rules)
        count = matched.get(counters.of_rule(rule, number), 0)
        shown.append(f"position={place}; usage={int(count > 0)} match={count} ruleid={rule.number}: {entry.text}")
    return replies.listing({section: shown})


def _tree(policy: Policy, section: str, lines: list[Entry]) -> str:
    rules = iter(policy.filter if section == "Filter" else policy.nat)
    body = []
    for place, entry in enumerate(lines, start=1):
        if entry.text.lower().startswith("separator"):
            tokens = dict(word.partition("=")[::2] for word in words(entry.text)[1:])
            told = "".join(f" {name}={quoteattr(unquoted(value))}" for name, value in tokens.items())
            body.append(f'<separator position="{place}"{told}/>')
        else:
            body.append(_element(next(rules), place))
    return f'<filters total_lines="{len(lines)}">{"".join(body)}</filters>'


def _element(rule: Rule, place: int) -> str:
    status = "active" if rule.enabled else "inactive"
    told = f"action={quoteattr(rule.action)} status={quoteattr(status)} comment={quoteattr(rule.comment)}"
    source = f"<from>{_targets(rule.source)}{_ports(rule.source_port)}</from>"
    destination = f"<to>{_ports(rule.destination_port)}{_targets(rule.destination)}</to>"
    head = f'<filter position="{place}" index="{rule.number}" type="local_filter_slot" {told}>'
    return f"{head}{source}{destination}</filter>"


def _targets(operand: Operand) -> str:
    return "".join(f"<target value={quoteattr(name)}/>" for name in operand.names)


def _ports(operand: Operand) -> str:
    return "" if operand.is_any else "".join(f"<port value={quoteattr(name)}/>" for name in operand.names)


def _show(call: Call) -> Reply:
    """``CONFIG FILTER SHOW``: what holds, whether the file says so or the product's default does."""
    text, options = call.clone.read("Filter/filter"), call.clone.configuration().implicit
    holds = {"implicit": options.implicit, "fwdefault": options.firewall_default, **options.services}
    shown = {
        title.capitalize(): {name: holds[name.lower()] if name.lower() in holds else _said_of(text, name) for name in names}
        for title, names in _MANAGED.items()
    }
    return replies.section(**shown)


def _said_of(text: str, name: str) -> str:
    """A token that changes nothing here, as the file has it; 1 is the product's default."""
    return get(text, _home(text, name), name) or "1"


def _manage(call: Call) -> None:
    """``CONFIG FILTER MANAGE Dns=0 …``: switch implicit rules."""
    names = {name.lower(): name for names in _MANAGED.values() for name in names}
    text = call.clone.read("Filter/filter")
    for token in call.tokens:
        text = with_tokens(text, _home(text, names[token]), {names[token]: str(call.number(token, 0, 1))})
    call.clone.write("Filter/filter", text)


def _home(text: str, name: str) -> str:
    """The section of a token: 3.9 has them all in ``[Config]``, 4.8 the services apart. A new one goes where the others are."""
    for section in ("Config", "Services"):
        if get(text, section, name) is not None:
            return section
    return "Services" if name in _MANAGED["services"] and has_section(text, "Services") else "Config"


def _implicit(call: Call) -> Reply:
    return replies.listing({"Implicit": list(_implicit_lines(call))})


def _implicit_lines(call: Call) -> Iterator[str]:
    for rule in implicit.rules(call.clone.configuration()):
        on = f" on {','.join(rule.interfaces)}" if rule.interfaces is not None else ""
        ports = f" port {','.join(f'{one.protocol}/{one.first}' for one in rule.ports)}" if rule.ports else ""
        yield f"{rule.action}{on}{ports} ({rule.token}: {rule.description})"


def _activate(call: Call) -> None:
    activation.of(call, ("Filter",))


_INSERT = ("index", "type", "position", *rule_tokens.TOKENS, *_NEUTRAL)
COMMANDS = (
    Command("CONFIG FILTER RULE INSERT", _insert, _INSERT, level="filter", edits=True),
    Command("CONFIG FILTER RULE UPDATE", _update, _INSERT, level="filter", edits=True),
    Command("CONFIG FILTER RULE REMOVE", _remove, ("index", "type", "position"), level="filter", edits=True),
    Command("CONFIG FILTER RULE MOVE", _move, ("index", "type", "position", "to"), level="filter", edits=True),
    Command(
        "CONFIG FILTER RULE ADDSEP",
        _add_separator,
        ("index", "type", "position", "color", "collapse", "comment"),
        level="filter",
        edits=True,
    ),
    Command("CONFIG FILTER EXPLICIT", _explicit, ("index", "type", "output")),
    Command("CONFIG FILTER SHOW", _show),
    Command("CONFIG FILTER IMPLICIT", _implicit),
    Command(
        "CONFIG FILTER MANAGE",
        _manage,
        tuple(name for names in _MANAGED.values() for name in names),
        level="filter",
        edits=True,
    ),
    Command("CONFIG FILTER ACTIVATE", _activate, level="filter", modifies=True, words=1),
)
