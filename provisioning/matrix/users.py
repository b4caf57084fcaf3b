"""VPN users, connected for as long as they are measured: one for each transport of each site that has pools."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from ipaddress import IPv4Address
from typing import TYPE_CHECKING

from lab.appliance import devices
from lab.errors import LabError
from lab.matrix.stand import Client
from provisioning import vpn_user

if TYPE_CHECKING:
    from provisioning.environment import LabEnvironment

_TO_ITS_SERVER = "--allow-recursive-routing"
"""What is meant for the firewall's public address goes into the tunnel too, instead of being dropped by the client."""
_WITHIN, _PAUSE = 12.0, 0.02  # s, for a tunnel to be up, and between two looks at it
FIREWALL_DEVICES = {"udp": devices.SSL_VPN_UDP, "tcp": devices.SSL_VPN_TCP}


@contextmanager
def connected(environment: LabEnvironment) -> Iterator[list[tuple[Client, IPv4Address]]]:
    """The users with the address that each has in its tunnel. Raises LabError when one does not come up."""
    found: list[tuple[Client, IPv4Address]] = []
    with ExitStack() as leaving:
        for site in environment.deployment.sites.values():
            for pool in site.pools if site.people else ():
                device = f"tun{len(found)}"
                user = vpn_user.call(environment, site, transport=pool.protocol, device=device, options=_TO_ITS_SERVER)
                leaving.callback(user.hang_up)
                place = Client(site.name, pool.protocol, user.host, device, FIREWALL_DEVICES[pool.protocol])
                found.append((place, _address(user, f"{site.name}'s VPN user over {pool.protocol.upper()}")))
        yield found


def _address(user: vpn_user.Client, name: str) -> IPv4Address:
    deadline = time.monotonic() + _WITHIN
    while vpn_user.UP not in (said := user.log()):
        if time.monotonic() > deadline:
            raise LabError(f"{name} is not connected after {_WITHIN:g} s: {said.strip().splitlines()[-1:]}")
        time.sleep(_PAUSE)
    address = user.address()
    if address is None:
        raise LabError(f"{name} has no address in its tunnel")
    return address
