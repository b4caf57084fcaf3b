"""Which kernel device stands for which interface of the product."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from sns.errors import UnknownInterface

if TYPE_CHECKING:
    from sns.model import Configuration

IPSEC = "ipsec0"
"""Where charon's user-space IPsec takes what to encrypt and puts what it decrypted."""
SSL_VPN_UDP = "tun0"
SSL_VPN_TCP = "tun1"

_TUNNELS = {"ipsec": (IPSEC,), "sslvpn": (SSL_VPN_UDP, SSL_VPN_TCP)}


def device(section: str) -> str:
    """The kernel's name of a ``network`` section: ``ethernet0`` is ``eth0``; other kinds keep their name."""
    name = section.lower()
    return name.replace("ethernet", "eth", 1) if name.startswith("ethernet") else name


def section(device_name: str) -> str:
    """The ``network`` section of a kernel device: ``eth0`` is ``ethernet0``."""
    number = device_name.removeprefix("eth")
    return f"ethernet{number}" if number.isdecimal() else device_name


def of_interface(configuration: Configuration, name: str) -> tuple[str, ...]:
    """The devices behind an interface name of a rule; ``ipsec`` and ``sslvpn`` are the tunnels' pseudo-interfaces.

    Raises UnknownInterface.
    """
    tunnels = _TUNNELS.get(name.lower())
    if tunnels is not None:
        return tunnels
    interface = configuration.interface(name)
    if interface is None:
        raise UnknownInterface(name)
    return (device(interface.section),)


def quoted(names: Iterable[str]) -> str:
    """Device names as nft writes them: one quoted, or a set."""
    listed = [f'"{name}"' for name in names]
    return listed[0] if len(listed) == 1 else "{ " + ", ".join(listed) + " }"
