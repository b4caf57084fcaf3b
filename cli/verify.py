"""``rempart verify``: whether a run's folder is as the run left it, from the folder alone. No lab, no Docker, no root."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from argparse import ArgumentParser, _SubParsersAction
    from collections.abc import Iterator, Mapping

    from reports.verification import Kind, Verification

GOOD, TOUCHED, BAD_INPUT, INCOMPLETE, NOT_VOUCHED = 0, 1, 2, 3, 4

CODES = """exit codes, the first that applies:
  1  something was changed, is missing, or was added
  2  wrong use, no record, a schema that is not known here, or a list of signers or authorities that cannot be read
  3  nothing was touched, but the run is incomplete or was never sealed
  4  nothing was touched, but nobody of --signers signed it, or no authority of --timestamp-ca stamped it
  0  all is as the run left it"""

_CODES: Mapping[Kind, int] = {
    "changed": TOUCHED,
    "missing": TOUCHED,
    "added": TOUCHED,
    "unreadable": BAD_INPUT,
    "incomplete": INCOMPLETE,
    "not sealed": INCOMPLETE,
    "not signed": NOT_VOUCHED,
    "not stamped": NOT_VOUCHED,
}


def register(commands: _SubParsersAction[ArgumentParser]) -> None:
    """Add the command and its arguments."""
    parser = commands.add_parser(
        "verify",
        help="whether a run's folder is as the run left it",
        epilog=CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("folder", type=Path, metavar="DIR", help="a run's folder, such as reports/runs/…")
    parser.add_argument(
        "--signers", type=Path, metavar="FILE", help="who may sign, in the form of ssh-keygen's ALLOWED SIGNERS"
    )
    parser.add_argument("--signer", default="", metavar="NAME", help="who of them must have (default: anyone)")
    parser.add_argument("--timestamp-ca", type=Path, metavar="FILE", help="whose time stamps are trusted: certificates, PEM")


def run(given: argparse.Namespace) -> int:
    """Check the folder and say all that was found; the exit code, as ``CODES`` has them."""
    from reports.entries import RecordError
    from reports.signature import SignersUnreadable
    from reports.verification import verify

    if given.signer and given.signers is None:
        print("rempart: verify --signer NAME: say --signers FILE too", file=sys.stderr)
        return BAD_INPUT
    ca = given.timestamp_ca
    try:
        if ca is not None and b"-----BEGIN CERTIFICATE-----" not in ca.read_bytes():
            print(f"rempart: {ca}: holds no certificate", file=sys.stderr)
            return BAD_INPUT
        done = verify(given.folder, signers=given.signers, signer=given.signer, timestamp_ca=ca)
    except (RecordError, SignersUnreadable) as why:
        print(f"rempart: {why}", file=sys.stderr)
        return BAD_INPUT
    except OSError as why:
        print(f"rempart: {why.filename}: {why.strerror}", file=sys.stderr)
        return BAD_INPUT
    print("\n".join(_told(done, trusted=ca is not None)))
    return min((_CODES[one.kind] for one in done.findings), default=GOOD)


def _told(done: Verification, *, trusted: bool) -> Iterator[str]:
    for one in done.findings:
        yield f"{one.kind:<11} {_printable(one.where)} {_printable(one.what)}"
    count = f"{len(done.findings) or 'no'} finding{'s' * (len(done.findings) != 1)}"
    yield f"{count}: {done.lines} lines of the record and {done.files} files were checked"
    yield f"run: {done.ended} of {done.planned} planned scenarios have an outcome"
    if done.signed is None:
        yield "signature: none that is good"
    elif done.signed.who:
        yield f"signature: {done.signed.who}, {done.signed.key}"
    else:
        yield f"signature: {done.signed.key}; whose it is, --signers FILE tells"
    if done.stamped:
        yield f"time stamp: {done.stamped}{'' if trusted else '; whether to be trusted, --timestamp-ca FILE tells'}"


def _printable(text: str) -> str:
    """A file's name may hold what a terminal would obey."""
    return "".join(one if one.isprintable() else ascii(one)[1:-1] for one in text)
