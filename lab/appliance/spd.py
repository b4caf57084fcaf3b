"""The IPsec policy as the product's kernel holds it (its SPD): what a tunnel must carry goes through it or not at all.

A table of its own, written when the VPN slot is applied and not when the filter is: traffic from a tunnel's local to
its remote network that would leave by anything but the tunnel is dropped, also while the IKE daemon is down; packets
that claim to come from the remote network but did not come out of the tunnel are dropped on arrival; and neither
direction is translated. What goes to a remote network from elsewhere than its local one takes the way that it would have
without the tunnel: it gets charon's own mark, and the kernel asks charon's routes for everything but that. Drops count in
``spd``. With slot 00 there is no such policy, as on the product: that is how a leak would happen, and what a black-hole
route guards against.
"""

from __future__ import annotations

from lab.appliance import counters, devices, marks, nft
from lab.appliance.ipsec import FIREWALL_MARK
from lab.appliance.matches import address_text
from sns.addresses import AddressSet
from sns.model import Configuration
from sns.resolution import Resolver

_EMPTY = "table ip sns_spd\ndelete table ip sns_spd\n"
_DROP = f'counter name "{counters.SPD}" drop'
_TAKEN = f"ct state new ct mark set ct mark | {marks.IN_TUNNEL:#x}"


def translate(configuration: Configuration) -> str:
    """The nft file of the active VPN slot's policy; it replaces what is loaded, at once."""
    resolver = Resolver(configuration)
    # A line of no peer exempts traffic from encryption.
    tunnels = [tunnel for tunnel in configuration.vpn.tunnels if tunnel.peer.lower() != "none"]
    pairs = [(address_text(resolver.addresses(one.local)), address_text(resolver.addresses(one.remote))) for one in tunnels]
    if not pairs:
        return _EMPTY
    inside = [f"ip saddr {remote} ip daddr {local} accept" for local, remote in pairs]
    outside = [f'iifname != "{devices.IPSEC}" ip saddr {remote} ip daddr {local} {_DROP}' for local, remote in pairs]
    leaving = [f'oifname != "{devices.IPSEC}" ip saddr {local} ip daddr {remote} {_DROP}' for local, remote in pairs]
    carried = [f"ip saddr {local} ip daddr {remote} return" for local, remote in pairs]
    everywhere = AddressSet.of(*(resolver.addresses(one.remote) for one in tunnels))
    unselected = [f"ip saddr {local} ip daddr {remote} accept" for local, remote in pairs]
    unselected.append(f"ip daddr {address_text(everywhere)} meta mark set {FIREWALL_MARK}")
    kept = [f"ip saddr {local} ip daddr {remote} {_TAKEN}" for local, remote in pairs]
    lines = [
        "table ip sns_spd {",
        f"counter {counters.SPD} {{ }}",
        "chain decrypted {",
        *inside,
        _DROP,
        "}",
        "chain arriving {",
        "type filter hook prerouting priority raw - 5; policy accept;",
        f'iifname "{devices.IPSEC}" jump decrypted',
        *outside,
        "}",
        "chain taken {",
        "type filter hook prerouting priority mangle - 5; policy accept;",  # NAT rules look at it, before translation
        *kept,
        "}",
        "chain unselected {",
        *unselected,
        "}",
        "chain passing_by {",
        "type filter hook prerouting priority mangle - 4; policy accept;",
        "jump unselected",
        "}",
        "chain own_passing_by {",
        "type route hook output priority mangle - 5; policy accept;",
        "jump unselected",
        "}",
        "chain encrypted {",
        *carried,
        _DROP,
        "}",
        "chain leaving {",
        "type filter hook postrouting priority srcnat - 5; policy accept;",
        f'oifname "{devices.IPSEC}" jump encrypted',
        *leaving,
        *kept,
        "}",
        "}",
    ]
    return _EMPTY + "\n".join(lines) + "\n"


def apply(configuration: Configuration) -> None:
    """Make the active VPN slot's policy the running one. Raises ProgramFailed, ResolutionError."""
    nft.load(translate(configuration))
