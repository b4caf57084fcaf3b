"""The environment under test, by role: the simulated lab now, the same handles for a real deployment later."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from lab import image, ownership, running
from lab.capture import Frame, Tap, close_all, let_go
from lab.cluster import Cluster
from lab.device import Appliance
from lab.errors import CaptureIncomplete, LabError, LabNotFound
from lab.faults.fault import Target
from lab.faults.injection import Faults
from lab.on_duty import await_services
from provisioning.deployment import Deployment, DeploymentError, load
from provisioning.deployment_model import PrivateHost
from provisioning.evidence import exercised
from provisioning.evidence.bounds import Piece
from provisioning.evidence.collector import Collector
from provisioning.evidence.commands import Step
from provisioning.secrets import Secrets
from provisioning.topology import topology
from provisioning.written_secrets import written

if TYPE_CHECKING:
    from lab.host import LabHost
    from lab.running import Lab
    from provisioning.evidence.exercised import Exercised
    from sns.model import Configuration

EXPORTED = "/usr/Firewall/Data/openvpn_mobile_client.ovpn"
"""What the SSL VPN hands out to its users."""
SERVERS = "servers"
"""The folder of a lab's that is there when its servers come and go, as a cloud says (:mod:`provisioning.lab_cloud`)."""

LabMode = Literal["fresh", "keep", "attach"]

LAB_CAPABILITIES = frozenset(
    {
        "isolation",  # it can be shown that nothing leaves it
        "raw_frames",
        "transit_capture",
        "fault_injection",
        "disruption",  # nobody else uses it: disruptive scenarios need no permission
        "vpn_client",
        "configuration_change",
        "introspection",  # into firewalls and servers: their counters, their kernels, each member by itself
        "spoofing",
    }
)
"""What the simulated lab can do; scenarios ask for these by tag (``@needs_transit_capture``)."""


def capabilities(deployment: Deployment) -> frozenset[str]:  # noqa: ARG001 - a real deployment's depend on it
    """What the deployment's environment will be able to do, known before anything is started."""
    return LAB_CAPABILITIES


@dataclass(frozen=True, slots=True)
class Member:
    """A member of a firewall: the version that it runs, and the SHA-256 of each of its configuration files by path."""

    name: str
    site: str
    firmware: str
    files: Mapping[str, str]


