"""Filter and NAT: rules, slots, implicit rules, and the filtering of names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sns.model.findings import Location


@dataclass(frozen=True, slots=True)
class Operand:
    """One side of a rule: object names joined by ``|`` in the file, possibly negated; ``any`` stands alone."""

    names: tuple[str, ...] = ("any",)
    negated: bool = False

    @property
    def is_any(self) -> bool:
        """Whether the operand constrains nothing."""
        return len(self.names) == 1 and self.names[0].lower() == "any"


@dataclass(frozen=True, slots=True)
class Translation:
    """What stands behind ``->``. None leaves a part as it was (the file's ``original`` or absence)."""

    source: str | None = None
    source_port: str | None = None
    destination: str | None = None
    destination_port: str | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """A line of ``[Filter]`` or ``[NAT]``. ``number`` counts rules of its section from 1; separators do not count."""

    location: Location
    section: str  # "filter" or "nat"
    number: int
    action: str  # pass block reset log decrypt deleg nat
    text: str  # the line as written, without comment
    enabled: bool = True
    log: bool = False
    log_level: str | None = None  # log minor major
    inspection: str | None = None  # firewall ids ips
    ip_protocol: str | None = None  # name or number behind ipproto
    icmp_type: int | None = None
    icmp_code: int | None = None
    protocol: str | None = None  # application protocol behind proto ("none" included)
    tos: int | None = None
    source: Operand = Operand()
    source_port: Operand = Operand()
    source_interface: str | None = None
    via: str | None = None  # ipsec sslvpn none …
    destination: Operand = Operand()
    destination_interface: str | None = None
    destination_port: Operand = Operand()
    translation: Translation | None = None
    route: str | None = None
    url_filter: int | None = None  # URLFiltering slot
    ssl_filter: int | None = None  # SSLFiltering slot
    name: str | None = None  # rulename
    comment: str = ""
    unmodelled: tuple[str, ...] = ()  # words of the line that this model leaves out, each also an UNSUPPORTED finding

    @property
    def finer(self) -> tuple[str, ...]:
        """Words that tell packets of one flow apart: the lab honours them, and whoever judges flows leaves the rule open.

        An ICMP code of 0 is none of them: what begins a connection has no other (RFC 792, RFC 950).
        """
        found = (("tos", self.tos), ("code", self.icmp_code or None))
        return tuple(f"{keyword} {value}" for keyword, value in found if value is not None)

    @property
    def unjudged(self) -> tuple[str, ...]:
        """All words for which it is not known which flows the rule takes."""
        return self.unmodelled + self.finer


@dataclass(frozen=True, slots=True)
class Separator:
    """A ``separator`` line: a heading in the administrator's rule list."""

    location: Location
    comment: str


@dataclass(frozen=True, slots=True)
class Policy:
    """A ``Filter/NN`` slot. ``filter`` and ``nat`` are in file order, disabled rules included."""

    slot: int
    name: str
    filter: tuple[Rule, ...]
    nat: tuple[Rule, ...]
    separators: tuple[Separator, ...] = ()


@dataclass(frozen=True, slots=True)
class ImplicitOptions:
    """``Filter/filter``. ``implicit`` switches all; ``services`` holds one lower-cased token per implicit rule."""

    location: Location
    implicit: bool = True
    firewall_default: bool = True  # traffic that the firewall itself sends
    services: Mapping[str, bool] = field(default_factory=dict)
    locations: Mapping[str, Location] = field(default_factory=dict)  # of the tokens that the file gives, lower-cased

    def where(self, token: str) -> Location:
        """The line that sets a token, or the section's when the product's default applies."""
        return self.locations.get(token.lower(), self.location)


@dataclass(frozen=True, slots=True)
class NameFilterRule:
    """A line of ``URLFiltering/NN`` or ``SSLFiltering/NN``: first match decides for the names of a group."""

    location: Location
    enabled: bool
    action: str  # pass block (and decrypt, for SSL)
    group: str  # urlgroup, cngroup or "any"
