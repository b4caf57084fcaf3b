"""What a lab is made of, as data: segments, hosts, their interfaces, files and boot commands. Knows no deployment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Interface


@dataclass(frozen=True, slots=True)
class Segment:
    """One layer-2 network. With ``vlan`` None it is a plain bridge of its own (the Internet); else a VLAN of the vRack.

    VLAN 0 is the vRack's untagged network, where the public blocks live. A vRack VLAN spans all regions.
    """

    name: str
    vlan: int | None = None


@dataclass(frozen=True, slots=True)
class Nic:
    """A host's interface, ``eth0``, ``eth1``, … in order. ``region`` says at which end of the vRack it is plugged.

    A trunk NIC (``trunk`` not empty) carries these VLANs tagged; ``segment`` is then ignored for tagging and names
    the trunk in drawings. ``address`` is only set at boot when static; DHCP hosts get theirs from the subnet's service.
    ``port`` names the fabric's end of the wire (15 characters at most); without it, it is numbered.
    """

    name: str
    segment: str
    mac: str
    region: str = ""
    address: IPv4Interface | None = None
    trunk: tuple[int, ...] = ()
    port: str = ""


@dataclass(frozen=True, slots=True)
class Host:
    """One container. ``files`` are written (path -> content, mode) before ``boot``, a shell script that must return.

    ``boot`` starts the services and returns 0 once they answer; what it prints on failure is shown to the user.
    ``serial`` orders boots: hosts of a lower order have booted before those of a higher one start.
    """

    name: str
    role: str
    nics: tuple[Nic, ...]
    site: str = ""
    files: Mapping[str, tuple[bytes, int]] = field(default_factory=dict, repr=False)
    boot: str = ""
    order: int = 0
    sysctls: Mapping[str, str] = field(default_factory=dict)
    arp_retry_ms: int = 1000  # between two ARP questions; 1000 is the kernel's own
    hostname: str = ""  # what it calls itself, when that is not its name
    code: bool = False  # mount our own packages read-only (the simulated appliance)
    filesystems: Mapping[str, int] = field(default_factory=dict)  # of its own, in memory: where -> bytes
    logs: tuple[str, ...] = ()  # files shown when the boot fails, and kept as evidence when a scenario fails


@dataclass(frozen=True, slots=True)
class Distance:
    """One-way delay, in seconds, between a region and the hub of all others; on the vRack and on the Internet alike."""

    region: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Topology:
    """A whole lab. ``label`` marks its drawings and records; the first region is the hub of vRack and Internet."""

    label: str
    regions: tuple[str, ...]
    segments: tuple[Segment, ...]
    hosts: tuple[Host, ...]
    distances: tuple[Distance, ...] = ()

    def host(self, name: str) -> Host:
        """The host of this name. Raises KeyError when there is none."""
        for host in self.hosts:
            if host.name == name:
                return host
        raise KeyError(name)
