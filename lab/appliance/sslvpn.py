"""``enopenvpn``: make ``Openvpn/openvpn``, the directory and the users' rights the running ones (sns.md 1.8, 1.10)."""

from __future__ import annotations

import hashlib
from pathlib import Path

from lab.appliance import configuration as configurations
from lab.appliance import directory, duty, openvpn, paths, webadmin
from lab.appliance.daemon import write_private
from lab.appliance.errors import ApplianceError, Misused, Refused
from sns.errors import ResolutionError
from sns.identity import BASE_FILE
from sns.model import Configuration, Finding, Location, Severity

RIGHTS_FILE = openvpn.FOLDER / "rights"
LOG = paths.LOG / "l_auth"

_DIGEST = openvpn.FOLDER / "running-digest"
_SHARED = frozenset({*configurations.NETWORK_FILES, "servicegroup", "Openvpn/openvpn", "ldap", "uac", BASE_FILE})
_CREDENTIALS = (
    "CA.cert.pem",
    "openvpnserver.cert.pem",
    "openvpnserver.pkey.pem",
    "openvpnclient.cert.pem",
    "openvpnclient.pkey.pem",
)

_VERIFIER = """\
#!/bin/sh
# OpenVPN gives the login and the password as the two lines of file $1, and the client's address in $untrusted_ip.
# The login must have a line in the table of rights; the password is the directory's to judge.
umask 077
trap 'rm -f "$1.secret"' EXIT
told=$(sed -n 1p "$1" | tr 'A-Z' 'a-z' | tr -cd '[:print:]')
say() { printf '%s user="%s" src=%s %s\\n' "$(date '+%Y-%m-%d %H:%M:%S')" "$told" "$untrusted_ip" "$1" >>LOGFILE; }
tab=$(printf '\\t')
while IFS=$tab read -r login decision where dn; do
    [ "$login" = "$told" ] && break
    login=
done <RIGHTS
[ -n "$login" ] || { say 'refused: not a user of the directory'; exit 1; }
[ "$decision" = pass ] || { say "refused: no right to the SSL VPN ($where)"; exit 1; }
sed -n 2p "$1" | tr -d '\\n' >"$1.secret"
[ -s "$1.secret" ] || { say 'refused: empty password'; exit 1; }
ldapwhoami -x -H URL -o nettimeout=2 -D "$dn" -y "$1.secret" >/dev/null 2>&1
code=$?
case $code in
0) say "authenticated ($where)"; exit 0 ;;
49) say 'refused: wrong password' ;;
*) say "refused: the directory did not answer (ldapwhoami: $code)" ;;
esac
exit 1
"""


def main_enopenvpn(arguments: list[str]) -> int:
    """``enopenvpn [-v]``: apply the SSL VPN's configuration, rights and users; ``-v`` says what runs then.

    ``enopenvpn -l`` only lists the sessions, one a line: transport, login, origin, address.
    """
    if arguments == ["-l"]:
        for session in openvpn.sessions():
            print(session.transport, session.login, session.origin, session.address)
        return 0
    if arguments not in ([], ["-v"]):
        raise Misused("enopenvpn [-v | -l]")
    with configurations.exclusive():
        configuration = configurations.load()
        apply(configuration)
        configurations.record("Openvpn", "uac", "ldap", "Certificates")
    if arguments:
        for server in openvpn.SERVERS:
            print(f"{server.transport} {server.device}: {'running' if server.daemon.pid() else 'stopped'}")
    return 0


def boot(configuration: Configuration) -> None:
    """Start what is configured, on both members of a cluster. Raises ApplianceError."""
    if configuration.ha.enabled:
        duty.forget()
    apply(configuration)


def apply(configuration: Configuration) -> None:
    """Make the SSL VPN run as configured. Sessions go on unless something about their server changed.

    Raises Refused, with everything that is wrong (nothing has changed then), and ServiceFailed.
    """
    check(configuration)
    try:
        texts = {server: openvpn.server_settings(configuration, server) for server in openvpn.SERVERS}
        exported = openvpn.client_settings(configuration) if configuration.ssl_vpn.enabled else None
    except ResolutionError as error:
        raise ApplianceError(f"the SSL VPN cannot be translated: {error}") from error
    directory.apply(configuration)
    _write_rights(configuration)
    _export(exported)
    digest = _digest()
    credentials_changed = not _DIGEST.exists() or _DIGEST.read_text() != digest
    for server, text in texts.items():
        if text is None:
            server.stop()
            server.settings.unlink(missing_ok=True)
        elif write_private(server.settings, text) or credentials_changed:
            server.stop()
    write_private(_DIGEST, digest)
    webadmin.apply(configuration)  # gives up, or takes, the port that the TCP server shares with it
    openvpn.start()


def check(configuration: Configuration) -> None:
    """Refuse what the SSL VPN cannot work with. Raises Refused."""
    configurations.check(configuration, lambda file: file in _SHARED)
    vpn = configuration.ssl_vpn
    if not vpn.enabled:
        return
    folder = paths.CONFIG / openvpn.AUTHORITY
    missing = [
        Finding(Severity.ERROR, Location(f"{openvpn.AUTHORITY}/{name}", 1), "file", "is missing", "restore the PKI")
        for name in _CREDENTIALS
        if not (folder / name).is_file()
    ]
    if configuration.directory.suffix is None:
        message = "the SSL VPN is on and there is no directory to ask for its users"
        missing.append(Finding(Severity.ERROR, Location("ldap", 1), "Default", message, "name the internal directory"))
    if missing:
        raise Refused(missing)


def rights(configuration: Configuration) -> str:
    """The table that the verifier reads: login, decision, the rule that decided, and the user's directory entry.

    A user may log in as ``uid`` and as ``uid@domain``, in any case.
    """
    people = configuration.directory
    lines = []
    for user in people.users:
        groups = tuple(name for name, members in people.groups.items() if user.uid in members)
        granted, rule = configuration.access.decision("openvpn", user.uid, groups)
        where = configuration.where(rule.location) if rule else "uac: [Defaults]"
        decision = "pass" if granted else "block"
        logins = (user.uid.lower(), f"{user.uid}@{people.domain}".lower())
        lines += [f"{login}\t{decision}\t{where}\t{user.dn}\n" for login in logins]
    return "".join(lines)


def _write_rights(configuration: Configuration) -> None:
    write_private(RIGHTS_FILE, rights(configuration))
    script = _VERIFIER.replace("LOGFILE", str(LOG)).replace("RIGHTS", str(RIGHTS_FILE)).replace("URL", directory.URL)
    write_private(openvpn.VERIFIER, script)
    openvpn.VERIFIER.chmod(0o700)
    openvpn.SCRATCH.mkdir(mode=0o700, parents=True, exist_ok=True)


def _export(text: str | None) -> None:
    if text is None:
        openvpn.CLIENT_FILE.unlink(missing_ok=True)
    else:
        write_private(openvpn.CLIENT_FILE, text)


def _digest() -> str:
    """Of the server's credentials: a change of theirs is not seen in its settings."""
    folder: Path = paths.CONFIG / openvpn.AUTHORITY
    files = [folder / name for name in _CREDENTIALS[:3]]
    return hashlib.sha256(b"".join(file.read_bytes() for file in files if file.exists())).hexdigest()