class LabEnvironment:
    """A deployment that runs in the simulated lab."""

    kind = "lab"

    def __init__(self, deployment: Deployment, lab: Lab, secrets: Secrets) -> None:
        self.deployment = deployment
        self.lab = lab
        self.secrets = secrets
        self._collector = Collector(deployment, lab, self._cluster, secrets.redaction)
        self._taps: dict[str, Tap] = {}
        self._heard: dict[str, list[Frame]] = {}  # by captures for a moment, which are closed
        self._missing: list[str] = []  # captures that lost frames, and why
        self._clusters: dict[str, Cluster] = {}
        self._held_to: dict[str, Configuration] = {}

    @property
    def capabilities(self) -> frozenset[str]:
        """What it can do."""
        return LAB_CAPABILITIES

    def redact(self, text: str) -> str:
        """The text without any secret of this deployment."""
        return self.secrets.redaction.text(text)

    def hide(self, *secrets: str) -> None:
        """Hide these too, in texts and in captures."""
        self.secrets.redaction.learn(*secrets)

    # Hosts by role

    def host(self, name: str) -> LabHost:
        """A host by its name in the plan (``web-sbg7``, ``stranger``). Raises LabNotFound."""
        self._collector.takes_part(name)
        return self.lab.host(name)

    def web_server(self, site: str) -> LabHost:
        """The private web server of a site. Raises LabNotFound when the plan has none."""
        for host in self.deployment.site(site).hosts_of("web"):
            return self.host(host.id)
        raise LabNotFound(f"site {site} has no web server")

    def gateway(self, site: str) -> LabHost:
        """The provider's gateway of a site's public block."""
        return self.host(f"gw-{site}")

    @property
    def administrator(self) -> LabHost:
        """The administrator's machine on the Internet."""
        return self.host("admin")

    @property
    def stranger(self) -> LabHost:
        """A machine on the Internet that nobody knows."""
        return self.host("stranger")

    @property
    def vpn_client(self) -> LabHost:
        """The VPN user's machine on the Internet."""
        return self.host("vpn-client")

    @property
    def public_site(self) -> LabHost:
        """The machine of the public web site."""
        return self.host("public")

    ssh = ("ssh",)
    """How the administrator's machine goes to another one."""
    with_agent = ("ssh-agent", "sh", "-c", 'ssh-add -q ~/.ssh/id_ed25519 && "$@"', "with-agent")
    """Before a command there: it has an agent with the administrator's key."""

    def hostname(self, host: PrivateHost) -> str:
        """What a private host calls itself."""
        return host.id

    def exported(self, site: str) -> str:
        """The VPN configuration that a site's firewall exports."""
        return self.firewall(site).path(EXPORTED).read_text()

    def page(self, server: LabHost, port: int) -> str:  # noqa: ARG002 - a real server's pages may differ by it
        """What is on a private server's own page, and on no other's."""
        return f"This is {server.name}."

    # Firewalls

    def cluster(self, site: str) -> Cluster:
        """The firewall of a site: a pair, or a single appliance (then always active)."""
        self._collector.concerns_cluster(site)
        return self._cluster(site)

    def _cluster(self, site: str) -> Cluster:
        if site not in self._clusters:
            firewall = self.deployment.site(site).firewall
            members = [Appliance(self.lab.host(member.id), member.number) for member in firewall.members]
            self._clusters[site] = Cluster(site, members)
        return self._clusters[site]

    def firewall(self, site: str) -> Appliance:
        """The member of a site's firewall that is active now."""
        active = self._cluster(site).active()
        self._collector.takes_part(active.name)
        return active

    def configuration(self, site: str) -> Configuration:
        """What the active member of a site is to do: as it is configured now, or as :meth:`hold_to` said."""
        return self._held_to.get(site) or self.firewall(site).configuration()

    def hold_to(self, configurations: Mapping[str, Configuration]) -> None:
        """Expect of these sites what these configurations say, whatever they are configured to do meanwhile."""
        self._held_to = dict(configurations)

    @cached_property
    def faults(self) -> Faults:
        """What can be done to the members of its firewalls, and what is being done."""
        return Faults(self.lab.folder, self._fault_targets())

    def _fault_targets(self) -> Iterator[Target]:
        for site in self.deployment.sites.values():
            links: dict[str, tuple[str, ...]] = {}
            for place, network in enumerate(site.firewall.nics):
                role = site.networks[network].role
                links[role] = (*links.get(role, ()), f"eth{place}")
            pair = self._cluster(site.name)
            yield from (Target(pair, member, links) for member in pair.members)

    def notes(self) -> dict[str, str]:
        """A word about each host that has one, for drawings: the members' states, of pairs that are there."""
        whole = [site for site in self.deployment.sites.values() if all(m.id in self.lab.hosts for m in site.firewall.members)]
        return {name: state for site in whole for name, state in self._cluster(site.name).states().items()}

    def members(self) -> Iterator[Member]:
        """Every member of every firewall with what it has for configuration now, applied or not. Raises OSError."""
        from importlib.metadata import version

        firmware = f"simulated by rempart {version('rempart')}, image {image.reference()}"
        for site in self.deployment.sites:
            for member in self._cluster(site).members:
                files = {path: hashlib.sha256(content).hexdigest() for path, content in member.snapshot().files.items()}
                yield Member(member.name, site, firmware, files)

    # Wires

    def tap(self, point: str) -> Tap:
        """The capture of a segment (``internet``) or of one end of a wire (``web-sbg7:eth0``), opened once, kept open."""
        if point not in self._taps:
            fabric = self.lab.fabric
            host, _, nic = point.partition(":")
            interface = fabric.port(host, nic) if nic else fabric.bridge(point)
            self._taps[point] = Tap(fabric.pid, interface, point)
        return self._taps[point]

    @contextmanager
    def listen(self, points: Iterable[str]) -> Iterator[dict[str, Tap]]:
        """Captures of these points for a moment, beside those that are always on."""
        fabric, taps = self.lab.fabric, {}
        try:
            for point in points:
                host, _, nic = point.partition(":")
                taps[point] = Tap(fabric.pid, fabric.port(host, nic), point)
            yield taps
        finally:
            for point, tap in taps.items():
                try:
                    self._heard.setdefault(point, []).extend(tap.whole())
                except LabError as why:
                    self._missing.append(str(why))
            let_go(taps.values())

    def transit(self, site: str) -> Tap:
        """The capture between a site's firewall and its provider: all that leaves or enters by the public side."""
        return self.tap(f"gw-{site}:eth0")

    @cached_property
    def always_on(self) -> tuple[str, ...]:
        """The capture points of every scenario: the Internet, each provider's side, each private server."""
        sites = self.deployment.sites
        servers = (host.id for site in sites.values() for host in site.hosts_of("web"))
        return ("internet", *(f"gw-{site}:eth0" for site in sites), *(f"{server}:eth0" for server in servers))

    def begin_capture(self) -> None:
        """Have the captures' cursors start here; what was captured before remains the scenario's evidence. Raises HostGone."""
        self.lab.must_run()
        for tap in self._taps.values():
            tap.restart()

    # Evidence

    def begin_scenario(self) -> None:
        """What follows belongs to the scenario that begins; what was captured before is forgotten. Raises HostGone."""
        self.lab.must_run()
        self._heard.clear()
        self._missing.clear()
        for point in self.always_on:
            self.tap(point)
        for tap in self._taps.values():
            tap.forget()
        self._collector.begin()

    def pause_captures(self) -> None:
        """Capture nothing until :meth:`resume_captures`: flows that have a record of their own would fill them."""
        for tap in self._taps.values():
            tap.pause()

    def resume_captures(self) -> None:
        """Capture again."""
        for tap in self._taps.values():
            tap.resume()

    def concerns(self, *sites: str, tunnel: str = "") -> None:
        """The scenario is about the firewalls of these sites, and about this tunnel if it names one."""
        self._collector.concerns(*sites, tunnel=tunnel)

    def evidence(self, title: str, steps: Sequence[tuple[float, str]]) -> Iterator[Piece]:
        """What is kept of the scenario that ends, file by file (``docs/evidence.md``).

        ``title`` names run and scenario. ``steps`` are their beginnings, in seconds since the epoch, and their sentences.
        Raises CaptureIncomplete, after all else, when captures are missing.
        """
        frames, missing = dict(self._heard), list(self._missing)
        for point, tap in self._taps.items():
            try:
                frames[point] = tap.whole()
            except LabError as why:
                missing.append(str(why))
        told = [Step(begun, number, sentence) for number, (begun, sentence) in enumerate(steps, start=1)]
        yield from self._collector.pieces(title, told, frames)
        if missing:
            raise CaptureIncomplete("; ".join(missing))

    def rules(self) -> dict[str, dict[str, str]]:
        """What can be exercised of each site's configuration: place and words."""
        return {site: exercised.rules(self.deployment.configuration(site)) for site in self.deployment.sites}

    def exercised(self) -> Mapping[str, Exercised]:
        """What the scenario exercised of the sites that it is about, once :meth:`evidence` has told all."""
        return self._collector.exercised

    def logs(self) -> Iterator[Piece]:
        """What the logs of the hosts that took part gained, once :meth:`evidence` has told who did."""
        return self._collector.logs()

    def close(self) -> None:
        """Let go of the lab; it goes on."""
        close_all(self._taps.values())
        self._taps.clear()


