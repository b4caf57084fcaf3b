"""What a deployment asks OpenStack for, beside its sites: images, flavors, key pair, and how each network is made.

Read from ``[cloud]`` of ``deployment.toml`` and from the ``cloud`` tables of its networks. Nothing here is a secret.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address

from provisioning.toml_lines import Place

DISK_FORMATS = ("qcow2", "raw")
LONGEST_MTU = 9000  # bytes; the vRack's largest


@dataclass(frozen=True)
class CloudNetwork:
    """How OpenStack is asked for a network and its subnet.

    ``gateway`` is None where the subnet has none. Where the plan says nothing (``gateway_chosen`` is False), Neutron takes the
    subnet's first address. ``pool`` is what Neutron may hand out of the subnet; None leaves it all. ``port_security`` is the
    network's: appliances' ports never have it, since a pair shares addresses and MACs.
    """

    name: str
    gateway: IPv4Address | None
    gateway_chosen: bool
    port_security: bool
    pool: tuple[IPv4Address, IPv4Address] | None
    dns: tuple[IPv4Address, ...]
    place: Place


@dataclass(frozen=True)
class ApplianceImage:
    """The appliance's image: the file as downloaded, what it is to be called, and what OpenStack is told about it.

    ``file`` is relative to the deployment's folder, ``~`` is the user's. ``sha256`` is empty where the plan does not know it.
    """

    name: str
    file: str
    disk_format: str  # one of DISK_FORMATS
    sha256: str
    protected: bool
    place: Place


@dataclass(frozen=True)
class CloudAppliances:
    """How the appliances are created. With ``first_boot`` each is given its first configuration as ``user_data``."""

    image: ApplianceImage
    flavor: str
    anti_affinity: bool
    first_boot: bool
    place: Place


@dataclass(frozen=True)
class CloudServers:
    """How the private servers (hosts of role ``web``) are created. ``image`` is one that the cloud offers."""

    image: str
    flavor: str
    place: Place


@dataclass(frozen=True)
class CloudVpnClient:
    """A server on the provider's public network that tries the SSL VPN, in a region of its own choice."""

    instance: str
    region: str
    network: str
    image: str
    flavor: str
    place: Place


@dataclass(frozen=True)
class Cloud:
    """The ``[cloud]`` table.

    ``tag`` marks all that is created, and nothing without it is ever changed. ``key`` names the key pair, ``public_key`` its
    file (relative to the deployment's folder, ``~`` is the user's). ``mtu`` is None where the plan does not say.
    """

    tag: str
    key: str
    public_key: str
    mtu: int | None
    appliances: CloudAppliances
    servers: CloudServers
    vpn_client: CloudVpnClient | None
    place: Place
