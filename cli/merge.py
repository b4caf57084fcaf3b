"""``rempart report merge``: the records of shards, or of runs of different scenarios, as one. No lab, no Docker, no root."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from cli.arguments import Parser

DONE, FAILED, BAD_INPUT, UNFIT = 0, 1, 2, 3

COMMAND = ("report", "merge")
NAME = " ".join(COMMAND)

CODES = """exit codes:
  0  the records are one, sealed
  1  it cannot be written, signed or stamped
  2  wrong use, or something that is no record
  3  a record was changed since its run, or they do not make one: all reasons are told, and nothing is written"""


def parser() -> argparse.ArgumentParser:
    """The command's own: its arguments."""
    parser = Parser(
        prog=f"rempart {NAME}",
        description="Join the records of shards, or of runs of different scenarios, into one record.",
        epilog=CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("folders", type=Path, nargs="+", metavar="RUN", help="a run's folder")
    parser.add_argument("--output", type=Path, required=True, metavar="DIR", help="the folder to make")
    parser.add_argument("--incomplete", action="store_true", help="also without some shards, and with runs that were cut short")
    parser.add_argument("--signers", type=Path, metavar="FILE", help="one of these must have signed each (ALLOWED SIGNERS)")
    parser.add_argument("--sign", type=Path, metavar="KEY", help="sign the new folder with this SSH key")
    parser.add_argument("--timestamp-url", default="", metavar="URL", help="have this RFC 3161 authority stamp it")
    parser.set_defaults(command=NAME)
    return parser


def run(given: argparse.Namespace) -> int:
    """Join them and say what came of it; the exit code, as ``CODES`` has them."""
    from reports import signature, timestamp
    from reports.entries import RecordError
    from reports.joining import Unfit, join
    from reports.seal import SUMS, SealFailed

    try:
        if given.sign:
            signature.try_key(given.sign)
        if given.timestamp_url:
            timestamp.refuse_bad_address(given.timestamp_url)
    except SealFailed as why:
        return _refused(str(why), BAD_INPUT)
    try:
        lacking = join(given.folders, given.output, incomplete=given.incomplete, signers=given.signers)
        if given.sign:
            signature.sign(given.output / SUMS, given.sign)
        if given.timestamp_url:
            timestamp.stamp(given.output / SUMS, given.timestamp_url)
    except Unfit as why:
        return _refused(str(why), UNFIT)
    except (RecordError, signature.SignersUnreadable) as why:
        return _refused(str(why), BAD_INPUT)
    except SealFailed as why:
        return _refused(str(why), FAILED)
    except OSError as why:
        return _refused(f"{why.filename}: {why.strerror}", FAILED)
    print("\n".join([*lacking, str(given.output)]))
    return DONE


def _refused(why: str, status: int) -> int:
    print("\n".join(f"rempart: {line}" for line in why.splitlines()), file=sys.stderr)
    return status
