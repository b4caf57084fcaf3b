"""The deployment itself as an environment: attached to, never built, and left as it was found."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from lab.journal import Ran
from provisioning.deployment import Deployment
from provisioning.environment import Member
from provisioning.evidence.bounds import TEXT, Piece, shortened
from provisioning.evidence.commands import Step, shown
from provisioning.evidence.exercised import Exercised
from provisioning.live.errors import NotHere
from provisioning.live.firewall import Running, fetch, refuse_another
from provisioning.live.hosts import Machine, SshHost
from provisioning.secrets import Secrets
from sns.model import Configuration

LIVE_CAPABILITIES: frozenset[str] = frozenset()
"""What the deployment itself can do of what scenarios ask for by tag: nothing is captured, spoofed or broken there."""

ADMIN, SERVER = "admin", "ubuntu"
"""Who logs in: on the appliances, and on servers made from OVHcloud's Ubuntu image."""

_VERSION = "getversion"


class LiveEnvironment:
    """A deployment that runs on a cloud."""

    kind = "openstack"
    capabilities = LIVE_CAPABILITIES

    def __init__(self, deployment: Deployment, administrator: Machine) -> None:
        self.deployment = deployment
        self.administrator = administrator
        self.secrets = Secrets(deployment.secrets, deployment.folder)
        self._hosts = {host.name: host for host in _hosts(deployment, administrator.prefix)}
        self._running: dict[str, tuple[Running, Configuration]] = {}
        self._ran: list[Ran] = []
        for host in (administrator, *self._hosts.values()):
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

    def _firewall(self, site: str) -> SshHost:
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


def _hosts(deployment: Deployment, prefix: tuple[str, ...]) -> Iterator[SshHost]:
    for site in deployment.sites.values():
        address = deployment.public_address(site.name)
        firewall = SshHost(_firewall_name(site.name), prefix, user=ADMIN, address=address)
        yield firewall
        for host in site.hosts_of("web"):
            yield SshHost(host.id, prefix, user=SERVER, address=host.address, through=firewall)


def attach(
    deployment: Deployment, cloud: str, progress: Callable[[str], None], administrator: Machine | None = None
) -> LiveEnvironment:
    """The deployment as it runs on a cloud, with this machine as the administrator's.

    Raises DeploymentError for a plan and trees that disagree, Unreachable, NotAsIntended.
    """
    from provisioning.environment import refuse_broken

    refuse_broken(deployment)
    environment = LiveEnvironment(deployment, administrator or Machine())
    environment.attach(progress)
    progress(f"attached to {deployment.name} on {cloud}")
    return environment
