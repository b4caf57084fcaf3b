"""CONFIG BACKUP and CONFIG RESTORE: the configuration as a file in the product's own container (sns.md 8).

The container is signed with a key that only a real appliance has: ours is signed with one of this appliance's own, so what
checks signatures refuses it, as it must. Encryption and signature are openssl's.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import re
import tarfile
import tempfile
import time
import zlib
from pathlib import Path

from lab.appliance import ha_cluster, ha_sync, paths, programs
from lab.appliance.errors import ProgramFailed
from lab.appliance.serverd import replies
from lab.appliance.serverd.command import Call, Command
from lab.appliance.serverd.console import FIRMWARE, MODEL
from lab.appliance.serverd.replies import Refusal, Reply
from sns.identity import BASE_FILE

_HEADER = 0x400
_ITERATIONS = 100_000
_KEY_LENGTH = 16
_SIGNER = paths.STATE / "backup"
_FIELD = re.compile(r'^(\w+)="?(.*?)"?\r?$', re.MULTILINE)
_FOLDER = "usr/Firewall/"
_DAMAGED = "the password is wrong, or the backup is damaged"


def _backup(call: Call) -> Reply:
    """``CONFIG BACKUP list=all [password=] > FILE``: everything, as it is in the files; edits are no part of it."""
    call.choice("list", "all", ("all",))
    return replies.download(packed(_archive(), call.get("password")))


def _restore(call: Call) -> Reply:
    """``CONFIG RESTORE list=all [password=] < FILE``: refused as a whole when it has errors, else applied."""
    call.choice("list", "all", ("all",))
    password = call.get("password")

    def take(content: bytes) -> Reply:
        try:
            answer = ha_sync.receive(_whole(unpacked(content, password)))
        except OSError as error:  # a full disk, mostly
            raise Refusal(f"it cannot be put in place here: {error}") from error
        call.clone.drop(call.clone.edited())
        if answer["failures"]:
            raise Refusal("restored, and not all of it could be applied: " + "; ".join(answer["failures"]))
        return Reply()

    return replies.upload(take)


def packed(plain: bytes, password: str) -> bytes:
    """A backup container around a compressed archive."""
    salt, vector = os.urandom(16), os.urandom(16)
    fields = {
        "majversion": 2,
        "algo": 1,
        "date": time.strftime("%Y-%m-%d %H:%M:%S"),
        "model": MODEL,
        "version": FIRMWARE,
        "serial": ha_cluster.own_serial(),
        "description": '""',
        "content": "all",
        "type": "backup",
        "IPv6State": 0,
        "salt": salt.hex(),
        "iv": vector.hex(),
        "pbkdf_iterations": _ITERATIONS,
    }
    text = "[BACKUP]\r\n" + "".join(f"{name}={value}\r\n" for name, value in fields.items())
    header = text.encode().ljust(_HEADER, b"\0")
    signature = _signature(header + plain)
    secret = _crypt("-e", plain, _key(password, salt, _ITERATIONS), vector)
    return header + len(signature).to_bytes(4, "big") + signature + len(secret).to_bytes(4, "big") + secret


def unpacked(content: bytes, password: str) -> bytes:
    """The archive in a container of the newer kind. Raises Refusal for what is none, and for a wrong password."""
    if not content.startswith(b"[BACKUP]") or len(content) < _HEADER + 8:
        raise Refusal.format("this is not a backup")
    fields = dict(_FIELD.findall(content[:_HEADER].split(b"\0", 1)[0].decode("latin-1")))
    begin = _HEADER + 8 + int.from_bytes(content[_HEADER : _HEADER + 4], "big")
    try:
        key = _key(password, bytes.fromhex(fields["salt"]), int(fields["pbkdf_iterations"]))
        plain = _crypt("-d", content[begin:], key, bytes.fromhex(fields["iv"]))
    except (KeyError, ValueError) as error:
        raise Refusal.format("this backup is of a kind that is not simulated (majversion 2 is)") from error
    if plain[:2] != b"\x1f\x8b":
        raise Refusal(_DAMAGED)
    return plain


def _archive() -> bytes:
    """ConfigFiles and the directory's base, named from the root."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz", compresslevel=1) as archive:
        for path in (*sorted(paths.CONFIG.rglob("*")), paths.FIREWALL / BASE_FILE):
            if path.is_file():
                archive.add(path, arcname=str(path.relative_to("/")), recursive=False)
    return buffer.getvalue()


def _whole(archive: bytes) -> bytes:
    """The archive with what a backup leaves out and this appliance has: its own keys and passwords. Raises Refusal."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz", compresslevel=1) as whole:
        try:
            _copy(archive, whole)
        except (tarfile.TarError, EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise Refusal(_DAMAGED) from error
        for path in sorted(paths.DATA.rglob("*")):
            if path.is_file() and path != paths.FIREWALL / BASE_FILE:
                whole.add(path, arcname=str(path.relative_to("/")), recursive=False)
    return buffer.getvalue()


def _copy(archive: bytes, whole: tarfile.TarFile) -> None:
    """Add the configuration files of an archive to another."""
    # All of it first: tar alone reads no further than its own end, and the checksum stands behind that.
    with tarfile.open(fileobj=io.BytesIO(gzip.decompress(archive)), mode="r:") as backup:
        for entry in backup:
            if entry.isreg() and entry.name.lstrip("./").startswith(_FOLDER):
                entry.name = entry.name.lstrip("./")
                whole.addfile(entry, backup.extractfile(entry))


def _key(password: str, salt: bytes, iterations: int) -> bytes:
    return hashlib.pbkdf2_hmac("sha256", password.encode(), salt, iterations, _KEY_LENGTH)


def _crypt(way: str, content: bytes, key: bytes, vector: bytes) -> bytes:
    """AES-128-CBC. The key is on a command line that only root of this container sees."""
    with tempfile.TemporaryDirectory(prefix="backup") as folder:
        source, target = Path(folder) / "in", Path(folder) / "out"
        source.write_bytes(content)
        try:
            programs.run((
                "openssl", "enc", way, "-aes-128-cbc", "-K", key.hex(), "-iv", vector.hex(),
                "-in", str(source), "-out", str(target),
            ))  # fmt: skip
        except ProgramFailed as error:
            raise Refusal(_DAMAGED) from error
        return target.read_bytes()


def _signature(content: bytes) -> bytes:
    """A detached PKCS#7 signature by a certificate of this appliance's own."""
    certificate, key = _SIGNER / "signer.cert.pem", _SIGNER / "signer.pkey.pem"
    if not certificate.exists():
        _SIGNER.mkdir(mode=0o700, parents=True, exist_ok=True)
        curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
        subject = f"/O=Simulated/CN={ha_cluster.own_serial()}"
        programs.run((
            "openssl", "req", "-x509", *curve, "-days", "3650", "-subj", subject, "-keyout", str(key), "-out", str(certificate),
        ))  # fmt: skip
    with tempfile.TemporaryDirectory(prefix="backup") as folder:
        source, target = Path(folder) / "in", Path(folder) / "out"
        source.write_bytes(content)
        programs.run((
            "openssl", "cms", "-sign", "-binary", "-outform", "DER", "-signer", str(certificate), "-inkey", str(key),
            "-in", str(source), "-out", str(target),
        ))  # fmt: skip
        return target.read_bytes()


COMMANDS = (
    Command("CONFIG BACKUP", _backup, ("list", "password"), level="maintenance"),
    Command("CONFIG RESTORE", _restore, ("list", "password"), level="maintenance", modifies=True),
)
