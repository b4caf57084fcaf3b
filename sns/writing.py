"""Rules as lines of ``Filter/NN``: the reverse of :mod:`sns.rules`, in the order in which the product writes (sns.md 1.6)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from .model import Operand, Rule, Translation

_SPLIT = re.compile(r"[\s#]")
"""What would end a word, or the rule."""


def written(rule: Rule) -> str:
    """The line of a rule, comment included: read again, it makes the same rule.

    Raises ValueError for a rule with words that the model leaves out: they would be lost, or land elsewhere.
    """
    if rule.unmodelled:
        raise ValueError(f"{rule.location}: cannot be written anew: {', '.join(rule.unmodelled)} is not modelled")
    text = " ".join(_words(rule))
    return f"{text}\t# {rule.comment}" if rule.comment else text


def _words(rule: Rule) -> Iterator[str]:
    if not rule.enabled:
        yield "off"
    yield rule.action
    if rule.log and rule.log_level:
        yield rule.log_level
    for keyword, value in (
        ("route", rule.route),
        ("inspection", rule.inspection),
        ("tos", rule.tos),
        ("ipproto", rule.ip_protocol),
        ("type", rule.icmp_type),
        ("code", rule.icmp_code),
        ("proto", rule.protocol),
    ):
        if value is not None:
            yield f"{keyword} {_word(str(value))}"
    for keyword, slot in (("urlfiltering", rule.url_filter), ("sslfiltering", rule.ssl_filter)):
        if slot is not None:
            yield f"{keyword} {slot:02d}"
    yield from _end("from", rule.source, rule.source_interface, rule.source_port, rule.via)
    yield from _end("to", rule.destination, rule.destination_interface, rule.destination_port)
    if rule.translation is not None:
        yield from _translation(rule.translation)
    if rule.name is not None:
        yield f'rulename "{rule.name}"'


def _end(keyword: str, addresses: Operand, interface: str | None, ports: Operand, via: str | None = None) -> Iterator[str]:
    yield f"{keyword} {_operand(addresses)}"
    if interface is not None:
        yield f"on {_word(interface)}"
    if via is not None:
        yield f"via {via}"
    if ports != Operand():
        yield f"port {_operand(ports)}"


def _translation(translation: Translation) -> Iterator[str]:
    yield "->"
    ends = (
        ("from", translation.source, translation.source_port),
        ("to", translation.destination, translation.destination_port),
    )
    for keyword, name, port in ends:
        if keyword == "to" or name is not None or port is not None:
            yield f"{keyword} {_word(name or 'original')}"
        if port is not None:
            yield f"port {_word(port)}"


def _operand(operand: Operand) -> str:
    return ("!" if operand.negated else "") + "|".join(map(_word, operand.names))


def _word(name: str) -> str:
    return f'"{name}"' if _SPLIT.search(name) and '"' not in name else name
