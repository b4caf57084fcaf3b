"""What this package raises. Faults of a configuration's content are findings, not exceptions (:mod:`sns.reader`).

SnsError
├── ConfigurationNotFound      there is no ConfigFiles tree at the given place
├── UnknownInterface           a flow arrives on an interface that the configuration does not have
└── ResolutionError            a name that cannot be turned into addresses or ports
    ├── UnknownObject          nobody declares it
    ├── WrongKind              it is declared, but a group or a range cannot stand where one host or network must
    ├── AddressUnknown         it is declared, and its address is only known at run time (DHCP, DNS)
    ├── CircularGroup          the group contains itself
    └── ServiceMismatch        the service has no port of the rule's IP protocol
"""

from __future__ import annotations


class SnsError(Exception):
    """Root of everything that :mod:`sns` raises."""


class ConfigurationNotFound(SnsError):
    """There is no ConfigFiles directory at this path."""

    def __init__(self, path: object) -> None:
        super().__init__(f"{path}: not a ConfigFiles directory (give the one that holds 'object' and 'network')")


class UnknownInterface(SnsError):
    """A flow arrives on an interface that does not exist."""

    def __init__(self, name: str) -> None:
        super().__init__(f'there is no interface "{name}"')
        self.name = name


class ResolutionError(SnsError):
    """A name that cannot be resolved; ``name`` is the offending one, which may be a member of the one asked for."""

    reason = "cannot be resolved"

    def __init__(self, name: str, reason: str = "") -> None:
        super().__init__(f'"{name}" {reason or self.reason}')
        self.name = name


class UnknownObject(ResolutionError):
    """No object, group, service or implicit object has this name."""

    reason = "is not declared"


class WrongKind(ResolutionError):
    """The object exists but is not of the kind that is wanted here."""

    reason = "is of the wrong kind"


class AddressUnknown(ResolutionError):
    """The object exists, but its IPv4 address is not in the configuration (DHCP without lease, name resolved later)."""

    reason = "has no address in the configuration"


class CircularGroup(ResolutionError):
    """The group is, directly or not, a member of itself."""

    reason = "is a group that contains itself"


class ServiceMismatch(ResolutionError):
    """The service has no port of the IP protocol that the rule demands."""

    reason = "has no port of this IP protocol"
