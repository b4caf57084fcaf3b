"""The typed model of one appliance's configuration: what a ConfigFiles tree says, with file and line on every element.

Nothing here reads files or resolves names; see :mod:`sns.reader` for the first and :mod:`sns.resolution` for the
second. Names and meanings are the product's; where the file syntax is not confirmed by the vendor,
``docs/fidelity.md`` says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from ipaddress import IPv4Address, IPv4Interface, IPv4Network


@dataclass(frozen=True, slots=True, order=True)
class Location:
    """A line of a file, the file named relative to the ConfigFiles root (``Filter/05:14``)."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


class Severity(Enum):
    """How a finding bears on the use of a configuration: an error is refused by the appliance's commands."""

    ERROR = "error"
    WARNING = "warning"
    UNSUPPORTED = "unsupported"  # understood by the product, not modelled here: never guessed, never ignored


@dataclass(frozen=True, slots=True)
class Finding:
    """Something a reader must tell: where, which field, what is wrong and what to do."""

    severity: Severity
    location: Location
    field: str
    message: str
    remedy: str = ""

    def __str__(self) -> str:
        remedy = f" ({self.remedy})" if self.remedy else ""
        return f"{self.location}: {self.field}: {self.message}{remedy}"


# Objects ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class HostObject:
    """``[Host]``: one address, or a range (``first`` to ``last``, both included); no address when resolved later."""

    name: str
    location: Location
    first: IPv4Address | None
    last: IPv4Address | None
    resolve: str = "static"
    comment: str = ""


@dataclass(frozen=True, slots=True)
class NetworkObject:
    """``[Network]``: an address and its mask."""

    name: str
    location: Location
    network: IPv4Network
    comment: str = ""


@dataclass(frozen=True, slots=True)
class InternetObject:
    """``[Internet]``: everything that is not (``ne``) or is (``eq``) the named object."""

    location: Location
    operator: str
    object: str


@dataclass(frozen=True, slots=True)
class ServiceObject:
    """``[Service]``: a port range (inclusive) of ``tcp``, ``udp`` or ``any`` (both)."""

    name: str
    location: Location
    protocol: str
    first: int
    last: int
    comment: str = ""


@dataclass(frozen=True, slots=True)
class ProtocolObject:
    """``[Protocol]``: an IP protocol number."""

    name: str
    location: Location
    number: int


@dataclass(frozen=True, slots=True)
class Group:
    """A section of ``objectgroup``, ``servicegroup``, ``urlgroup`` or ``cngroup``: member lines with their places."""

    name: str
    location: Location
    members: tuple[tuple[str, Location], ...]
    comment: str = ""


@dataclass(frozen=True, slots=True)
class Router:
    """A section of ``router``: gateways in order of preference (principals, then backups), by object name."""

    name: str
    location: Location
    principals: tuple[str, ...]
    backups: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Objects:
    """The object base. Keys are lower-cased names: rules match names without regard to case (sns.md 2)."""

    hosts: Mapping[str, HostObject] = field(default_factory=dict)
    networks: Mapping[str, NetworkObject] = field(default_factory=dict)
    services: Mapping[str, ServiceObject] = field(default_factory=dict)
    protocols: Mapping[str, ProtocolObject] = field(default_factory=dict)
    groups: Mapping[str, Group] = field(default_factory=dict)
    service_groups: Mapping[str, Group] = field(default_factory=dict)
    routers: Mapping[str, Router] = field(default_factory=dict)
    url_groups: Mapping[str, Group] = field(default_factory=dict)
    cn_groups: Mapping[str, Group] = field(default_factory=dict)
    internet: InternetObject | None = None


# Network ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Interface:
    """A section of ``network``. ``section`` is the file's name (``ethernet0``), ``name`` the user's (``out``).

    ``address`` is None for a disabled interface, and for a DHCP one whose lease is not known to the reader.
    """

    section: str
    name: str
    location: Location
    enabled: bool
    protected: bool
    address: IPv4Interface | None
    dhcp: bool = False
    mac: str | None = None
    mtu: int | None = None
    physical: str | None = None  # VLAN interfaces only
    tag: int | None = None  # VLAN interfaces only


@dataclass(frozen=True, slots=True)
class StaticRoute:
    """A ``[StaticRoutes]`` line: ``destination,interface[->gateway]``. Interface ``loopback`` is a black hole."""

    location: Location
    destination: str
    interface: str
    gateway: str | None


@dataclass(frozen=True, slots=True)
class Routing:
    """The ``route`` file."""

    default: str | None = None
    default_location: Location | None = None
    static: tuple[StaticRoute, ...] = ()


# Filter and NAT --------------------------------------------------------------------------------------------------


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


# VPN -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Proposal:
    """One algorithm set, in the product's words: ``aes/256``, ``sha2_256``; ``dh`` is a group number or None."""

    encryption: str
    authentication: str | None
    dh: int | None


@dataclass(frozen=True, slots=True)
class CryptoProfile:
    """A section of ``VPN/ph1profile`` or ``VPN/ph2profile``. ``lifetime`` is in seconds; ``pfs`` a DH group or None."""

    name: str
    location: Location
    lifetime: int
    proposals: tuple[Proposal, ...]
    pfs: int | None = None


@dataclass(frozen=True, slots=True)
class Peer:
    """A section of ``VPN/peer``."""

    name: str
    location: Location
    remote: str  # host object
    local: str  # host object or "any"
    ike_version: int
    method: str  # psk
    profile: str
    dpd_mode: str = "passive"  # passive low high
    responder_only: bool = False


