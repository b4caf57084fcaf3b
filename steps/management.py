"""Managing the firewalls: who reaches the administration, and what it refuses."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from ipaddress import IPv4Address
from math import ceil

from pytest_bdd import given, parsers, then, when

from lab.host import LabHost
from lab.namespace import Completed
from lab.probe import Outcome, Target, connect, ping, reached
from lab.sweep import ALL_PORTS, End, Sweep, sweep
from provisioning.deployment_model import Pool, Site
from sns.resolution import Resolver
from steps.eventually import LIMIT
from steps.patience import attempts, patience
from steps.plugins.recording import ScenarioRecorder
from steps.plugins.restore import Changes
from steps.scene import Scene
from steps.verdict import Inconclusive
from steps.web import fetch, status

HTTPS, SSH = 443, 22
SSH_WITHIN = 10.0  # s for a connection: it takes some 20 ms
LOGIN = "/admin/"

Attempts = Mapping[str, tuple[Outcome, str]]
"""Who tried, and what :func:`management_attempts` says of it."""


def login_page(host: LabHost, scene: Scene) -> Completed:
    """The administration's login page, its certificate aside: who reaches it is the question here."""
    return fetch(host, f"https://{scene.public_address}{LOGIN}", "--insecure")


@when("the administrator opens the web administration", target_fixture="answer")
def _open_administration(scene: Scene) -> Completed:
    return login_page(scene.environment.administrator, scene)


@then("its login page is shown")
def _login_page_shown(answer: Completed, record: ScenarioRecorder) -> None:
    record.observe("the login page", expected="200", observed=status(answer), holds=" 200" in status(answer))


@when(parsers.parse('the administrator runs "{command}" over SSH'), target_fixture="answer")
def _run_over_ssh(scene: Scene, command: str) -> Completed:
    return scene.environment.administrator.run(*scene.environment.ssh, *_in_time(), f"admin@{scene.public_address}", command)


def _in_time() -> tuple[str, str]:
    """What has SSH give up when nobody answers. It counts in whole seconds."""
    return "-o", f"ConnectTimeout={ceil(LIMIT.of(SSH_WITHIN))}"


@then("the active firewall answers with its active filter slot")
def _active_slot(scene: Scene, answer: Completed, record: ScenarioRecorder) -> None:
    expected = f"{scene.environment.configuration(scene.site.name).active_policy:02d}"
    record.observe("the active slot", expected=expected, observed=answer.stdout.strip() or answer.stderr.strip())


@when("the administrator goes through the firewall to the private server with agent forwarding",
      target_fixture="answer")  # fmt: skip
def _go_through(scene: Scene) -> Completed:
    hop = f"ssh -o StrictHostKeyChecking=accept-new -o LogLevel=ERROR ubuntu@{scene.server_address} hostname"
    environment = scene.environment
    way = (*environment.with_agent, *environment.ssh, *_in_time(), "-A", f"admin@{scene.public_address}")
    return environment.administrator.run(*way, hop)


@then("the private server welcomes the administrator by key")
def _welcomed(scene: Scene, answer: Completed, record: ScenarioRecorder) -> None:
    expected = scene.environment.hostname(scene.server_plan)
    record.observe("the host at the end", expected=expected, observed=answer.stdout.strip() or answer.stderr.strip())


@given("the administrator reaches SSH and the login page of the firewall")
def _administrator_reaches(scene: Scene, record: ScenarioRecorder) -> None:
    administrator = scene.environment.administrator
    target = Target(scene.public_address, SSH)
    seen = connect(administrator, [target])[target]
    record.observe("the administrator's SSH", expected=Outcome.ANSWERED.value, observed=seen.value)
    page = status(login_page(administrator, scene))
    record.observe("the administrator's login page", expected="200", observed=page, holds=" 200" in page)


@when("the stranger tries SSH and the login page of the firewall", target_fixture="attempts")
def _stranger_tries(scene: Scene) -> Attempts:
    return {"stranger": management_attempts(scene, scene.environment.stranger, scene.site, scene.public_address)}


@when("the private server tries SSH and the login page of the firewall, on its public and its private address",
      target_fixture="attempts")  # fmt: skip
def _server_tries(scene: Scene) -> Attempts:
    private = scene.deployment.private_address(scene.site.name)
    return {"private server": management_attempts(scene, scene.server, scene.site, scene.public_address, private)}


@when("the private server of each site tries SSH and the login page of the other site's firewall", target_fixture="attempts")
def _servers_try_remote(scene: Scene) -> Attempts:
    def tried(end: Scene) -> tuple[Outcome, str]:
        return management_attempts(scene, end.server, end.remote, scene.deployment.private_address(end.remote.name))

    with ThreadPoolExecutor() as pool:
        told = pool.map(tried, scene.both_ends)
        return {f"private server of {end.site.name}": one for end, one in zip(scene.both_ends, told, strict=True)}


