"""The sessions that a campaign plants, and the rules that let them pass: one that is always allowed, one that may be refused.

The rules stand before all others of the active slot, on both members, for as long as the campaign lasts.
"""

from __future__ import annotations

import socket
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address

from lab.device import Appliance
from lab.host import LabHost
from lab.invariants.sessions import Plan
from provisioning.environment import LabEnvironment

ECHO = 7  # TCP and UDP: the hosts of the lab's Internet answer there
TCP, UDP = "TCP through NAT", "UDP through NAT"
FLOWS = (TCP, UDP)
_KINDS = {TCP: socket.SOCK_STREAM, UDP: socket.SOCK_DGRAM}


@dataclass(frozen=True, slots=True)
class Planted:
    """One site's own rules and sessions: from its private server to the echo servers of two hosts on the Internet."""

    site: str
    server: LabHost
    own: IPv4Address
    kept: IPv4Address
    refused: IPv4Address

    def sessions(self, flows: Iterable[str], *, to_be_refused: bool) -> Iterator[Plan]:
        """A session for each flow, to where it is always allowed, or to where it may be refused."""
        address = self.refused if to_be_refused else self.kept
        for flow in flows:
            name = f"{'the refused' if to_be_refused else 'the allowed'} {flow} of {self.site}"
            yield Plan(name, self.server, _KINDS[flow], address, ECHO)

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
    """What to plant at a site. Raises LabNotFound when it has no private server."""
    server = environment.web_server(site)
    internet = environment.deployment.internet
    own = next(host.address for host in environment.deployment.site(site).hosts_of("web"))
    return Planted(site, server, own, internet.stranger, internet.public)


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
