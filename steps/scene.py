"""Where a scenario takes place: the site, tunnel or server that its instance is about, and the hosts in their roles."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from ipaddress import IPv4Address
from typing import TYPE_CHECKING

import pytest

from lab.host import LabHost
from provisioning.deployment_model import Network, PrivateHost, PublishedService, Site, Tunnel
from steps.plugins import tags

if TYPE_CHECKING:
    from lab.cluster import Cluster
    from provisioning.deployment import Deployment, Instance
    from provisioning.environment import LabEnvironment


@dataclass(frozen=True)
class Scene:
    """One instance's place. ``instance`` is what its axis stands for: a site, a tunnel, a server, …"""

    environment: LabEnvironment
    site: Site
    instance: object

    @property
    def deployment(self) -> Deployment:
        """The plan."""
        return self.environment.deployment

    @property
    def cluster(self) -> Cluster:
        """The pair of the scenario's site."""
        return self.environment.cluster(self.site.name)

    @cached_property
    def server(self) -> LabHost:
        """The private server of the scenario: the instance itself, the one that answers for it, or the site's web server."""
        if isinstance(self.instance, PrivateHost):
            return self.environment.host(self.instance.id)
        if isinstance(self.instance, PublishedService):
            return self.environment.host(self.site.hosts[self.instance.host].id)
        return self.environment.web_server(self.site.name)

    @property
    def service(self) -> PublishedService:
        """The published web site of the scenario: the instance itself, or the site's first."""
        if isinstance(self.instance, PublishedService):
            return self.instance
        assert self.site.web_sites, "the scenario needs @with_published_site"
        return self.site.web_sites[0]

    @property
    def server_plan(self) -> PrivateHost:
        """The private server as the plan has it."""
        return next(host for host in self.site.hosts.values() if host.id == self.server.name)

    @property
    def server_address(self) -> IPv4Address:
        """The private server's planned address."""
        return self.server_plan.address

    @property
    def server_network(self) -> Network:
        """The private network that the server stands in."""
        return self.site.networks[self.server_plan.network]

    @property
    def public_address(self) -> IPv4Address:
        """The firewall's address on the Internet."""
        return self.deployment.public_address(self.site.name)

    def firewall_nic(self, role: str) -> str:
        """The members' interface on the site's network of a role."""
        return f"eth{self.site.firewall.nics.index(self.site.network_of(role).name)}"

    def firewall_port(self, role: str) -> str:
        """The capture point of the active member's interface on the site's network of a role."""
        return f"{self.environment.firewall(self.site.name).name}:{self.firewall_nic(role)}"

    @property
    def tunnel(self) -> Tunnel:
        """The tunnel that the scenario is about."""
        assert isinstance(self.instance, Tunnel), "the scenario needs @each_tunnel"
        return self.instance

    @property
    def remote(self) -> Site:
        """The other site of that tunnel."""
        return self.deployment.site(self.tunnel.other(self.site.name))

    @cached_property
    def both_ends(self) -> tuple[Scene, Scene]:
        """The scene as each site of the tunnel sees it, the other one being remote."""
        return self, replace(self, site=self.remote)

    @property
    def remote_server(self) -> LabHost:
        """The private server at the other end of the tunnel."""
        return self.environment.web_server(self.remote.name)

    @property
    def remote_address(self) -> IPv4Address:
        """Its planned address."""
        return self.remote.hosts_of("web")[0].address


@pytest.fixture
def scene(request: pytest.FixtureRequest, environment: LabEnvironment) -> Scene:
    """The place of this instance, whatever its axis; the first site for a scenario that has none."""
    parameters = getattr(request.node, "callspec", None)
    deployment = environment.deployment
    for axis in tags.AXES.values():
        if parameters is not None and axis in parameters.params:
            found = _of(environment, deployment.instance(axis, parameters.params[axis]))
            sites = found.tunnel.sites if isinstance(found.instance, Tunnel) else (found.site.name,)
            environment.concerns(*sites, tunnel=found.tunnel.id if isinstance(found.instance, Tunnel) else "")
            return found
    first = next(iter(deployment.sites.values()))
    return Scene(environment, first, first)


def _of(environment: LabEnvironment, instance: Instance) -> Scene:
    deployment = environment.deployment
    if isinstance(instance, Site):
        return Scene(environment, instance, instance)
    if isinstance(instance, Tunnel):
        return Scene(environment, deployment.site(instance.sites[0]), instance)
    return Scene(environment, deployment.site(instance.site), instance)
