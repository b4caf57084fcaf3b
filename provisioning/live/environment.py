"""The deployment itself as an environment: attached to, never built, and left as it was found."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from lab.journal import Ran
from provisioning.cloud.state import secrets_of
from provisioning.deployment import Deployment
from provisioning.deployment_model import PrivateHost
from provisioning.environment import Member
from provisioning.evidence.bounds import TEXT, Piece, shortened
from provisioning.evidence.commands import Step, shown
from provisioning.evidence.exercised import Exercised
from provisioning.live.errors import NotHere
from provisioning.live.firewall import Running, fetch, refuse_another
from provisioning.live.hosts import OPTIONS, Machine, SshHost
from provisioning.live.reach_file import ADMINISTRATOR, STRANGER, VPN_CLIENT, Reach
from provisioning.secrets import Secrets
from sns.model import Configuration

LIVE_CAPABILITIES: frozenset[str] = frozenset()
"""What the deployment itself can do of what scenarios ask for by tag: nothing is captured, spoofed or broken there."""

ADMIN, SERVER = "admin", "ubuntu"
"""Who logs in: on the appliances, and on servers made from OVHcloud's Ubuntu image."""

EXPORTED = "Data/openvpn_mobile_client.ovpn"
"""Below ``/usr/Firewall``: what the SSL VPN hands out to its users."""
_VERSION = "getversion"


class LiveEnvironment:
    """A deployment that runs on a cloud. Its ``kind`` is ``lab`` for a cloud that is one."""

    capabilities = LIVE_CAPABILITIES

    def __init__(self, deployment: Deployment, reach: Reach, store: Path | None = None) -> None:
        self.deployment = deployment
        self.administrator = Machine(ADMINISTRATOR, reach.administrator.prefix)
        self.secrets = Secrets(deployment.secrets, deployment.folder, store)
        self.kind = "lab" if reach.lab else "openstack"
        self._ssh_options = reach.ssh_options
        self._hosts = {host.name: host for host in _hosts(deployment, reach)}
        self._running: dict[str, tuple[Running, Configuration]] = {}
        self._ran: list[Ran] = []
        for host in (self.administrator, *self._hosts.values()):
            host.journal = self._ran.append

    def attach(self, progress: Callable[[str], None]) -> None:
        """Reach every firewall and server, and see that the firewalls run what is under test.

        Raises Unreachable, NotAsIntended: then nothing was changed anywhere.
        """
        for site in self.deployment.sites:
            progress(f"{site}: looking at what the firewall runs")
            running = fetch(self._firewall(site))
            intended = self.deployment.configuration(site)
            configuration = running.configuration(site, self.deployment.leases(site))
            refuse_another(f"the firewall of {site}", configuration, intended)
            self._running[site] = running, configuration
        for name, host in self._hosts.items():
            progress(f"reaching {name}")
            host.run("true")

    # What scenarios ask for

    def host(self, name: str) -> Machine:
        """A host by its name in the plan. Raises NotHere."""
        if name == self.administrator.name:
            return self.administrator
        if name not in self._hosts:
            raise NotHere(f"the deployment itself offers no {name}")
        return self._hosts[name]

    def web_server(self, site: str) -> Machine:
        """The private web server of a site. Raises NotHere when the plan has none."""
        for host in self.deployment.site(site).hosts_of("web"):
            return self.host(host.id)
        raise NotHere(f"site {site} has no web server")

    with_agent: tuple[str, ...] = ()
    """Before a command on the administrator's machine, which has an agent with its key: nothing."""

    @property
    def ssh(self) -> tuple[str, ...]:
        """How the administrator's machine goes to another one."""
        return ("ssh", *self._ssh_options, *OPTIONS)

    def hostname(self, host: PrivateHost) -> str:
        """What a private host calls itself: Nova tells it its name."""
        return host.instance

    def page(self, server: Machine, port: int) -> str:
        """What a private server's own page, at its own port, shows to itself."""
        return server.must("curl", "--silent", "--show-error", f"http://localhost:{port}/").strip()

    @property
    def stranger(self) -> Machine:
        """A machine on the Internet that nobody knows. Raises NotHere where ``reach.toml`` names none."""
        return self.host(STRANGER)

    @property
    def vpn_client(self) -> Machine:
        """The VPN user's machine, on the Internet too. Raises NotHere where ``reach.toml`` names none."""
        return self.host(VPN_CLIENT)

    def exported(self, site: str) -> str:
        """The VPN configuration that a site's firewall exports. Raises NotHere where it is not among its files."""
        exported = self._running[site][0].files.get(EXPORTED)
        if exported is None:
            raise NotHere(f"the firewall of {site} has no {EXPORTED}")
        return exported.decode()

    def _firewall(self, site: str) -> Machine:
        return self._hosts[_firewall_name(site)]

    def configuration(self, site: str) -> Configuration:
        """What the firewall of a site is configured to do, as it was when the run attached."""
        return self._running[site][1]

    def members(self) -> Iterator[Member]:
        """The active member of every firewall with what it has for configuration now. Raises Unreachable."""
        for site in self.deployment.sites:
            firewall = self._firewall(site)
            version = firewall.run(_VERSION).stdout.strip() or "unknown"
            yield Member(firewall.name, site, version, fetch(firewall).hashes())

    def __getattr__(self, name: str) -> object:
        """What a lab has besides: strangers, captures, faults."""
        if name.startswith("_"):
            raise AttributeError(name)
        raise NotHere(f"the deployment itself offers no {name.replace('_', ' ')}")

    # Secrets and evidence

    def redact(self, text: str) -> str:
        """The text without any secret of this deployment."""
        return self.secrets.redaction.text(text)

    def hide(self, *secrets: str) -> None:
        """Hide these too."""
        self.secrets.redaction.learn(*secrets)

    def begin_scenario(self) -> None:
        """What follows belongs to the scenario that begins."""
        self._ran.clear()

    def concerns(self, *sites: str, tunnel: str = "") -> None:
        """Which sites a scenario is about makes no difference here: nothing is captured."""

    def evidence(self, title: str, steps: Sequence[tuple[float, str]]) -> Iterator[Piece]:
        """The commands that the scenario ran; ``steps`` are their beginnings (s since the epoch) and their sentences."""
        told = [Step(begun, number, sentence) for number, (begun, sentence) in enumerate(steps, start=1)]
        what, text = shortened("what was run on the hosts", f"# {title}\n\n{shown(self._ran, told, self.redact)}", TEXT)
        yield Piece("commands.txt", text, what)

    def rules(self) -> dict[str, dict[str, str]]:
        """None are followed: a deployment's own counters are not read."""
        return {}

    def exercised(self) -> dict[str, Exercised]:
        """See :meth:`rules`."""
        return {}

    def logs(self) -> Iterator[Piece]:
        """None are fetched: the appliances' own stay where they are."""
        return iter(())

    def close(self) -> None:
        """Let go of it; it goes on."""