@when("the VPN user tries SSH and the login page of the firewall through the tunnel", target_fixture="attempts")
def _vpn_user_tries(scene: Scene) -> Attempts:
    assert isinstance(scene.instance, Pool), "the scenario needs @each_pool"
    own_end = next(scene.instance.network.hosts())  # the firewall's, the first of the pool
    client, private = scene.environment.vpn_client, scene.deployment.private_address(scene.site.name)
    outcome = management_attempts(scene, client, scene.site, private, own_end)
    if not ping(client, scene.server_address, count=1).answered:
        raise Inconclusive("the VPN user's tunnel did not outlast the attempts: silence may be its own")
    return {"VPN user": outcome}


def management_attempts(scene: Scene, host: LabHost, site: Site, *addresses: IPv4Address) -> tuple[Outcome, str]:
    """SSH, and the status of the login page or "withheld", on these addresses of a site's firewall; the best outcome of all.

    The administrator's SSH to the same firewall, from as far as anybody, is the measure of silence.
    """
    managed = Target(scene.deployment.public_address(site.name), SSH)
    within = patience(lambda: reached(scene.environment.administrator, managed), "the administrator's SSH")
    tried = [Target(address, port) for address in addresses for port in (SSH, HTTPS)]
    outcomes = attempts(host, tried, within)
    spoke = [target for target, outcome in outcomes.items() if outcome is not Outcome.SILENT]
    best = next((outcomes[target] for target in spoke if target.port == SSH), Outcome.SILENT)
    # What is silent shows no page either; where the SSL VPN shares the port somebody answers, and the page is the question.
    pages = [fetch(host, f"https://{target.address}{LOGIN}", "--insecure") for target in spoke if target.port == HTTPS]
    shown = [status(page) for page in pages if " 200" in status(page)]
    return best, shown[0] if shown else "withheld"


@then(parsers.parse("SSH stays silent for the {who}"))
def _ssh_silent(attempts: Attempts, record: ScenarioRecorder) -> None:
    for who, (ssh, _) in attempts.items():
        record.observe(f"the {who}'s SSH", expected=Outcome.SILENT.value, observed=ssh.value)


@then(parsers.parse("the login page is withheld from the {who}"))
def _page_withheld(attempts: Attempts, record: ScenarioRecorder) -> None:
    for who, (_, page) in attempts.items():
        record.observe(f"the {who}'s login page", expected="withheld", observed=page)


@when("the stranger sweeps all TCP ports of the public address", target_fixture="swept")
def _sweep(scene: Scene) -> Sweep:
    firewall, nic = scene.environment.firewall(scene.site.name), scene.firewall_nic("external")
    fabric = scene.environment.lab.fabric
    near, far = End(fabric.pid, fabric.port(firewall.name, nic)), End(firewall.host.pid, nic)
    return sweep(near, far, scene.deployment.internet.stranger, scene.public_address)


@then("exactly the published services and the SSL VPN answer")
def _only_published(scene: Scene, swept: Sweep, record: ScenarioRecorder) -> None:
    configuration = scene.environment.configuration(scene.site.name)
    expected = {entry.port for entry in scene.site.published if entry.protocol == "tcp"}
    if configuration.ssl_vpn.enabled:
        expected |= {port.first for port in Resolver(configuration).services(configuration.ssl_vpn.port, "tcp")}
    record.observe("the ports that answer", expected=sorted(expected), observed=sorted(swept.answered))


@then("every other port stays silent")
def _others_silent(swept: Sweep, record: ScenarioRecorder) -> None:
    record.observe("the ports reached", expected=len(ALL_PORTS), observed=len(swept.reached))
    record.observe("the ports that refuse", expected=[], observed=sorted(swept.refused)[:20])


@when("the administrator activates a filter slot that names an unknown object", target_fixture="refusal")
def _activate_broken(scene: Scene, changes: Changes) -> tuple[str, Completed]:
    """Where the mistake is, file and line, and what the command said."""
    firewall, mistake = changes.of(scene.environment.firewall(scene.site.name)), "pass from nobody_knows to any"
    slot = f"Filter/{firewall.configuration().active_policy:02d}"
    firewall.edit(slot, lambda text: text.replace("\n[NAT]\n", f"\n{mistake}\n[NAT]\n", 1))
    return f"{slot}:{firewall.read(slot).splitlines().index(mistake) + 1}", firewall.run("enfilter")


@then("the command refuses it with the file and the line")
def _refused_with_place(refusal: tuple[str, Completed], record: ScenarioRecorder) -> None:
    place, answer = refusal
    told = answer.stderr.strip()
    record.observe("the exit status", expected=1, observed=answer.status)
    record.observe("the refusal", expected=f"{place}: … nobody_knows …", observed=told,
                   holds=f"{place}:" in told and "nobody_knows" in told)  # fmt: skip
