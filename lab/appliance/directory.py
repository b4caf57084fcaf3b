"""The internal LDAP directory: slapd on the loopback, its database made from ``Data/Ldapbase.ldif``."""

from __future__ import annotations

import hashlib
import re
import shutil
import socket
import subprocess
from pathlib import Path

from lab.appliance import configuration as configurations
from lab.appliance import paths
from lab.appliance.daemon import Daemon, write_private
from lab.appliance.errors import ApplianceError, Misused, Refused
from sns.identity import BASE_FILE
from sns.model import Configuration, Finding, Location, Severity

ADDRESS = ("127.0.0.1", 389)
URL = "ldap://127.0.0.1:389"
LDIF = paths.DATA / "Ldapbase.ldif"

_FOLDER = paths.STATE / "ldap"
_SETTINGS = _FOLDER / "slapd.conf"
_DIGEST = _FOLDER / "built-from"
_DATABASE = _FOLDER / "database"
_SLAPD = Daemon("slapd", "/usr/sbin/slapd", paths.LOG / "l_ldap")
_HOSTS = Path("/etc/hosts")
_WHERE_SLAPADD = re.compile(r"line[ =](\d+)")


def main_enldap(arguments: list[str]) -> int:
    """``enldap``: apply ``ldap`` and the exported base."""
    if arguments not in ([], ["-u"]):
        raise Misused("enldap [-u]")
    with configurations.exclusive():
        configuration = configurations.load()
        configurations.check(configuration, lambda file: file in ("ldap", BASE_FILE))
        apply(configuration)
        configurations.record("ldap")
    return 0


def settings(configuration: Configuration) -> str:
    """``slapd.conf``: one database below the configured suffix, binding and nothing else for the outside."""
    return "\n".join([
        "include /etc/ldap/schema/core.schema",
        "include /etc/ldap/schema/cosine.schema",
        "include /etc/ldap/schema/inetorgperson.schema",
        "modulepath /usr/lib/ldap",
        "moduleload back_mdb",
        f"pidfile {_FOLDER}/slapd.own.pid",
        "loglevel none",
        "idletimeout 60",
        "database mdb",
        "maxsize 16777216",
        f'suffix "{configuration.directory.suffix}"',
        f"directory {_DATABASE}",
        "index objectClass,uid eq",
        "access to attrs=userPassword by anonymous auth by * none",
        "access to * by * none",
        "",
    ])  # fmt: skip


def apply(configuration: Configuration) -> None:
    """Run the directory as configured; its database is built again only when the base or the suffix changed.

    Raises Refused when slapd cannot take the base, naming its line, and ServiceFailed when slapd does not answer.
    """
    if not configuration.directory.suffix:
        _SLAPD.stop()
        return
    text = settings(configuration)
    base = LDIF.read_bytes() if LDIF.exists() else b""
    digest = hashlib.sha256(text.encode() + base).hexdigest()
    _know_own_name()
    if not (_DIGEST.exists() and _DIGEST.read_text() == digest):
        fresh = _build(text)
        _SLAPD.stop()
        shutil.rmtree(_DATABASE, ignore_errors=True)
        fresh.rename(_DATABASE)
        write_private(_SETTINGS, text)
        _DIGEST.write_text(digest)
    if _SLAPD.pid() is None:
        _SLAPD.start(["-d", "0", "-f", str(_SETTINGS), "-h", f"{URL}/"], _answers)


def stop() -> None:
    """Stop the directory. Nothing to do when it does not run."""
    _SLAPD.stop()


def _build(text: str) -> Path:
    """A database folder made from the base, beside the one in use."""
    fresh = _DATABASE.with_name("database.new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    draft = _FOLDER / "slapd.conf.new"
    write_private(draft, text.replace(f"directory {_DATABASE}\n", f"directory {fresh}\n"))
    if not LDIF.exists():
        return fresh
    try:
        done = subprocess.run(
            ["/usr/sbin/slapadd", "-q", "-f", str(draft), "-l", str(LDIF)],
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise ApplianceError(f"{BASE_FILE}: slapadd did not end within 20 s") from error
    if done.returncode:
        raise Refused((_finding(done.stderr),))
    return fresh


def _finding(said: str) -> Finding:
    lines = [line for line in said.splitlines() if "slapadd" in line or "line" in line]
    message = lines[0] if lines else said.strip()
    place = _WHERE_SLAPADD.search(message)
    location = Location(BASE_FILE, int(place[1]) if place else 1)
    return Finding(Severity.ERROR, location, "entry", message, "correct the entry; the running directory was kept")


def _know_own_name() -> None:
    """Put the host's names into /etc/hosts: slapadd and slapd look them up first, and must not wait for a name server."""
    known = [word for line in _HOSTS.read_text().splitlines() for word in line.split()[1:]]
    with _HOSTS.open("a") as stream:
        for address, name in (("127.0.0.1", "localhost"), ("127.0.1.1", socket.gethostname())):
            if name not in known:
                stream.write(f"{address}\t{name}\n")


def _answers() -> bool:
    try:
        socket.create_connection(ADDRESS, timeout=0.5).close()
    except OSError:
        return False
    return True
