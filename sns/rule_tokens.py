"""A filter or NAT rule as the tokens of ``CONFIG FILTER RULE INSERT``, and a rule from those (sns.md 1.6, 5.2)."""

from __future__ import annotations

from collections.abc import Mapping

from .model import Location, Operand, Rule, Translation

TOKENS = (
    "state", "action", "loglevel", "inspection", "route", "ipproto", "icmptype", "icmpcode", "proto", "tos", "urlfiltering",
    "sslfiltering", "srctarget", "srcport", "srcif", "via", "dsttarget", "dstport", "dstif", "natsrctarget", "natsrcport",
    "natdsttarget", "natdstport", "rulename", "comment",
)  # fmt: skip
"""The tokens that say something in a line; the product has more."""


def tokens(rule: Rule) -> dict[str, str]:
    """The tokens that make this rule; those that would say the default are left out. Raises ValueError for one that has
    words which the model leaves out: it would not be the same rule."""
    if rule.unmodelled:
        raise ValueError(f"{rule.location}: {', '.join(rule.unmodelled)} cannot be said in a command here")
    translation = rule.translation
    found = {
        "state": "on" if rule.enabled else "off",
        "action": rule.action,
        "loglevel": (rule.log_level or "log") if rule.log else None,
        "inspection": rule.inspection,
        "route": rule.route,
        "ipproto": rule.ip_protocol,
        "icmptype": rule.icmp_type,
        "icmpcode": rule.icmp_code,
        "proto": rule.protocol,
        "tos": rule.tos,
        "urlfiltering": None if rule.url_filter is None else f"{rule.url_filter:02d}",
        "sslfiltering": None if rule.ssl_filter is None else f"{rule.ssl_filter:02d}",
        "srctarget": _operand(rule.source),
        "srcport": None if rule.source_port.is_any else _operand(rule.source_port),
        "srcif": rule.source_interface,
        "via": rule.via,
        "dsttarget": _operand(rule.destination),
        "dstport": None if rule.destination_port.is_any else _operand(rule.destination_port),
        "dstif": rule.destination_interface,
        "natsrctarget": translation.source if translation else None,
        "natsrcport": translation.source_port if translation else None,
        "natdsttarget": translation.destination if translation else None,
        "natdstport": translation.destination_port if translation else None,
        "rulename": rule.name,
        "comment": rule.comment or None,
    }
    return {token: str(value) for token, value in found.items() if value is not None}


def rule(given: Mapping[str, str], section: str, location: Location) -> Rule:
    """The rule that these tokens make; ``any`` and an empty value stand for nothing said. Raises ValueError."""
    said = {token: value for token, value in given.items() if value and value.lower() not in ("any", "original")}
    level = said.get("loglevel", "none").lower()
    ends = {part: said.get(token) for part, token in _ENDS.items()}
    return Rule(
        location=location,
        section=section,
        number=0,
        action=said.get("action", "pass").lower(),
        text="",
        enabled=said.get("state", "on").lower() != "off",
        log=level != "none",
        log_level=level if level != "none" else None,
        inspection=said.get("inspection"),
        ip_protocol=said.get("ipproto", "").lower() or None,
        icmp_type=_number(said, "icmptype"),
        icmp_code=_number(said, "icmpcode"),
        protocol=said.get("proto"),
        tos=_number(said, "tos"),
        source=_named(said, "srctarget"),
        source_port=_named(said, "srcport"),
        source_interface=said.get("srcif"),
        via=said.get("via"),
        destination=_named(said, "dsttarget"),
        destination_port=_named(said, "dstport"),
        destination_interface=said.get("dstif"),
        translation=Translation(**ends) if any(ends.values()) or section == "nat" else None,
        route=said.get("route"),
        url_filter=_number(said, "urlfiltering"),
        ssl_filter=_number(said, "sslfiltering"),
        name=said.get("rulename"),
        comment=said.get("comment", ""),
    )


_ENDS = {
    "source": "natsrctarget",
    "source_port": "natsrcport",
    "destination": "natdsttarget",
    "destination_port": "natdstport",
}


def _operand(operand: Operand) -> str:
    return ("!" if operand.negated else "") + ",".join(operand.names)


def _named(said: Mapping[str, str], token: str) -> Operand:
    value = said.get(token, "any")
    return Operand(tuple(value.removeprefix("!").split(",")), value.startswith("!"))


def _number(said: Mapping[str, str], token: str) -> int | None:
    value = said.get(token)
    if value is None:
        return None
    if not value.isascii() or not value.isdecimal():
        raise ValueError(f'{token}: "{value}" is not a number')
    return int(value)
