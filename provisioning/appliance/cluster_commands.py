"""The commands that make two appliances a pair: one creates the cluster, the other joins it (sns.md 5.6)."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Address

from provisioning.appliance.commands import said
from provisioning.appliance.tree import Tree


def create(wanted: Tree, password: str) -> Iterator[str]:
    """For the first member, its HA interface named and addressed already."""
    configuration = wanted.configuration
    ha = configuration.ha
    yield said(
        "CONFIG HA CREATE", password=password, ifname=ha.interface, tokentimeout=ha.token_timeout, nbping=ha.ping_count,
        pinginterval=ha.ping_interval, interfacesflipflop=ha.interfaces_flip_flop, sendarp=int(ha.send_arp),
        purgearp=int(ha.purge_arp),
    )  # fmt: skip
    for section, weight in ha.weights.items():
        interface = configuration.interface(section)
        if interface is not None:
            yield said("CONFIG HA WEIGHT UPDATE", ifname=interface.name, weight=weight)
    yield "CONFIG HA ACTIVATE"


def join(first: IPv4Address, password: str) -> Iterator[str]:
    """For the second one, whose configuration is replaced and which starts again; ``first`` is the other's HA address."""
    yield said("CONFIG HA JOIN", ip=first, password=password)
    yield "CONFIG HA ACTIVATE"