def lab_up(deployment: Deployment, *, keep: bool, progress: Callable[[str], None], factory: bool = False) -> LabEnvironment:
    """Build the deployment in simulation; with ``factory``, its firewalls as they are delivered, without configuration.

    Raises DeploymentError before anything is started, or LabError.
    """
    refuse_broken(deployment)
    with ownership.claimed(keep=keep) as run:
        secrets = Secrets(deployment.secrets, deployment.folder, store=ownership.lab_folder(run) / "secrets.json")
        with running.starting_engine():
            planned = topology(deployment, secrets, factory=factory)
        lab = running.up(planned, run=run, progress=progress)
        ownership.write_facts(run, "deployment.json", {"folder": str(deployment.folder.resolve())})
        environment = LabEnvironment(deployment, lab, secrets)
        for site in deployment.sites if not factory else ():
            await_services(environment.cluster(site).members)
        return environment


def lab_attach(run: str | None = None, deployment: Deployment | None = None) -> LabEnvironment:
    """The lab that was left running; ``run`` names it when there are several. Raises LabNotFound."""
    kept = [name for name, owner in ownership.running().items() if owner == ownership.KEPT]
    wanted = run or (kept[0] if len(kept) == 1 else None)
    if wanted is None:
        several = f"several labs run: {', '.join(sorted(kept))}; name one with --run"
        raise LabNotFound(several if kept else "no lab is running (`rempart lab up` starts one)")
    folder = ownership.lab_folder(wanted)
    try:
        planned = Path(json.loads((folder / "deployment.json").read_text())["folder"])
    except (OSError, ValueError, KeyError):
        raise LabNotFound(f"no lab {wanted} of a deployment is running") from None
    if deployment is None:
        deployment = load(planned)
    elif deployment.folder.resolve() != planned:
        raise LabNotFound(f"lab {wanted} runs {planned}, not {deployment.folder}")
    secrets = Secrets(deployment.secrets, deployment.folder, store=folder / "secrets.json")
    if (folder / SERVERS).is_dir():
        from provisioning.lab_cloud.cloud_lab import attach_to

        return LabEnvironment(deployment, attach_to(wanted, deployment, secrets), secrets)
    return LabEnvironment(deployment, running.attach(topology(deployment, secrets), wanted), secrets)


@contextmanager
def open_environment(
    deployment: Deployment,
    *,
    lab: LabMode = "fresh",
    run: str | None = None,
    progress: Callable[[str], None] = running.silent,
) -> Iterator[LabEnvironment]:
    """The environment for a test run: a fresh lab that goes with it, one that stays (``keep``), or one that runs.

    ``run`` names the one to attach to.

    Raises DeploymentError for a deployment that cannot be built, LabError for a lab that does not come up.
    """
    attach, keep = lab == "attach", lab == "keep"
    environment = lab_attach(run, deployment) if attach else lab_up(deployment, keep=keep, progress=progress)
    environment.hide(*written(deployment))
    try:
        yield environment
    finally:
        environment.close()
        if lab == "fresh":
            environment.lab.down()


def refuse_broken(deployment: Deployment) -> None:
    """Raise DeploymentError with every error of every site's ConfigFiles, and every disagreement with the plan."""
    from provisioning.agreement import check

    if found := check(deployment):
        raise DeploymentError(found)