@dataclass(frozen=True, slots=True)
class Tunnel:
    """A ``[Policy]`` line of a ``VPN/NN`` slot. ``number`` counts lines from 1."""

    location: Location
    number: int
    enabled: bool
    local: str  # network object
    remote: str  # network object
    peer: str
    profile: str
    keepalive: int = 0  # seconds, 0 is off
    name: str | None = None


@dataclass(frozen=True, slots=True)
class VpnSlot:
    """A ``VPN/NN`` slot: global IKE tokens (lower-cased, as written) and tunnels."""

    slot: int
    name: str
    options: Mapping[str, str]
    tunnels: tuple[Tunnel, ...]


@dataclass(frozen=True, slots=True)
class Vpn:
    """All of ``VPN/``. ``preshared_keys`` maps the peer's lower-cased host object to its key."""

    active: int = 0
    slots: Mapping[int, VpnSlot] = field(default_factory=dict)
    peers: Mapping[str, Peer] = field(default_factory=dict)
    phase1: Mapping[str, CryptoProfile] = field(default_factory=dict)
    phase2: Mapping[str, CryptoProfile] = field(default_factory=dict)
    preshared_keys: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def tunnels(self) -> tuple[Tunnel, ...]:
        """The enabled tunnels of the active slot; none when slot 00 is active."""
        slot = self.slots.get(self.active)
        return tuple(tunnel for tunnel in slot.tunnels if tunnel.enabled) if slot else ()


@dataclass(frozen=True, slots=True)
class SslVpn:
    """``Openvpn/openvpn``: pools and route are object names, ports are service objects, times are seconds."""

    location: Location
    enabled: bool = False
    route: str = "Network_internals"
    pool: str | None = None  # TCP clients
    udp_pool: str | None = None
    port: str = "sslvpn"
    udp_port: str = "udpvpn"
    public_address: str | None = None
    renegotiation: int = 14400
    cipher: str = ""
    authentication: str = ""
    ping: int = 1
    ping_restart: int = 10


# Identity and management -----------------------------------------------------------------------------------------


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
    ssh_password_location: Location = Location("system", 1)
    ssh_port: str = "ssh"


# High availability -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class HaMember:
    """A section of ``HA/hacluster``, named by the member's serial number."""

    serial: str
    location: Location
    address: IPv4Address
    priority: int
    node_id: int


@dataclass(frozen=True, slots=True)
class HighAvailability:
    """``HA/highavailability`` and ``HA/hacluster``. Times are milliseconds unless said otherwise (sns.md 1.9)."""

    enabled: bool = False
    interface: str | None = None  # user name of the HA interface
    members: tuple[HaMember, ...] = ()
    weights: Mapping[str, int] = field(default_factory=dict)  # interface section -> weight
    token_timeout: int = 4000
    ping_interval: int = 100
    ping_count: int = 5
    send_arp: bool = False
    send_arp_period: int = 30  # seconds
    purge_arp: bool = False
    interfaces_flip_flop: int = 1000
    password: str = field(default="", repr=False)
    forward: str = "All"

    @property
    def paired(self) -> bool:
        """Whether there are two members. A cluster that waits for its second one works as a firewall that stands alone."""
        return self.enabled and len(self.members) > 1


@dataclass(frozen=True, slots=True)
class SilentSetting:
    """A documented token that the model passes over: it decides nothing that the model speaks of."""

    location: Location
    section: str
    token: str
    value: str


@dataclass(frozen=True, slots=True)
class Unmodelled:
    """A file, or a folder with so many files, of which nothing is said; ``consequence`` is what is not known therefore."""

    name: str
    files: int
    consequence: str


@dataclass(frozen=True, slots=True)
class Configuration:
    """Everything that one ConfigFiles tree says. ``label`` names the tree in messages (``sbg7``), may be empty."""

    label: str
    objects: Objects
    interfaces: tuple[Interface, ...]
    routing: Routing
    policies: Mapping[int, Policy]
    active_policy: int
    implicit: ImplicitOptions
    vpn: Vpn
    ssl_vpn: SslVpn
    directory: Directory
    access: AccessRights
    management: Management
    ha: HighAvailability
    url_filters: Mapping[int, tuple[NameFilterRule, ...]] = field(default_factory=dict)
    ssl_filters: Mapping[int, tuple[NameFilterRule, ...]] = field(default_factory=dict)
    uses: frozenset[str] = frozenset()  # lower-cased names that anything refers to, in slots that are not active too
    findings: tuple[Finding, ...] = ()
    read: frozenset[str] = frozenset()  # the files that the model was made of
    silent: tuple[SilentSetting, ...] = ()
    unmodelled: tuple[Unmodelled, ...] = ()

    @property
    def policy(self) -> Policy:
        """The active filter and NAT slot. Raises KeyError when the active slot has no file (also an error finding)."""
        return self.policies[self.active_policy]

    def interface(self, name: str) -> Interface | None:
        """The interface with this user name or section name, without regard to case."""
        wanted = name.lower()
        return next((i for i in self.interfaces if wanted in (i.name.lower(), i.section.lower())), None)

    def where(self, location: Location) -> str:
        """The place as messages print it: ``sbg7/Filter/05:14``."""
        return f"{self.label}/{location}" if self.label else str(location)
