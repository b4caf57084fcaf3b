"""The VPN user's client: OpenVPN with the configuration that a firewall exports."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address
from typing import TYPE_CHECKING

from lab.host import LabHost
from lab.roles.boot import BEFORE_OTHERS
from provisioning.deployment_model import Site

if TYPE_CHECKING:
    from provisioning.environment import LabEnvironment

FOLDER = "/run/vpn"
UP = "Initialization Sequence Completed"
REFUSED = "AUTH_FAILED"


@dataclass(slots=True)
class Client:
    """The VPN user's OpenVPN. ``before`` are the routes and interfaces that it had before connecting."""

    host: LabHost
    before: str
    device: str

    @property
    def folder(self) -> str:
        """Its files."""
        return f"{FOLDER}/{self.device}"

    def log(self) -> str:
        """What it has said so far."""
        return self.host.run("cat", f"{self.folder}/client.log").stdout

    def address(self) -> IPv4Address | None:
        """Its address in the tunnel."""
        words = self.host.run("ip", "-4", "-o", "address", "show", "dev", self.device).stdout.split()
        return IPv4Address(words[3].partition("/")[0]) if len(words) > 3 else None

    def has_interface(self) -> bool:
        """Whether its interface is there: on its way out OpenVPN takes the address away first, and then the interface."""
        return self.host.run("ip", "link", "show", "dev", self.device).ok

    def hang_up(self) -> None:
        """Have it disconnect; its interface goes soon after.

        The first signal makes OpenVPN tell the firewall; the second spares the second that it then grants the firewall.
        """
        for _ in range(2):
            self.host.run("sh", "-c", f"[ ! -e {self.folder}/pid ] || kill $(cat {self.folder}/pid)")
        self.host.run("rm", "-f", f"{self.folder}/pid")


def routes(host: LabHost) -> str:
    """Routes and interfaces, as the client's own commands tell them."""
    links = host.must("ip", "-o", "link").splitlines()
    return host.must("ip", "route") + "\n".join(sorted(line.split(":")[1] for line in links))


def call(environment: LabEnvironment, site: Site, *, login: str | None = None, password: str | None = None,
         transport: str | None = None, device: str = "tun0", options: str = "") -> Client:  # fmt: skip
    """Start the client with what a site's firewall exports; ``transport`` leaves only one of its ways.

    The user is the plan's first, with the password of the plan, unless another is given. Several clients may run side by
    side on a device each, the routes of each with a metric of its own. ``options`` are more words for OpenVPN.
    """
    host = environment.vpn_client
    client = Client(host, routes(host), device)
    folder, person = client.folder, site.people[0]
    secret = password or environment.secrets.value(person.password)
    lines = [line for line in environment.exported(site.name).splitlines() if _kept(line, transport)]
    host.write({
        f"{folder}/client.ovpn": ("\n".join(lines).encode() + b"\n", 0o600),
        f"{folder}/login": (f"{login or person.login}\n{secret}\n".encode(), 0o600),
    })  # fmt: skip
    host.must("sh", "-c", f"rm -f {folder}/client.log; {BEFORE_OTHERS} openvpn --config {folder}/client.ovpn --dev {device} "
              f"--route-metric {10 + int(device.removeprefix('tun'))} --auth-user-pass {folder}/login --auth-retry none "
              f"{options} --daemon --log {folder}/client.log --writepid {folder}/pid")  # fmt: skip
    return client


def _kept(line: str, transport: str | None) -> bool:
    words = line.split()
    return not (transport and words[:1] == ["remote"] and not any(transport in word for word in words[2:]))
