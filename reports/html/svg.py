"""Scalable drawings, element by element. Texts are escaped by the writer; looks come from ``drawing.css`` by class."""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files
from xml.etree.ElementTree import Element, SubElement, tostring

from markupsafe import Markup

Place = float | str
"""Where something is across a drawing: in its units, or as a share of its width (``12.5%``)."""


class Drawing:
    """A drawing of a width and height in its own units. ``label`` is what a screen reader says in its place.

    Without a width it is as wide as where it stands, and its texts stay as large as they are: places across it are shares.
    """

    def __init__(self, width: float | None, height: float, *, label: str, kind: str, styled: bool) -> None:
        """``styled`` puts the looks inside, for readers that do not apply the page's own to a drawing."""
        self.root = Element("svg", {"role": "img", "aria-label": label, "xmlns": "http://www.w3.org/2000/svg"})
        if width is None:
            self.root.attrib |= {"class": f"fluid {kind}", "width": "100%", "height": _n(height)}
        else:
            self.root.attrib |= {"class": f"drawing {kind}", "viewBox": f"0 0 {_n(width)} {_n(height)}"}
        if styled:
            self.root.attrib |= {"width": _n(width) if width else "100%", "height": _n(height)}
            SubElement(self.root, "style").text = printed_style()

    def rect(self, x: Place, y: float, width: Place, height: float, look: str, *, round_: float = 4, title: str = "") -> None:
        """A rectangle with round corners."""
        self._add("rect", look, title, x=x, y=y, width=width, height=height, rx=round_)

    def line(self, x1: Place, y1: float, x2: Place, y2: float, look: str) -> None:
        """A straight line."""
        self._add("line", look, x1=x1, y1=y1, x2=x2, y2=y2)

    def circle(self, x: Place, y: float, radius: float, look: str, *, title: str = "") -> None:
        """A disc."""
        self._add("circle", look, title, cx=x, cy=y, r=radius)

    def path(self, description: str, look: str, *, title: str = "") -> None:
        """A curve, in SVG's own words."""
        self._add("path", look, title).set("d", description)

    def text(self, x: Place, y: float, text: str, look: str, *, anchor: str = "start") -> None:
        """A line of text; ``anchor`` says which end or middle of it is at x."""
        element = self._add("text", look, x=x, y=y)
        element.text = text
        if anchor != "start":
            element.set("text-anchor", anchor)

    def markup(self) -> Markup:
        """The drawing, to be put into a page."""
        return Markup(tostring(self.root, encoding="unicode"))  # noqa: S704 - the writer has escaped every text

    def _add(self, tag: str, look: str, title: str = "", **numbers: Place) -> Element:
        attributes = {"class": look, **{name: _n(value) for name, value in numbers.items()}}
        element = SubElement(self.root, tag, attributes)
        if title:
            SubElement(element, "title").text = title
        return element


def _n(value: Place) -> str:
    if isinstance(value, str):
        return value
    return f"{value:.1f}".removesuffix(".0")


@cache
def printed_style() -> str:
    """The drawings' looks in the light colours of the page, written out."""
    templates = files("reports") / "templates"
    colours = dict(re.findall(r"(--[\w-]+):\s*([^;]+);", (templates / "report.css").read_text(encoding="utf-8")))
    style = (templates / "drawing.css").read_text(encoding="utf-8")
    return re.sub(r"var\((--[\w-]+)\)", lambda name: colours[name[1]], style)
