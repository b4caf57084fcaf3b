"""A filter or NAT rule as the tokens of ``CONFIG FILTER RULE INSERT``, and from those as a line of its slot (sns.md 1.6, 5.2)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from .model import Operand, Rule

TOKENS = (
    "state", "action", "loglevel", "inspection", "route", "ipproto", "icmptype", "icmpcode", "proto", "tos", "urlfiltering",
    "sslfiltering", "srctarget", "srcport", "srcif", "via", "dsttarget", "dstport", "dstif", "natsrctarget", "natsrcport",
    "natdsttarget", "natdstport", "rulename", "comment",
)  # fmt: skip
"""The tokens that say something in a line; the product has more."""

_OPTIONS = (
    ("route", "route"),
    ("inspection", "inspection"),
    ("urlfiltering", "urlfiltering"),
    ("sslfiltering", "sslfiltering"),
    ("tos", "tos"),
    ("ipproto", "ipproto"),
    ("icmptype", "type"),
    ("icmpcode", "code"),
    ("proto", "proto"),
)
"""Tokens that are a word and its value in front of ``from``, in the file's order."""


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


def line(given: Mapping[str, str]) -> str:
    """The line of a slot that these tokens make, its comment behind a tab. Lists are joined by ``,`` in tokens, by ``|`` here."""
    words = list(_words(given))
    comment = given.get("comment", "")
    return " ".join(words) + (f"\t# {comment}" if comment else "")


def _words(given: Mapping[str, str]) -> Iterator[str]:
    if given.get("state", "on").lower() == "off":
        yield "off"
    yield given.get("action", "pass").lower()
    level = given.get("loglevel", "none").lower()
    if level == "log":
        yield "log"
    elif level != "none":
        yield from ("loglevel", level)
    for token, word in _OPTIONS:
        if value := given.get(token):
            yield from (word, value)
    yield from ("from", _listed(given.get("srctarget", "any")))
    yield from _behind(given, (("srcif", "on"), ("via", "via"), ("srcport", "port")))
    yield from ("to", _listed(given.get("dsttarget", "any")))
    yield from _behind(given, (("dstif", "on"), ("dstport", "port")))
    yield from _translation(given)
    if name := given.get("rulename"):
        yield from ("rulename", f'"{name}"')


def _behind(given: Mapping[str, str], options: tuple[tuple[str, str], ...]) -> Iterator[str]:
    for token, word in options:
        value = given.get(token, "")
        if value and value.lower() != "any":
            yield from (word, _listed(value))


def _translation(given: Mapping[str, str]) -> Iterator[str]:
    source, destination = given.get("natsrctarget", ""), given.get("natdsttarget", "")
    if not (source or destination):
        return
    yield "->"
    if source:
        yield from ("from", source)
        yield from _behind(given, (("natsrcport", "port"),))
    if destination or given.get("action", "").lower() == "nat":
        yield from ("to", destination or "original")
        yield from _behind(given, (("natdstport", "port"),))


def _operand(operand: Operand) -> str:
    return ("!" if operand.negated else "") + ",".join(operand.names)


def _listed(value: str) -> str:
    return value.replace(",", "|")
