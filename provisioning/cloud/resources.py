"""What a deployment wants of OpenStack, as plain values, and what of it was found there.

A resource is known by region, kind and name; OpenStack's own ids stay in :class:`Found`. ``wanted`` are the attributes that are
compared with what was found; those in ``fixed`` cannot be changed on a living resource.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

Attributes = Mapping[str, Any]


class Key(NamedTuple):
    """Which resource: ``SBG7 port stormshield-1-ext``."""

    region: str
    kind: str
    name: str

    def __str__(self) -> str:
        return f"{self.region} {self.kind} {self.name}"


@dataclass(frozen=True)
class Resource:
    """Something of a region that the deployment wants there, under a name that only one of its kind has."""

    kind: ClassVar[str]
    fixed: ClassVar[frozenset[str]] = frozenset()
    region: str
    name: str

    @property
    def key(self) -> Key:
        """What it is known by."""
        return Key(self.region, self.kind, self.name)

    @property
    def wanted(self) -> Attributes:
        """What is compared."""
        return {}


@dataclass(frozen=True)
class Network(Resource):
    """A network of the vRack. ``mtu`` is None where the cloud's own is taken."""

    kind = "network"
    fixed = frozenset({"vlan"})
    vlan: int
    mtu: int | None
    port_security: bool

    @property
    def wanted(self) -> Attributes:
        """What is compared."""
        return {"vlan": self.vlan, "port security": self.port_security} | ({"mtu": self.mtu} if self.mtu else {})


@dataclass(frozen=True)
class Subnet(Resource):
    """The addresses of a network. ``pools`` are first and last addresses of what Neutron hands out by itself."""

    kind = "subnet"
    fixed = frozenset({"network", "addresses"})
    network: str
    addresses: str
    gateway: str | None
    dhcp: bool
    dns: tuple[str, ...]
    pools: tuple[tuple[str, str], ...]

    @property
    def wanted(self) -> Attributes:
        """What is compared."""
        return {
            "network": self.network,
            "addresses": self.addresses,
            "gateway": self.gateway,
            "dhcp": self.dhcp,
            "dns": self.dns,
            "pools": self.pools,
        }


@dataclass(frozen=True)
class SecurityGroup(Resource):
    """What may come to a server whose port has port security: protocol and port, or anything. It may send what it likes."""

    kind = "security group"
    admits: tuple[tuple[str, int], ...]  # (protocol, port); ("any", 0) is all

    @property
    def wanted(self) -> Attributes:
        """What is compared."""
        return {"admits": self.admits}


@dataclass(frozen=True)
class Port(Resource):
    """A network interface to be, with its address, before the server that it belongs to. No ``address``: Neutron chooses."""

    kind = "port"
    fixed = frozenset({"network"})
    network: str
    address: str | None
    port_security: bool
    groups: tuple[str, ...] = ()

    @property
    def wanted(self) -> Attributes:
        """What is compared."""
        found: dict[str, Any] = {
            "network": self.network,
            "port security": self.port_security,
            "security groups": self.groups,
        }
        return found | ({"address": self.address} if self.address else {})


@dataclass(frozen=True)
class ServerGroup(Resource):
    """Servers that may not share a hypervisor."""

    kind = "server group"
    fixed = frozenset({"policy"})
    policy: str = "anti-affinity"

    @property
    def wanted(self) -> Attributes:
        """What is compared."""
        return {"policy": self.policy}


@dataclass(frozen=True)
class Image(Resource):
    """An image made from a file here, whose SHA-256 the plan may know.

    ``sha512`` is what Glance computes too; empty while the file has not been read.
    """

    kind = "image"
    fixed = frozenset({"disk format", "sha512"})
    file: Path
    disk_format: str
    protected: bool
    sha256: str = ""
    sha512: str = ""

    @property
    def wanted(self) -> Attributes:
        """What is compared."""
        found: dict[str, Any] = {"disk format": self.disk_format, "protected": self.protected}
        return found | ({"sha512": self.sha512} if self.sha512 else {})


@dataclass(frozen=True)
class KeyPair(Resource):
    """The public key that servers let in."""

    kind = "key pair"
    fixed = frozenset({"public key"})
    public_key: str  # type and key, without comment

    @property
    def wanted(self) -> Attributes:
        """What is compared."""
        return {"public key": self.public_key}


@dataclass(frozen=True)
class Server(Resource):
    """An instance. Its ports are in the order of its interfaces. ``first_boot`` runs when it starts the first time."""

    kind = "server"
    fixed = frozenset({"flavor", "image", "key pair", "ports", "first boot"})
    flavor: str
    image: str
    key_pair: str
    ports: tuple[str, ...]
    group: str | None = None
    first_boot: str = field(default="", repr=False)  # it holds secrets
    digest: str = ""  # of first_boot; OpenStack does not show what it was given

    @property
    def wanted(self) -> Attributes:
        """What is compared."""
        return {
            "flavor": self.flavor,
            "image": self.image,
            "key pair": self.key_pair,
            "ports": tuple(sorted(self.ports)),
            "first boot": self.digest,
            "status": "ACTIVE",
        }


KINDS = ("key pair", "image", "server group", "security group", "network", "subnet", "port", "server")
"""In the order of creation: what is needed before what needs it."""


@dataclass(frozen=True)
class Found:
    """A resource that is there. ``ours`` tells whether it carries the deployment's mark.

    ``unfinished`` says what is wrong with one that never came to life (an upload that broke off, a server in ERROR): it can
    only be made again. ``created`` is OpenStack's time: which of two came first. ``marked`` is False for one of ours whose tag
    is still to be written. ``growing`` is a server that is being built: what belongs to it is not there yet.
    """

    key: Key
    id: str
    ours: bool
    values: Attributes
    created: str = ""
    unfinished: str = ""
    marked: bool = True
    growing: bool = False
    used_by: str = ""  # a port: its server; security group, server group, image: one that has it; a server: itself
