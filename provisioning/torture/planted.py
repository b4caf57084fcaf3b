"""The sessions that a campaign plants, and the rules that let them pass: one that is always allowed, one that may be refused.

The rules stand before all others of the active slot, on both members, for as long as the campaign lasts. Sessions through
the tunnels between sites, and those of a VPN user, pass by the rules of the deployment's own.
"""

from __future__ import annotations

import socket
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from ipaddress import IPv4Address

from lab.device import Appliance
from lab.host import LabHost
from lab.invariants.sessions import Plan
from provisioning.deployment import Deployment
from provisioning.deployment_model import Site
from provisioning.environment import LabEnvironment
from provisioning.vpn_user import Client, call

ECHO = 7  # TCP and UDP: the hosts of the lab's Internet answer there
TCP, UDP = "TCP through NAT", "UDP through NAT"
TUNNEL_TCP, TUNNEL_UDP, VPN_USER = "TCP through a tunnel", "UDP through a tunnel", "UDP of a VPN user"
NAT = (TCP, UDP)
_KINDS = {TCP: socket.SOCK_STREAM, TUNNEL_TCP: socket.SOCK_STREAM}
BEHIND = 40_007  # where the echo servers of private servers listen


@dataclass(frozen=True, slots=True)
class Planted:
    """One site's own rules and sessions: from its private server to the echo servers of two hosts on the Internet."""

    site: str
    server: LabHost
    own: IPv4Address
    kept: IPv4Address
    refused: IPv4Address
    remote: IPv4Address | None
    client: Client | None

    def sessions(self, flows: Iterable[str], *, to_be_refused: bool) -> Iterator[Plan]:
        """A session for each flow that the site has, to where it is always allowed, or to where it may be refused."""
        if to_be_refused:
            for flow in [flow for flow in flows if flow in NAT] or NAT:
                yield self._plan(f"the refused {flow}", flow, self.server, self.refused, ECHO)
            return
        for flow in flows:
            if flow in NAT:
                yield self._plan(f"the allowed {flow}", flow, self.server, self.kept, ECHO)
            elif flow in (TUNNEL_TCP, TUNNEL_UDP) and self.remote is not None:
                plan = self._plan(f"the allowed {flow}", flow, self.server, self.remote, BEHIND)
                yield replace(plan, rebuilt=flow == TUNNEL_UDP)
            elif flow == VPN_USER and self.client is not None:
                plan = self._plan(f"the allowed {flow}", flow, self.client.host, self.own, BEHIND)
                yield replace(plan, device=self.client.device, rebuilt=True)

    def _plan(self, name: str, flow: str, host: LabHost, address: IPv4Address, port: int) -> Plan:
        return Plan(f"{name} of {self.site}", host, _KINDS.get(flow, socket.SOCK_DGRAM), address, port)

    def install(self, member: Appliance) -> None:
        """Write objects and rules, and apply them. Raises CommandFailed."""
        hosts = {"torture_server": self.own, "torture_kept": self.kept, "torture_refused": self.refused}
        lines = "".join(f"{name}={address},resolve=static\n" for name, address in hosts.items())
        member.edit("object", lambda text: _into(_into(text, "Host", lines), "Service", f"torture_echo={ECHO}/any\n"))
        rules = "".join(_rule("pass", name) for name in ("torture_kept", "torture_refused"))
        member.edit(slot(member), lambda text: _into(text, "Filter", rules))
        member.apply("enfilter")

    @staticmethod
    def refuse(member: Appliance) -> None:
        """Have the policy refuse the session that may be refused; applied by the caller."""
        member.edit(
            slot(member), lambda text: text.replace(_rule("pass", "torture_refused"), _rule("block", "torture_refused"))
        )


def planted(environment: LabEnvironment, site: str) -> Planted:
    """What to plant at a site, its VPN user connecting. Raises LabNotFound when it has no private server."""
    server, deployment = environment.web_server(site), environment.deployment
    internet, plan = deployment.internet, deployment.site(site)
    own = next(host.address for host in plan.hosts_of("web"))
    others = [deployment.site(tunnel.other(site)) for tunnel in deployment.tunnels_of(site)]
    remote = next((host.address for other in others for host in other.hosts_of("web")), None)
    client = None
    if _has_vpn_user(plan):
        device = f"tun{list(deployment.sites).index(site)}"
        client = call(environment, plan, transport=plan.pools[0].protocol, device=device)
    return Planted(site, server, own, internet.stranger, internet.public, remote, client)


def flows(deployment: Deployment) -> tuple[str, ...]:
    """The flows that a deployment has."""
    tunnels = (TUNNEL_TCP, TUNNEL_UDP) if deployment.tunnels else ()
    users = (VPN_USER,) if any(_has_vpn_user(site) for site in deployment.sites.values()) else ()
    return (*NAT, *tunnels, *users)


def _has_vpn_user(site: Site) -> bool:
    return bool(site.pools and site.people)


def change(member: Appliance) -> None:
    """Change the configuration in a way that concerns nobody."""
    member.edit("object", lambda text: _into(text, "Host", "changed_by_torture=192.0.2.7,resolve=static\n"))


def slot(member: Appliance) -> str:
    """The file of a member's active filter slot."""
    return f"Filter/{member.configuration().active_policy:02d}"


def _rule(action: str, target: str) -> str:
    return f"{action} from torture_server to {target} port torture_echo\n"


def _into(text: str, section: str, lines: str) -> str:
    """The text with lines at the beginning of a section, which is made when there is none."""
    head = f"[{section}]\n"
    return text.replace(head, head + lines, 1) if head in text else f"{text}\n{head}{lines}"
