"""The language of ``[Filter]`` and ``[NAT]`` lines (sns.md 1.6, 5.2).

    rule  := ['off'] action option* 'from' SRC ['on' IF] ['via' TUNNEL] ['port' SVC]
             'to' DST ['on' IF] ['port' SVC] ['->' xlate] option*
    xlate := ['from' OBJ ['port' SVC]] ['to' OBJ ['port' SVC]]
    SRC, DST, SVC := 'any' | ['!'] OBJ ('|' OBJ)*

A word that is not understood is an UNSUPPORTED finding with its line, and stays on the rule as ``unmodelled``; a line
that makes no rule is an ERROR. ``off``, ``via``, ``!`` and the filtering slots are simulated, not vendor syntax.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from .ini import Line
from .lines import split_comment, unquoted
from .model import Location, Operand, Rule, Separator, Translation
from .paths import IPSEC, SSL_VPN
from .reading import Reading, Wanted

ACTIONS = {
    "filter": ("pass", "block", "reset", "log", "decrypt", "deleg"),
    "nat": ("nat",),
}
_INSPECTIONS = ("firewall", "ids", "ips")
_VIAS = ("any", "ipsec", "sslvpn", "none")
_LOG_LEVELS = ("none", "log", "minor", "major")
_STRUCTURE = frozenset({"from", "to", "on", "port", "via", "->", "rulename"})
_KNOWN_TO_THE_PRODUCT = frozenset(
    {
        "settos", "noconnlog", "count", "rate", "synproxy", "qosid", "antivirus", "sandboxing", "fwservice",
        "schedule", "securityinspection", "ipstate", "srcgeo", "domain", "user", "group", "method", "lb", "arp",
        "beforevpn", "enforceipsecforward", "enforceipsecreverse", "nohasync", "geo", "via", "proto", "deleg", "decrypt",
    }
)  # fmt: skip
_WORD = re.compile(r'(?:[^\s"]|"[^"]*")+')


def words(text: str) -> list[str]:
    """The words of a line; a double-quoted part never splits, and quotes around a whole word are taken off."""
    if '"' not in text:
        return text.split()
    return [unquoted(word) if word.count('"') == 2 else word for word in _WORD.findall(text)]


def parse_rule(reading: Reading, line: Line, section: str, number: int) -> Rule | Separator | None:
    """One line of ``section`` ("filter" or "nat"); ``number`` is the number that the next rule of the section gets.

    None when the line makes no rule; the finding says why.
    """
    text, comment = line.text, line.comment
    if len(text) > 1 and text[0] == text[-1] == '"' and text.count('"') == 2:
        text, comment = split_comment(text[1:-1])  # lines that cloud images' first-boot scripts write in quotes
    if text.count('"') % 2:
        reading.error(line.location, "rule", "a quote is not closed")
        return None
    if text[:9].lower() == "separator":
        return _separator(reading, line.location, text)
    return _Parser(reading, line.location, words(text)).rule(section, number, text, comment)


def _separator(reading: Reading, location: Location, text: str) -> Separator:
    comment = ""
    for word in words(text)[1:]:
        token, equals, value = word.partition("=")
        if token.lower() == "comment" and equals:
            comment = value.strip('"')
        elif token.lower() not in ("color", "collapse", "nb_elements", "first_ruleid") or not equals:
            reading.unsupported(location, "separator", f'unknown word "{word}"')
    return Separator(location, comment)


class _Parser:
    """Walks the words of one rule. ``side`` is the part being read, which decides what ``on`` and ``port`` mean."""

    def __init__(self, reading: Reading, location: Location, found: list[str]) -> None:
        self.reading = reading
        self.location = location
        self.words = found
        self.place = 0
        self.side = "options"
        self.fields: dict[str, Any] = {}
        self.translation: dict[str, str | None] = {}
        self.unmodelled: list[str] = []

    def rule(self, section: str, number: int, text: str, comment: str) -> Rule | None:
        if self.words and self.words[0].lower() == "off":
            self.fields["enabled"] = False
            self.place = 1
        action = self.take().lower()
        if action not in ACTIONS[section]:
            self.error("action", f'"{action}" is not an action of [{section}]', f"one of {', '.join(ACTIONS[section])}")
            return None
        if action in ("deleg", "decrypt"):
            self.unsupported([action])
        self.clauses()
        for side in ("source", "destination"):
            if side not in self.fields:
                self.error("rule", f"has no {'from' if side == 'source' else 'to'}")
                return None
        self.tunnel()
        if self.translation or self.side.startswith("translated"):
            self.fields["translation"] = Translation(**self.translation)
        return Rule(
            location=self.location,
            section=section,
            number=number,
            action=action,
            text=text,
            comment=comment,
            unmodelled=tuple(self.unmodelled),
            **self.fields,
        )

    def clauses(self) -> None:
        while self.place < len(self.words):
            word = self.take()
            clause = _CLAUSES.get(word.lower())
            if clause is not None:
                clause(self)
            else:
                unknown = [word]
                while self.place < len(self.words) and self.words[self.place].lower() not in _CLAUSES:
                    unknown.append(self.take())
                self.unsupported(unknown)

    # words

    def take(self) -> str:
        if self.place >= len(self.words):
            return ""
        self.place += 1
        return self.words[self.place - 1]

    def value(self, field: str) -> str:
        """The word after a keyword; a finding and "" when the line ends or another keyword stands there."""
        if self.place < len(self.words) and self.words[self.place].lower() not in _STRUCTURE:
            return self.take()
        self.error(field, "has no value")
        return ""

    def error(self, field: str, message: str, remedy: str = "") -> None:
        self.reading.error(self.location, field, message, remedy)

    def unsupported(self, found: list[str]) -> None:
        phrase = " ".join(found)
        self.unmodelled.append(phrase)
        known = found[0].partition("=")[0].lower() in _KNOWN_TO_THE_PRODUCT
        why = "is known to the product and not modelled here" if known else "is not understood"
        self.reading.unsupported(self.location, "rule", f'"{phrase}" {why}')

    def put(self, field: str, value: object) -> None:
        if field in self.fields:
            self.error(field.replace("_", " "), "is given twice", "keep one")
        self.fields[field] = value

    # clauses

    def source(self) -> None:
        if self.side == "arrow":
            self.translated("source")
            return
        self.side = "source"
        self.put("source", self.operand("source", Wanted.ADDRESSES))

    def destination(self) -> None:
        if self.side in ("arrow", "translated source"):
            self.translated("destination")
            return
        self.side = "destination"
        self.put("destination", self.operand("destination", Wanted.ADDRESSES))

    def interface(self) -> None:
        name = self.value("on")
        if self.side not in ("source", "destination"):
            self.unsupported(["on", name])
        elif name:
            self.put(f"{self.side}_interface", name)
            self.reading.refer(Wanted.INTERFACE, self.location, f"{self.side} interface", name)

    def port(self) -> None:
        if self.side in ("source", "destination"):
            self.put(f"{self.side}_port", self.operand(f"{self.side} port", Wanted.SERVICES))
        elif self.side.startswith("translated"):
            self.translated(self.side.removeprefix("translated ") + "_port", Wanted.PORT)
        else:
            self.unsupported(["port", self.value("port")])

    def arrow(self) -> None:
        if self.side.startswith(("translated", "arrow")):
            self.error("->", "is given twice", "keep one")
        self.side = "arrow"
        if self.place == len(self.words):
            self.error("->", "is followed by nothing", 'write "-> to host port service" or "-> from host"')

    def translated(self, part: str, wanted: Wanted = Wanted.ADDRESSES) -> None:
        name = self.value(f"translated {part.replace('_', ' ')}")
        if part in self.translation:
            self.error(f"translated {part}", "is given twice", "keep one")
        if wanted is Wanted.ADDRESSES:
            self.side = f"translated {part}"
        original = not name or name.lower() in ("original", "any")
        self.translation[part] = None if original else name
        if not original:
            self.reading.refer(wanted, self.location, f"translated {part.replace('_', ' ')}", name)

    def via(self) -> None:
        word = self.value("via").lower()
        if word in _VIAS and self.side == "source":
            self.put("via", None if word == "any" else word)
        else:
            self.unsupported(["via", word])

    def tunnel(self) -> None:
        """``via`` a tunnel says where packets arrive: of another ``on`` beside it no source tells the meaning."""
        via, interface = self.fields.get("via"), self.fields.get("source_interface")
        if via in (IPSEC, SSL_VPN) and interface and interface.lower() != via:
            del self.fields["source_interface"]
            self.unmodelled.append(f"on {interface}")
            message = f'"on {interface}" beside "via {via}" is not modelled here'
            self.reading.unsupported(self.location, "rule", message, f'leave "on {interface}" out')

    def inspection(self) -> None:
        word = self.value("inspection").lower()
        if word and word not in _INSPECTIONS:
            self.error("inspection", f'"{word}" is not one of {", ".join(_INSPECTIONS)}')
        self.put("inspection", word or None)

    def log(self) -> None:
        self.level("log")

    def level(self, word: str) -> None:
        self.put("log", word != "none")
        self.fields["log_level"] = word if word != "none" else None

    def loglevel(self) -> None:
        word = self.value("loglevel").lower()
        if word in _LOG_LEVELS:
            self.level(word)
        elif word:
            self.error("loglevel", f'"{word}" is not one of {", ".join(_LOG_LEVELS)}')

    def ip_protocol(self) -> None:
        name = self.value("ipproto")
        constrained = bool(name) and name.lower() != "any"
        self.put("ip_protocol", name.lower() if constrained else None)
        if constrained:
            self.reading.refer(Wanted.IP_PROTOCOL, self.location, "ipproto", name)

    def protocol(self) -> None:
        word = self.value("proto").lower()
        self.put("protocol", word or None)
        if word not in ("", "none", "auto"):
            self.unsupported(["proto", word])

    def number(self, field: str, label: str, low: int, high: int) -> None:
        word = self.value(label)
        if word.isascii() and word.isdigit() and low <= int(word) <= high:
            self.put(field, int(word))
        elif word:
            self.error(label, f'"{word}" is not a number from {low} to {high}')

    def route(self) -> None:
        name = self.value("route")
        if name:
            self.put("route", name)
            self.reading.refer(Wanted.GATEWAY, self.location, "route", name)

    def rule_name(self) -> None:
        self.put("name", self.value("rulename") or None)

    def operand(self, field: str, wanted: Wanted) -> Operand:
        word = self.value(field)
        if not word:
            return Operand()
        user, at, rest = word.rpartition("@")
        if at:
            self.unsupported([f"{user}@"])
            word = rest
        negated = word.startswith("!")
        names = [unquoted(name.strip()) for name in word.removeprefix("!").split("|")]
        if negated and names[0].lower() == "any":
            self.error(field, '"!any" matches nothing')
        if any(name.startswith("!") for name in names):
            self.error(field, f'"{word}" negates a part of the list', "a '!' in front negates all of it")
            names = [name.removeprefix("!") for name in names]
        if not all(names):
            self.error(field, f'"{word}" has an empty name')
            names = [name for name in names if name] or ["any"]
        for name in names:
            self.reading.refer(wanted, self.location, field, name)
        return Operand(tuple(names), negated)


_CLAUSES: dict[str, Callable[[_Parser], None]] = {
    "from": _Parser.source,
    "to": _Parser.destination,
    "on": _Parser.interface,
    "port": _Parser.port,
    "->": _Parser.arrow,
    "via": _Parser.via,
    "inspection": _Parser.inspection,
    "log": _Parser.log,
    "minor": lambda parser: parser.level("minor"),
    "major": lambda parser: parser.level("major"),
    "loglevel": _Parser.loglevel,
    "ipproto": _Parser.ip_protocol,
    "type": lambda parser: parser.number("icmp_type", "type", 0, 255),
    "code": lambda parser: parser.number("icmp_code", "code", 0, 255),
    "proto": _Parser.protocol,
    "tos": lambda parser: parser.number("tos", "tos", 0, 255),
    "route": _Parser.route,
    "urlfiltering": lambda parser: parser.number("url_filter", "urlfiltering", 0, 9),
    "sslfiltering": lambda parser: parser.number("ssl_filter", "sslfiltering", 0, 9),
    "rulename": _Parser.rule_name,
}
