"""The signature of a sealed folder: made and checked by OpenSSH, which every auditor has."""

from __future__ import annotations

import base64
import binascii
import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from reports.seal import SIGNATURE, SUMS, SealFailed

NAMESPACE = "rempart-record"
"""What the signature is for: it holds for nothing else, nor does a signature for something else hold for a record."""

_BEGIN, _END = b"-----BEGIN SSH SIGNATURE-----\n", b"-----END SSH SIGNATURE-----\n"
_PREAMBLE = b"SSHSIG\x00\x00\x00\x01"  # and its version
_WITHIN = 30.0  # s: for a hardware key, which waits for a touch
_GOOD = re.compile(r'Good "[^"]*" signature (?:for (?P<who>.+) )?with (?P<key>\S+ key \S+)')

_MEANINGS = {
    "passphrase": "the key has a passphrase: load it into ssh-agent, and give the public key (the file that ends in .pub)",
    "UNPROTECTED PRIVATE KEY": "others can read this key, so it is not used (chmod 600 it)",
    "load public key": "this is no SSH key that can sign (ssh-keygen -t ed25519 makes one)",
    "No private key found": "its private key is neither beside it nor in ssh-agent",
}


class SignatureWrong(Exception):
    """The signature is not one of this file; the text says what is wrong with it."""


class NotAllowed(SignatureWrong):
    """A good signature, yet by nobody who may sign."""


class SignersUnreadable(Exception):
    """The list of allowed signers cannot be used; the text names it."""


@dataclass(frozen=True, slots=True)
class Signed:
    """A good signature: the key's kind and fingerprint, and whose it is; ``who`` is "" when nobody was asked for."""

    key: str
    who: str = ""


def sign(file: Path, key: Path) -> Path:
    """Sign a file with an SSH key: a private key's file, or a public one whose private key an agent holds.

    The signature's path. Raises SealFailed when the key cannot be read, is none, or has a passphrase and no agent.
    """
    done = _ssh_keygen("sign", "-f", str(key), "-n", NAMESPACE, str(file))
    if done.returncode:
        raise SealFailed(f"{key}: {_why_not(key, done.stderr)}")
    return file.with_name(f"{file.name}.sig")


def try_key(key: Path) -> None:
    """Find out now whether ``sign`` will work. Raises SealFailed when it will not."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        (folder / SUMS).write_text("")
        sign(folder / SUMS, key)
        if check(folder).key.startswith("DSA"):
            raise SealFailed(f"{key}: a DSA key is too weak to sign with (ssh-keygen -t ed25519 makes a better one)")


def _why_not(key: Path, told: str) -> str:
    if not key.exists():
        return "no such file"
    if not key.is_file() or not os.access(key, os.R_OK):
        return "the key cannot be read"
    for sign_of_it, meaning in _MEANINGS.items():
        if sign_of_it in told:
            return meaning
    return (told.strip().splitlines() or ["ssh-keygen does not say why"])[-1]


def check(folder: Path, *, signers: Path | None = None, signer: str = "") -> Signed:
    """Check the signature of a folder's ``SHA256SUMS``, against a list of allowed signers when one is given.

    Without a list this says only that whoever holds the key signed these sums. Raises SignatureWrong when it is not a
    signature of them, NotAllowed when it is nobody's of the list (or not this ``signer``'s), and SignersUnreadable.
    """
    path = folder / SIGNATURE
    _canonical(path.read_bytes())
    sums = (folder / SUMS).read_bytes()
    good = _checked(_ssh_keygen("check-novalidate", "-n", NAMESPACE, "-s", str(path), given=sums))
    if signers is None:
        return good
    _readable(signers)
    names = [signer] if signer else _ssh_keygen("find-principals", "-f", str(signers), "-s", str(path)).stdout.splitlines()
    for name in names:
        asked = ("-f", str(signers), "-I", name, "-n", NAMESPACE, "-s", str(path))
        try:
            return _checked(_ssh_keygen("verify", *asked, given=sums))
        except SignatureWrong:
            continue
    raise NotAllowed(f"signed with {good.key}, which {signers} does not allow{f' for {signer}' if signer else ''}")


def _checked(done: subprocess.CompletedProcess[str]) -> Signed:
    told = _GOOD.search(done.stdout)
    if done.returncode or told is None:
        lines = [line for line in (done.stderr + done.stdout).strip().splitlines() if line]
        raise SignatureWrong(f"not a signature of {SUMS} as it is now ({lines[0] if lines else 'ssh-keygen does not say why'})")
    return Signed(told["key"], told["who"] or "")


def _readable(signers: Path) -> None:
    try:
        content = signers.read_text()
    except (OSError, UnicodeDecodeError) as why:
        reason = why.strerror if isinstance(why, OSError) else "not text"
        raise SignersUnreadable(f"{signers}: {reason}") from None
    if not any(line.strip() and not line.startswith("#") for line in content.splitlines()):
        raise SignersUnreadable(f'{signers}: names nobody (a line is: NAME namespaces="{NAMESPACE}" ssh-ed25519 AAAA…)')


def _canonical(content: bytes) -> None:
    """Refuse every form but the one that ssh-keygen writes: it reads others too, in which a byte could change unseen."""
    body = content.removeprefix(_BEGIN).removesuffix(_END)
    width = body.find(b"\n")
    try:
        blob = base64.b64decode(body.replace(b"\n", b""), validate=True)
    except binascii.Error:
        blob = b""
    text = base64.b64encode(blob)
    lines = [text[start : start + width] for start in range(0, len(text), max(width, 1))]
    if content != b"".join((_BEGIN, *(line + b"\n" for line in lines), _END)) or not blob.startswith(_PREAMBLE):
        raise SignatureWrong("not in the form that ssh-keygen writes")


def _ssh_keygen(verb: str, *arguments: str, given: bytes = b"") -> subprocess.CompletedProcess[str]:
    """``ssh-keygen -Y``. In a session without terminal: what would ask for a passphrase fails instead of waiting."""
    quiet = {name: value for name, value in os.environ.items() if name not in ("SSH_ASKPASS", "DISPLAY")}
    command = ["ssh-keygen", "-Y", verb, *arguments]
    try:
        done = subprocess.run(
            command,
            input=given,
            capture_output=True,
            env=quiet | {"LC_ALL": "C"},
            start_new_session=True,
            timeout=_WITHIN,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess(command, 255, "", f"ssh-keygen did not answer within {_WITHIN:g} s")
    out, err = (one.decode(errors="replace") for one in (done.stdout, done.stderr))
    return subprocess.CompletedProcess(done.args, done.returncode, out, err)
