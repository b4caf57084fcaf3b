"""``rempart report``: a recorded run as documents, from its folder alone. No lab, no Docker, no root.

Exit codes: 0 all are written; 1 one cannot be written (the place, the disk, a sealed folder); 2 wrong use, or no record.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from argparse import ArgumentParser, _SubParsersAction

DONE, FAILED, BAD_INPUT = 0, 1, 2
EVERY = "all"


def register(commands: _SubParsersAction[ArgumentParser]) -> None:
    """Add the command and its arguments."""
    from reports.languages import CODES
    from reports.renderings import FORMATS

    parser = commands.add_parser(
        "report",
        help="a recorded run as documents: page, PDF, JUnit, OSCAL, ...; report merge joins several",
        epilog="rempart report merge RUN... --output DIR joins the records of several runs into one (--help tells more).",
    )
    parser.add_argument("folder", type=Path, metavar="DIR", help="a run's folder, such as reports/runs/…")
    parser.add_argument("--lang", choices=CODES, default="en", help="language of what people read (default: en)")
    kinds = (*FORMATS, EVERY)
    parser.add_argument("--format", choices=kinds, action="append", help="which documents; repeatable (default: html)")
    parser.add_argument("--output", type=Path, metavar="DIR", help="where to write (default: the run's folder)")
    parser.add_argument("--served-at", default="", metavar="URL", help="where the run's folder can be fetched, for links")


def run(given: argparse.Namespace) -> int:
    """Write the documents and say where; the exit code: 1 when they cannot be written, 2 when the record is no record."""
    from reports.entries import RecordError
    from reports.renderings import FORMATS, Sealed, write

    asked = given.format or ["html"]
    try:
        for name in FORMATS if EVERY in asked else asked:
            print(write(given.folder, name, code=given.lang, into=given.output, served=given.served_at))
    except RecordError as why:
        print(f"rempart: {why}", file=sys.stderr)
        return BAD_INPUT
    except Sealed as why:
        print(f"rempart: {why}", file=sys.stderr)
        return FAILED
    except OSError as why:
        print(f"rempart: {why.filename}: {why.strerror}", file=sys.stderr)
        return FAILED
    return DONE