def _firewall_name(site: str) -> str:
    return f"fw-{site}"


def _hosts(deployment: Deployment, reach: Reach) -> Iterator[Machine]:
    prefix, options = reach.administrator.prefix, reach.ssh_options
    for site in deployment.sites.values():
        address = str(deployment.public_address(site.name))
        firewall = SshHost(_firewall_name(site.name), prefix, destination=f"{ADMIN}@{address}", options=options)
        yield firewall
        for host in site.hosts_of("web"):
            there = f"{SERVER}@{host.address}"
            yield SshHost(host.id, prefix, destination=there, options=options, through=firewall)
    for name, way in reach.others.items():
        if way.destination:
            yield SshHost(name, way.prefix, way.sudo, destination=way.destination, options=options)
        else:
            yield Machine(name, way.prefix, way.sudo)


def attach(
    deployment: Deployment,
    cloud: str,
    progress: Callable[[str], None],
    reach: Reach,
) -> LiveEnvironment:
    """The deployment as it runs on a cloud, with this machine as the administrator's.

    Raises DeploymentError for a plan and trees that disagree, Unreachable, NotAsIntended.
    """
    from provisioning.environment import refuse_broken

    refuse_broken(deployment)
    environment = LiveEnvironment(deployment, reach, secrets_of(cloud, deployment.name, reach.lab))
    environment.attach(progress)
    progress(f"attached to {deployment.name} on {cloud}")
    return environment
