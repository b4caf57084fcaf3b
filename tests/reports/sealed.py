"""A whole run's folder to break: written, rendered, sealed and signed the way a run does it, with a key of the moment."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

from reports import renderings, seal, signature
from reports.record import Writer, read
from tests.reports.examples import BASIC

INSTANCE = "SNS-WEB-01[sbg7]"


@dataclass(frozen=True)
class Keys:
    """A signer's key, and a list of allowed signers that names it."""

    key: Path
    signers: Path


def new_key(path: Path, *options: str) -> Path:
    """A key that ssh-keygen makes now."""
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(path), *options], check=True)
    return path


def new_keys(folder: Path) -> Keys:
    """A key and the list that allows it, for Ada."""
    key = new_key(folder / "key")
    public = key.with_suffix(".pub").read_text()
    signers = folder / "allowed_signers"
    signers.write_text(f'ada@example.net namespaces="{signature.NAMESPACE}" {public}')
    return Keys(key, signers)


def write_run(folder: Path) -> Path:
    """A run that came to its end, with evidence, and what it renders; not sealed yet."""
    writer = Writer(folder, now=lambda: "2026-11-24T00:15:00.000Z")
    writer.open(lambda: BASIC[:1])
    for entry in BASIC[1:4]:
        writer.write(entry)
    writer.keep(INSTANCE, 1, "answer.txt", "HTTP/1.1 200 OK\n", what="the answer")
    writer.keep(INSTANCE, 1, "internet.pcapng", bytes(range(256)), what="capture")
    for entry in BASIC[4:]:
        writer.write(entry)
    writer.close()
    renderings.write_all(read(folder))
    return folder


def write_sealed(folder: Path, key: Path | None = None) -> Path:
    """The same, sealed, and signed when there is a key."""
    sums = seal.seal(write_run(folder))
    if key:
        signature.sign(sums, key)
    return folder
