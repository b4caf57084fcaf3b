"""What readers of JUnit XML accept: the rules of two published schemas at once, as a table of our own.

The one is that of Apache Ant's reports (``JUnit.xsd`` of windyroad/JUnit-Schema), the other that of Jenkins' xUnit plug-in
(``junit-10.xsd``), which refuses a file that does not keep to it. Where they differ the stricter rule stands here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from xml.etree.ElementTree import Element

TOKEN = r"\S+( \S+)*"
NUMBER = r"\d+"
SECONDS = r"\d+(\.\d*)?"
MOMENT = r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}"
ANY = r"(?s).*"


@dataclass(frozen=True)
class Rule:
    """An element: its attributes with what their values match (those of ``free`` may be missing), and its children in order."""

    children: str = ""
    needed: dict[str, str] = field(default_factory=dict)
    free: dict[str, str] = field(default_factory=dict)
    text: bool = False


TOLD = Rule(needed={"type": ANY}, free={"message": ANY}, text=True)
RULES = {
    "testsuites": Rule("(testsuite )*"),
    "testsuite": Rule(
        "properties (testcase )*system-out system-err ",
        needed={
            "id": NUMBER,
            "name": TOKEN,
            "package": TOKEN,
            "hostname": TOKEN,
            "timestamp": MOMENT,
            "time": SECONDS,
            **dict.fromkeys(("tests", "failures", "errors"), NUMBER),
        },
        free={"skipped": NUMBER},
    ),
    "properties": Rule("(property )*"),
    "property": Rule(needed={"name": TOKEN, "value": ANY}),
    "testcase": Rule(
        "((skipped|error|failure) )?", needed={"name": TOKEN, "classname": TOKEN, "time": SECONDS}
    ),
    **dict.fromkeys(("skipped", "error", "failure"), TOLD),
    **dict.fromkeys(("system-out", "system-err"), Rule(text=True)),
}  # fmt: skip


def breaches(element: Element) -> Iterator[str]:
    """Every rule that the element and those in it break."""
    rule = RULES.get(element.tag)
    if rule is None:
        yield f"<{element.tag}> is not known"
        return
    known = rule.needed | rule.free
    yield from (f"<{element.tag}> has no {name}" for name in rule.needed.keys() - element.keys())
    for name, value in element.items():
        if not re.fullmatch(known.get(name, r"(?!)"), value):
            yield f"<{element.tag}> {name}={value!r}"
    children = "".join(f"{child.tag} " for child in element)
    if not re.fullmatch(rule.children, children):
        yield f"<{element.tag}> holds {children}"
    if not rule.text and (element.text or "").strip():
        yield f"<{element.tag}> holds text"
    for child in element:
        yield from breaches(child)
