"""Reads a ConfigFiles tree into a :class:`sns.model.Configuration`, with everything that is wrong as findings."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import replace
from ipaddress import IPv4Interface
from pathlib import Path
from types import MappingProxyType

from .errors import ConfigurationNotFound
from .ha import read_ha
from .identity import read_access, read_authentication, read_directory
from .layout import check_layout
from .management import read_management
from .model import Configuration
from .network import read_interfaces, read_routing
from .objects import read_objects
from .policies import read_name_filters, read_policies
from .reading import Reading
from .references import ReferenceCheck
from .sslvpn import read_ssl_vpn
from .unmodelled import unmodelled
from .vpn import read_vpn

_NO_LEASES: Mapping[str, IPv4Interface] = MappingProxyType({})


def read(root: Path, *, label: str = "", leases: Mapping[str, IPv4Interface] = _NO_LEASES) -> Configuration:
    """The configuration below ``root``, a ConfigFiles directory; the directory base is looked for beside it.

    ``label`` names the tree in messages (``sbg7``). ``leases`` gives the addresses that DHCP interfaces have, by
    section or user name; without one such an interface has no address. What is wrong with the content never raises:
    it is in ``findings``, all of it, sorted by place. Raises ConfigurationNotFound when ``root`` is not a directory.
    """
    if not root.is_dir():
        raise ConfigurationNotFound(root)
    reading = Reading(root)
    objects = read_objects(reading)
    interfaces = read_interfaces(reading, leases)
    policies = read_policies(reading)
    directory = read_directory(reading)
    configuration = Configuration(
        label=label,
        objects=objects,
        interfaces=interfaces,
        routing=read_routing(reading),
        policies=policies.slots,
        active_policy=policies.active,
        implicit=policies.implicit,
        vpn=read_vpn(reading),
        ssl_vpn=read_ssl_vpn(reading),
        directory=directory,
        access=read_access(reading, directory),
        management=read_management(reading),
        ha=read_ha(reading),
        url_filters=read_name_filters(reading, "URLFiltering"),
        ssl_filters=read_name_filters(reading, "SSLFiltering"),
    )
    read_authentication(reading)
    check_layout(reading)
    ReferenceCheck(reading, configuration).run()
    return replace(
        configuration,
        uses=frozenset(reference.name.lower() for reference in reading.references),
        findings=tuple(sorted(reading.findings, key=lambda finding: finding.location)),
        read=frozenset(reading.read),
        silent=tuple(reading.silent),
        unmodelled=tuple(unmodelled(_files(root), frozenset(reading.read))),
    )


def _files(root: Path) -> Iterator[str]:
    """The names of all files; a folder that cannot be read was told."""
    for folder, _, names in os.walk(root):
        below = Path(folder).relative_to(root)
        yield from ((below / name).as_posix() for name in names)
