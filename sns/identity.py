"""People and their rights (sns.md 1.10): ``ldap``, the exported directory base, ``uac``, ``auth``."""

from __future__ import annotations

from collections.abc import Mapping

from .ini import Line
from .ldif import Entry, entries
from .model import AccessRights, AccessRule, Directory, DirectoryUser
from .policies import pairs
from .reading import Reading
from .settings import Settings

BASE_FILE = "Data/Ldapbase.ldif"
"""The directory's export, beside ConfigFiles; findings name it so."""

RIGHTS = ("xvpn", "ipsec", "openvpn", "sponsoring")
_VALUES = ("pass", "block", "default")
_RULE_TOKENS = ("state", "user", "group", "domain", "domainname", "xvpnprofile", "comment", *RIGHTS)
_REFUSED_UIDS = frozenset({"admin", "ha"})
_DOMAIN_SILENT = ("comment", "type", "realbind", "admindn", "password", "host", "port")
_AUTH_SECTIONS = frozenset(
    {
        "config", "profilesmap", "defaults", "ruleset", "ssl", "radius", "kerberos", "spnego", "guest", "sponsor",
        "agent", "agent2", "agent3", "agent4", "agent5",
    }
)  # fmt: skip


def read_directory(reading: Reading) -> Directory:
    """The internal directory: its domain and suffix from ``ldap``, its users and groups from the exported base."""
    document = reading.document("ldap")
    domain, suffix = "", ""
    if document is not None:
        server = Settings(reading, document.section("server"), ("default",), ("indexed",))
        domain = server.text("Default")
        for section in document.sections:
            name = section.name.lower()
            if name == "server":
                continue
            settings = Settings(reading, section, ("suffix",), _DOMAIN_SILENT)
            if name == domain.lower():
                suffix = settings.text("Suffix")
            else:
                reading.unsupported(section.location, f"[{section.name}]", "a second directory is not modelled")
        if domain and not suffix:
            remedy = f"add [{domain}] with Suffix=o=…,dc=…"
            reading.error(server.where("Default"), "Default", f'"{domain}" has no Suffix in this file', remedy)
    text = reading.text(BASE_FILE, reading.root.parent / BASE_FILE)
    found = entries(BASE_FILE, text, reading.error) if text is not None else []
    users = _users(reading, found, suffix)
    return Directory(domain or None, suffix or None, tuple(users.values()), _groups(reading, found, users), text is not None)


def _branch(dn: str) -> str:
    """The branch of an entry: ``users`` for ``cn=…,ou=users,…``; "" for the branches themselves."""
    parent = dn.partition(",")[2].partition(",")[0].strip().lower()
    return parent.removeprefix("ou=") if parent.startswith("ou=") else ""


def _users(reading: Reading, found: list[Entry], suffix: str) -> dict[str, DirectoryUser]:
    users: dict[str, DirectoryUser] = {}
    for entry in found:
        if suffix and not entry.dn.replace(" ", "").lower().endswith(suffix.replace(" ", "").lower()):
            reading.error(entry.location, "dn", f'"{entry.dn}" is not under {suffix}', "move it, or correct ldap")
        if _branch(entry.dn) != "users":
            continue
        uid = entry.first("uid")
        if not uid:
            reading.error(entry.location, "uid", "is missing", "a user is known by its uid")
        elif uid.lower() in users:
            reading.error(entry.location, "uid", f'"{uid}" is already declared at {users[uid.lower()].location}')
        elif uid.lower() in _REFUSED_UIDS:
            reading.error(entry.location, "uid", f'"{uid}" is reserved', "choose another uid")
        else:
            name = entry.first("cn") or uid
            users[uid.lower()] = DirectoryUser(
                uid, entry.location, name, entry.dn, entry.first("mail"), entry.first("userpassword")
            )
    return users


