"""The page itself: one file with everything in it, that asks nobody for anything."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import sys
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from importlib.util import cache_from_source
from pathlib import Path
from typing import Literal

from jinja2 import BytecodeCache, Environment, FileSystemBytecodeCache, PackageLoader, StrictUndefined
from markupsafe import Markup

from reports import coverage as counted
from reports.entries import Json
from reports.html import coverage, drawing, facts, failovers, flows, plots, series
from reports.html.controls import Controls
from reports.html.view import view
from reports.languages import Language, language, utc
from reports.record import Record

Medium = Literal["screen", "paper"]

_STYLES: Mapping[Medium, tuple[str, ...]] = {"screen": ("drawing.css", "screen.css"), "paper": ("paper.css",)}
"""On paper each drawing has its own looks inside."""

LONG = 240
"""Characters of a value above which it is folded: more than a reader takes in at a glance."""


def render(record: Record, *, code: str = "en", medium: Medium = "screen", way: str = "") -> str:
    """The report as HTML. The same record gives the same bytes. ``paper`` is the form that becomes the PDF.

    ``way`` is the relative address of the run's folder from where the page will lie, for its links to evidence.
    """
    said, report = language(code), view(record)
    script = "" if medium == "paper" else _source("report.js")
    style = _source("report.css") + "".join(_source(name) for name in _STYLES[medium])
    return (
        _environment()
        .get_template("report.html.j2")
        .render(
            report=report,
            headline=facts.headline(report, said),
            facts=facts.facts(report, said),
            limits=facts.limits(record, said),
            drawing=drawing.draw(report, said, medium),
            flows=flows.tested(report),
            name_of=flows.name_of,
            timeline=plots.timeline(report, said, medium),
            silences=plots.silences(report, said, medium),
            drawn=lambda one: series.drawings(one, said, medium),
            failovers=failovers.groups(report),
            course=lambda one: failovers.course(one, said, medium),
            spread=lambda group: failovers.spread(group, said, medium),
            direction=lambda lane: failovers.direction(lane, said),
            class_name=lambda name: failovers.class_name(name, said),
            coverage=coverage.sites(report),
            unaffected=counted.unaffected(record),
            controls=Controls(record, report),
            record=record,
            run=record.run,
            medium=medium,
            way=way,
            lang=said,
            t=said.text,
            utc=utc,
            shown=lambda value: shown(value, said),
            long=LONG,
            style=Markup(style),  # noqa: S704 - our own file
            script=Markup(script),  # noqa: S704 - our own file
            policy=_policy(style, script),
        )
    )


def shown(value: Json, said: Language) -> str:
    """A value of an observation as a reader wants it: no brackets around lists, a word for nothing."""
    if value is None or value in ([], {}, ""):
        return said.text("none")
    if isinstance(value, bool):
        return said.text("yes") if value else said.text("no")
    if isinstance(value, list):
        return ", ".join(shown(one, said) if one else str(one) for one in value)
    if isinstance(value, dict):
        return "; ".join(f"{name}: {shown(one, said)}" for name, one in value.items())
    if isinstance(value, float):
        return json.dumps(value)
    return said.value(str(value)).text


def _policy(style: str, script: str) -> str:
    """What a browser may do with the page: apply this style, run this script, and load nothing at all."""
    rules = ["default-src 'none'", f"style-src {_hash(style)}", "base-uri 'none'", "form-action 'none'"]
    return "; ".join([*rules, f"script-src {_hash(script)}"] if script else rules)


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


@cache
def _source(name: str) -> str:
    return (files("reports") / "templates" / name).read_text(encoding="utf-8")


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("reports"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        bytecode_cache=_compiled(),
    )


def _compiled() -> BytecodeCache | None:
    """What templates become, kept where Python keeps the same of this module: to make it anew takes as long as the page.

    None where it may not be kept.
    """
    folder = Path(cache_from_source(__file__)).parent
    if sys.dont_write_bytecode or not os.access(folder, os.W_OK):
        return None
    return FileSystemBytecodeCache(str(folder), "%s.template")
