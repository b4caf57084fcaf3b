"""Where a run reaches for, said before it does."""

from __future__ import annotations

from collections.abc import Iterator

from provisioning.deployment import Deployment
from sns.errors import ConfigurationNotFound


def reached(deployment: Deployment) -> Iterator[str]:
    """A line for each site: its region, its firewall's public address, its members, its private servers."""
    for site in deployment.sites.values():
        try:
            address = str(deployment.public_address(site.name))
        except (LookupError, ConfigurationNotFound):
            address = "no public address"
        members = ", ".join(f"{member.instance} ({member.serial})" for member in site.firewall.members)
        servers = ", ".join(f"{host.instance} ({host.address})" for host in site.hosts_of("web"))
        yield f"{site.name} in {site.region}: firewall {address}: {members}; servers: {servers or 'none'}"
