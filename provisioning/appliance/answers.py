"""Answers of the management API, read from their XML: the client library's own text form loses part of some values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from xml.etree import ElementTree as Etree

if TYPE_CHECKING:
    from stormshield.sns.sslclient import Response


@dataclass(frozen=True, slots=True)
class Answer:
    """What a command answered: the verdict, and its data by section."""

    ret: int
    code: str
    msg: str
    sections: Mapping[str, Mapping[str, str]] = field(default_factory=dict)  # format section
    lines: Mapping[str, Sequence[Mapping[str, str]]] = field(default_factory=dict)  # format section_line
    listed: Mapping[str, Sequence[str]] = field(default_factory=dict)  # format list

    @property
    def ok(self) -> bool:
        """Whether it was carried out, perhaps with a warning."""
        return 100 <= self.ret < 200


def read(response: Response) -> Answer:
    """The client library's response. What is no XML has no data."""
    from defusedxml import ElementTree

    verdict = Answer(response.ret, response.code, response.msg)
    try:
        tree = ElementTree.fromstring(response.xml)
    except Etree.ParseError:
        return verdict
    data = tree.find("./serverd/data")
    kind = data.get("format") if data is not None else ""
    found = {} if data is None else {section.get("title", ""): section for section in data.findall("section")}
    if kind == "section":
        return Answer(response.ret, response.code, response.msg, sections={title: _keys(one) for title, one in found.items()})
    if kind == "section_line":
        lines = {title: [_keys(line) for line in one.findall("line")] for title, one in found.items()}
        return Answer(response.ret, response.code, response.msg, lines=lines)
    if kind == "list":
        listed = {title: [line.text or "" for line in one.findall("line")] for title, one in found.items()}
        return Answer(response.ret, response.code, response.msg, listed=listed)
    return verdict


def _keys(element: Etree.Element) -> dict[str, str]:
    return {key.get("name", ""): key.get("value", "") for key in element.findall("key")}