def _groups(reading: Reading, found: list[Entry], users: Mapping[str, DirectoryUser]) -> dict[str, tuple[str, ...]]:
    by_dn = {user.dn.replace(" ", "").lower(): user.uid for user in users.values()}
    groups: dict[str, tuple[str, ...]] = {}
    for entry in found:
        name = entry.first("cn")
        if _branch(entry.dn) != "groups" or not name:
            continue
        uids = []
        for member in entry.values("member", "uniquemember", "memberuid"):
            uid = by_dn.get(member.replace(" ", "").lower())
            user = users.get(member.lower())
            if uid is None and user is None:
                reading.error(entry.location, "member", f'"{member}" of group {name} is not a user of the directory')
            else:
                uids.append(uid or (user.uid if user else member))
        groups[name] = tuple(uids)
    return groups


def read_access(reading: Reading, directory: Directory) -> AccessRights:
    """``uac``: who may use which VPN. Users are written ``uid`` or ``uid@domain``."""
    document = reading.document("uac", ("defaults", "ruleset"))
    if document is None:
        return AccessRights()
    defaults = Settings(reading, document.section("defaults"), (*RIGHTS, "xvpnprofile"))
    rights = {right: defaults.choice(right, "block", ("pass", "block")) for right in RIGHTS}
    rules = (_access_rule(reading, line, directory) for line in document.lines("ruleset"))
    return AccessRights(rights, tuple(rule for rule in rules if rule is not None))


def _access_rule(reading: Reading, line: Line, directory: Directory) -> AccessRule | None:
    fields = pairs(reading, line, _RULE_TOKENS)
    if ("user" in fields) == ("group" in fields):
        reading.error(line.location, "user", "a right belongs to one user or one group", "give user= or group=")
        return None
    state = fields.get("state", "on")
    if state not in ("on", "off"):
        reading.error(line.location, "state", f'"{state}" is neither on nor off')
    if fields.get("xvpnprofile"):
        reading.unsupported(line.location, "xvpnprofile", "SSL VPN portal profiles are not modelled")
    rights: dict[str, str] = {}
    for right in RIGHTS:
        value = fields.get(right, "default")
        if value not in _VALUES:
            reading.error(line.location, right, f'"{value}" is not one of {", ".join(_VALUES)}')
            value = "block"
        rights[right] = value
    user = _known_user(reading, line, fields["user"], directory) if "user" in fields else None
    group = fields.get("group")
    if group is not None and not directory.known:
        _not_known(reading, line, "group", group)
    elif group is not None:
        group = next((name for name in directory.groups if name.lower() == group.partition("@")[0].lower()), None)
        if group is None:
            reading.error(line.location, "group", f'"{fields["group"]}" is not a group of the directory')
            return None
    return AccessRule(line.location, state != "off", user, group, rights)


def _not_known(reading: Reading, line: Line, field: str, name: str) -> None:
    """A backup holds ConfigFiles, and not always the directory's base."""
    remedy = f"export the base beside the tree, as {BASE_FILE}"
    reading.unsupported(line.location, field, f'whether the directory has "{name}" is not known: its base is not here', remedy)


def _known_user(reading: Reading, line: Line, written: str, directory: Directory) -> str:
    """The directory's own spelling of a user; the written one when the directory has none such."""
    uid, at, domain = written.partition("@")
    if at and domain.lower() != (directory.domain or "").lower():
        reading.error(line.location, "user", f'"{domain}" is not the directory of this firewall')
    found = next((user.uid for user in directory.users if user.uid.lower() == uid.lower()), None)
    if not directory.known:
        _not_known(reading, line, "user", written)
    elif found is None:
        remedy = f"create it in {BASE_FILE}, or remove the rule"
        reading.error(line.location, "user", f'"{written}" is not a user of the directory', remedy)
    return found or uid


def read_authentication(reading: Reading) -> None:
    """``auth``: the captive portal and its methods are not modelled; what would turn them on is told."""
    document = reading.document("auth", _AUTH_SECTIONS)
    if document is None:
        return
    for line in document.lines("profilesmap"):
        reading.unsupported(line.location, "[ProfilesMap]", "the captive portal is not modelled")
    for line in document.lines("ruleset"):
        fields = pairs(reading, line, ("state", "user", "group", "src", "auth", "authmethod", "comment"))
        if fields.get("state") != "off" and fields.get("authmethod", "PLAIN").upper() != "PLAIN":
            reading.unsupported(line.location, "authmethod", f'"{fields["authmethod"]}" is not modelled', "use PLAIN")
