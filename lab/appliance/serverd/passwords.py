"""The password of ``admin``: checked against its hash, and set."""

from __future__ import annotations

import ctypes
import hmac

from lab.appliance import sshd


def right(user: str, password: str) -> bool:
    """Whether this is the password of the appliance's administrator; nobody else can log in here."""
    try:
        kept = sshd.PASSWORD_HASH.read_text().strip()
    except FileNotFoundError:
        return False
    return hmac.compare_digest(_hashed(password, kept), kept) and user == "admin"


def set_password(password: str) -> None:
    """Change it, as ``fwpasswd -p`` does. Raises ApplianceError."""
    sshd.main_fwpasswd(["-p", password])


def _hashed(password: str, settings: str) -> str:
    """crypt(3), by the system's own library: Python's module for it is gone from 3.13 on."""
    library = ctypes.CDLL("libcrypt.so.1")
    library.crypt.restype = ctypes.c_char_p
    hashed: bytes | None = library.crypt(password.encode(), settings.encode())
    return hashed.decode() if hashed else ""
