"""Anti-spoofing: from where a source address may come, by the interfaces' being protected or not. Before any rule.

A protected interface takes packets of its own network and of the networks routed behind it; an unprotected one takes
everything but the protected networks; the SSL VPN's devices take their pools; and nobody else speaks with the
firewall's own addresses, nor with one that is everybody's. Refused packets count in ``antispoof`` and are seen by no rule.
"""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Address

from lab.appliance import counters, devices
from lab.appliance.matches import address_text
from sns.addresses import AddressSet
from sns.model import Configuration
from sns.resolution import Resolver

_NOBODY = IPv4Address("0.0.0.0")  # noqa: S104 - the source of a host that asks for its first address
_DROP = f'counter name "{counters.ANTISPOOF}" drop'


def rules(configuration: Configuration, resolver: Resolver) -> Iterator[str]:
    """The rules of the anti-spoofing chain."""
    yield 'iifname "lo" accept'
    yield f"fib saddr type {{ local, broadcast, multicast }} {_DROP}"
    yield f"ip saddr {_NOBODY} ip daddr != 255.255.255.255 {_DROP}"
    internal = resolver.internals()
    for interface in configuration.interfaces:
        if interface.address is None:
            continue
        name = devices.quoted((devices.device(interface.section),))
        if interface.protected:
            routed = resolver.routed_behind(interface.name, interface.section)
            behind = AddressSet.of(interface.address.network, _NOBODY) | routed
            yield f"iifname {name} ip saddr != {address_text(behind)} {_DROP}"
        elif internal:
            yield f"iifname {name} ip saddr {address_text(internal)} {_DROP}"
    vpn = configuration.ssl_vpn
    if vpn.enabled:
        for name, pool in ((devices.SSL_VPN_UDP, vpn.udp_pool), (devices.SSL_VPN_TCP, vpn.pool)):
            if pool:
                yield f'iifname "{name}" ip saddr != {address_text(resolver.addresses(pool))} {_DROP}'
