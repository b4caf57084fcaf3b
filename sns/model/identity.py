"""Who there is and what they may: the directory, access rights, and the ways to administration."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sns.model.findings import Location

_NOWHERE_IN_SYSTEM = Location("system", 1)  # what messages point at when the file does not say it


@dataclass(frozen=True, slots=True)
class DirectoryUser:
    """A person of the internal LDAP directory. ``password`` is what the directory holds (clear, or a hash scheme)."""

    uid: str
    location: Location
    name: str
    dn: str
    mail: str = ""
    password: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Directory:
    """The internal LDAP: ``ldap`` names the default domain; users come from the exported base (``Ldapbase.ldif``)."""

    domain: str | None = None
    suffix: str | None = None  # o=stormshield,dc=ovh
    users: tuple[DirectoryUser, ...] = ()
    groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # group -> uids
    known: bool = True  # False when its base is not among the files: nobody knows who is in it


@dataclass(frozen=True, slots=True)
class AccessRule:
    """A line of ``uac [Ruleset]``: rights of a user or a group. Values are ``pass``, ``block`` or ``default``."""

    location: Location
    enabled: bool
    user: str | None
    group: str | None
    rights: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class AccessRights:
    """``uac``: defaults and rules, first match wins. Unlisted rights are blocked."""

    defaults: Mapping[str, str] = field(default_factory=dict)
    rules: tuple[AccessRule, ...] = ()

    def decision(self, right: str, uid: str, groups: tuple[str, ...] = ()) -> tuple[bool, AccessRule | None]:
        """Whether ``right`` (``openvpn`` …) is granted to a user, and the rule that says so (None: the defaults)."""
        default = self.defaults.get(right, "block")
        for rule in self.rules:
            if rule.enabled and (rule.user == uid or (rule.group is not None and rule.group in groups)):
                value = rule.rights.get(right, "default")
                return (default if value == "default" else value) == "pass", rule
        return default == "pass", None


@dataclass(frozen=True, slots=True)
class Management:
    """``webadmin`` and ``system [SSH]``. ``web_access`` are the objects allowed to the administration page."""

    web_enabled: bool = True
    web_port: str = "https"
    web_access: tuple[tuple[str, Location], ...] = ()
    ssh_enabled: bool = False
    ssh_password: bool = False
    ssh_password_location: Location = _NOWHERE_IN_SYSTEM
    ssh_port: str = "ssh"
