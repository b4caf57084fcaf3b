"""End to end: a deployment made by OpenStack in the lab, its appliances set up by their API, and tested over SSH."""

from __future__ import annotations

import base64
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

import pytest
from keystoneauth1.exceptions import ConnectFailure
from openstack.exceptions import ResourceFailure

from lab import engine as engines
from lab import ownership, probe
from lab.control_plane.seeding import ROOMY, connection
from lab.host import LabHost
from lab.state import is_alive, locked, state_folder
from provisioning.deployment import Deployment
from provisioning.environment import SERVERS, LabEnvironment
from provisioning.lab_cloud.bringing_up import CLOUD, Up, cloud_up
from provisioning.lab_cloud.cloud_lab import attach_to
from provisioning.lab_cloud.server import CONSOLE, PROCESS
from provisioning.live.gates import needed
from provisioning.live.reach_file import read
from provisioning.secrets import Secrets
from steps.eventually import eventually
from tests.cloud.account import ROOT, Done
from tests.provisioning.cloud.applicable import IMAGE, one_site

pytestmark = pytest.mark.lab

REGION = "SBG7"
WITHIN = 240.0  # s for a command: some 20 on a calm machine
PASS_OVER_SSH = {
    "SNS-EGRESS-01", "SNS-EGRESS-03", "SNS-EGRESS-06", "SNS-EGRESS-07", "SNS-MGMT-01", "SNS-MGMT-02", "SNS-MGMT-03",
    "SNS-MGMT-04", "SNS-MGMT-05", "SNS-WEB-01", "SNS-WEB-02", "SNS-RA-01",
}  # fmt: skip
RUNNING, SHUTDOWN = 1, 4  # Nova's power states
PUBLIC, SERVER = IPv4Address("147.135.161.153"), IPv4Address("10.200.0.10")


@dataclass(frozen=True)
class Ground:
    """The lab's cloud, and what its user has on this machine: a deployment, a key in an agent, a state folder."""

    up: Up
    deployment: Deployment
    agent: str

    @property
    def environment(self) -> dict[str, str]:
        """What the user's commands see."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("OS_")}
        return {**kept, "OS_CLIENT_CONFIG_FILE": str(self.up.clouds), "SSH_AUTH_SOCK": self.agent}

    def rempart(self, *words: str) -> Done:
        """A command of ours, as its user types it."""
        return self._run("-m", "cli.main", *words)

    def test(self, *words: str) -> Done:
        """The features against the deployment on the cloud."""
        where = ("--deployment", str(self.deployment.folder), "--target", "openstack", "--cloud", CLOUD)
        reach = ("--reach", str(self.up.reach), "--operator", "Ada Lovelace", "-p", "no:cacheprovider")
        return self._run("-m", "pytest", "features/", *where, *reach, *words)

    def _run(self, *words: str) -> Done:
        command = [sys.executable, *words]
        done = subprocess.run(
            command, cwd=ROOT, env=self.environment, capture_output=True, text=True, timeout=WITHIN, check=False
        )
        return Done(done.returncode, done.stdout, done.stderr)

    @cached_property
    def cloud(self) -> Any:
        """The project, as the cloud itself shows it."""
        return connection(self.up.auth_url, REGION, ROOMY, ROOMY)

    def lab(self) -> LabEnvironment:
        """The lab with the servers that it has now."""
        secrets = Secrets(self.deployment.secrets, self.deployment.folder, self.up.folder / "secrets.json")
        return LabEnvironment(self.deployment, attach_to(self.up.run, self.deployment, secrets), secrets)

    def host(self, name: str) -> LabHost:
        return self.lab().lab.host(name)


@pytest.fixture(scope="module")
def agent(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    """The user's key, and the socket of an agent that has it."""
    folder = tmp_path_factory.mktemp("user")
    key, socket = folder / "id_ed25519", str(folder / "agent")
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    with subprocess.Popen(["ssh-agent", "-D", "-a", socket], stdout=subprocess.DEVNULL) as process:
        eventually(Path(socket).exists, within=10.0, phase="the agent's socket")
        subprocess.run(["ssh-add", "-q", key], env={**os.environ, "SSH_AUTH_SOCK": socket}, check=True)
        yield key, socket
        process.terminate()


@pytest.fixture(scope="module")
def interfaces_before() -> str:
    return _interfaces()


@pytest.fixture(scope="module")
def ground(
    agent: tuple[Path, str], interfaces_before: str, tmp_path_factory: pytest.TempPathFactory, services: None
) -> Iterator[Ground]:
    """One site of the guide, whose appliance's image nobody has downloaded."""
    key, socket = agent
    # A name of its own: another run of these tests, on this machine, is another deployment.
    name = f"guide-{os.getpid()}"
    changes = (('name = "guide"', f'name = "{name}"'), ('key = "rempart-guide"', f'key = "rempart-{name}"'))
    deployment = one_site(tmp_path_factory.mktemp("deployment"), *changes)
    (deployment.folder / "key.pub").write_text(key.with_suffix(".pub").read_text())
    (deployment.folder / IMAGE).unlink()
    seen = 'who = "Ada Lovelace"\nwhen = 2026-11-20\nsaw = "a lab: there is nothing to see"\n'
    (deployment.folder / "gates.toml").write_text("".join(f"[{gate}]\n{seen}" for gate in needed(deployment)))
    up = cloud_up(deployment, keep=False, progress=lambda _: None)
    try:
        yield Ground(up, deployment, socket)
    finally:
        ownership.remove(up.run)


@pytest.fixture(scope="module")
def applied(ground: Ground) -> Ground:
    done = ground.rempart("cloud", "apply", str(ground.deployment.folder), "--cloud", CLOUD)
    assert (done.status, done.last) == (0, "done: 22 create"), done
    return ground


@pytest.fixture(scope="module")
def configured(applied: Ground) -> Ground:
    """Its pair runs the plan, and has seen the server's host key once."""
    done = _configure(applied)
    assert done.status == 0, done
    reach = read(applied.deployment, applied.up.reach)
    once = f"ssh -o StrictHostKeyChecking=accept-new ubuntu@{SERVER} true"
    ssh = (*reach.administrator.prefix, "ssh", *reach.ssh_options, "-A", f"admin@{PUBLIC}", once)
    subprocess.run(ssh, env=applied.environment, check=True, timeout=WITHIN)
    return applied


def test_every_server_is_a_host_on_the_vrack_with_the_addresses_of_its_ports(applied: Ground) -> None:
    lab = applied.lab().lab
    servers = {server.name: server for server in applied.cloud.compute.servers()}
    assert {name: server.status for name, server in servers.items()} == dict.fromkeys(
        ("stormshield-1", "stormshield-2", "ubuntu-webserver", "ubuntu-vpn-client"), "ACTIVE"
    )
    named = {"stormshield-1": "fw1-sbg7", "stormshield-2": "fw2-sbg7", "ubuntu-webserver": "web-sbg7",
             "ubuntu-vpn-client": "vpn-client"}  # fmt: skip
    for name, server in servers.items():
        host = lab.host(named[name])
        ports = list(applied.cloud.network.ports(device_id=server.id))
        assert {nic.mac for nic in host.spec.nics} == {port.mac_address for port in ports}
        assert {str(address) for address in host.addresses()} == {port.fixed_ips[0]["ip_address"] for port in ports}


def test_nothing_of_it_is_in_the_machines_own_network(applied: Ground, interfaces_before: str) -> None:
    assert _interfaces() == interfaces_before


def test_the_console_shows_the_boot_and_the_first_boot_script(applied: Ground) -> None:
    compute = applied.cloud.compute
    said = compute.get_server_console_output(compute.find_server("stormshield-1"))["output"]
    assert "user data: ended with status 0" in said


def test_a_server_without_power_is_silent_and_is_as_it_was_when_it_has_it_again(applied: Ground) -> None:
    compute, neighbour = applied.cloud.compute, applied.host("baremetal-sbg7")
    server, target = compute.find_server("ubuntu-webserver"), [probe.Target(SERVER, 80)]
    assert probe.connect(neighbour, target)[target[0]] is probe.Outcome.ANSWERED
    compute.stop_server(server)
    compute.wait_for_server(server, status="SHUTOFF", interval=0.2)
    assert probe.connect(neighbour, target)[target[0]] is not probe.Outcome.ANSWERED
    compute.start_server(server)
    compute.wait_for_server(server, interval=0.2)
    assert probe.connect(neighbour, target)[target[0]] is probe.Outcome.ANSWERED
    compute.reboot_server(server, "HARD")
    eventually(
        lambda: compute.get_server_console_output(server)["output"].count("boot: ended with status 0"),
        until=lambda boots: boots == 3,
        within=60.0,
        phase="the third boot",
    )
    assert probe.connect(neighbour, target)[target[0]] is probe.Outcome.ANSWERED


def test_a_server_made_by_hand_boots_and_is_gone_when_it_is_deleted(applied: Ground) -> None:
    compute, network = applied.cloud.compute, applied.cloud.network
    wanted = {
        "image_id": applied.cloud.image.find_image("Ubuntu 22.04").id,
        "flavor_id": compute.find_flavor("b2-7").id,
        "networks": [{"uuid": network.find_network("stormshield-vlan200").id}],
    }
    made = compute.wait_for_server(compute.create_server(name="guest", **wanted), interval=0.2)
    address = IPv4Address(made.addresses["stormshield-vlan200"][0]["addr"])
    assert applied.host("guest-sbg7").addresses() == [address]
    assert probe.ping(applied.host("baremetal-sbg7"), address).answered == 3

    twin = compute.create_server(name="guest", **wanted)
    with pytest.raises(ResourceFailure):
        compute.wait_for_server(twin, interval=0.2)
    assert "guest-sbg7 runs already" in compute.get_server(twin.id).fault["message"]

    for each in (twin, made):
        compute.delete_server(each)
        compute.wait_for_delete(each, interval=0.2)
    assert "guest-sbg7" not in _containers(applied)
    assert probe.ping(applied.host("baremetal-sbg7"), address, within=0.3).answered == 0


def test_servers_outlive_nova_and_one_that_it_was_building_is_known_and_not_built_twice(applied: Ground) -> None:
    compute, network = applied.cloud.compute, applied.cloud.network
    off = compute.find_server("ubuntu-vpn-client")
    compute.stop_server(off)
    compute.wait_for_server(off, status="SHUTOFF", interval=0.2)
    containers, power, processes = _containers(applied), _power(applied), _first_processes(applied)
    assert power == dict.fromkeys(power, RUNNING) | {"ubuntu-vpn-client": SHUTDOWN}
    building = compute.create_server(
        name="guest",
        image_id=applied.cloud.image.find_image("Ubuntu 22.04").id,
        flavor_id=compute.find_flavor("b2-7").id,
        networks=[{"uuid": network.find_network("stormshield-vlan200").id}],
        user_data=base64.b64encode(b"#!/bin/sh\nsleep 600\n").decode(),  # its build does not end meanwhile
    )
    guest = applied.up.folder / SERVERS / building.id
    eventually((guest / CONSOLE).exists, within=WITHIN, phase="the guest's boot")

    killed = _nova(applied)
    assert killed
    os.kill(killed, signal.SIGKILL)
    eventually(lambda: _nova(applied), until=lambda nova: nova not in (None, killed), within=WITHIN, phase="another Nova")

    def told() -> str:
        with suppress(ConnectFailure):  # a request on a connection from before, while the killed process is being torn down
            return str(compute.get_server(building.id).status)
        return "nothing"

    eventually(told, until=lambda status: status == "ERROR", within=WITHIN, phase="Nova's word on what it was building")
    known = _power(applied)
    del known["guest"]  # it differs by whether Nova has asked its hypervisor since, as it does within a minute of a start
    assert known == power
    running = _first_processes(applied)
    assert {name: running[name] for name in processes} == processes, "nobody was built anew"
    assert _containers(applied) == containers | {"guest-sbg7"}

    compute.delete_server(building)
    compute.wait_for_delete(building, interval=0.2)
    assert _containers(applied) == containers
    compute.start_server(off)
    compute.wait_for_server(off, interval=0.2)
    assert _power(applied) == dict.fromkeys(power, RUNNING)


def test_its_appliances_are_set_up_once(configured: Ground) -> None:
    again = _configure(configured)
    assert (again.status, again.output) == (
        0, "sbg7: VMSNSX08K0701A9 is as planned\nsbg7: a pair, synchronised\n"
    ), again  # fmt: skip


def test_the_features_pass_over_ssh(configured: Ground) -> None:
    done = configured.test("-q", "-k", "EGRESS or MGMT or WEB or (RA-01 and udp)")
    assert done.status == 0, done.output[-6000:]
    assert "SIMULATED LAB" in done.output
    passed = set(re.findall(r"✓ (SNS-[A-Z]+-\d+)", done.output))
    assert passed == PASS_OVER_SSH


def test_destroyed_nothing_but_the_surroundings_is_left(configured: Ground) -> None:
    done = configured.rempart("cloud", "destroy", str(configured.deployment.folder), "--cloud", CLOUD, "--yes")
    assert done.status == 0, done
    assert _containers(configured) == {"admin", "baremetal-sbg7", "fabric", "gw-sbg7", "public", "stranger"}


def test_a_lab_that_is_removed_takes_its_control_plane_with_it(ground: Ground) -> None:
    keeper = (ground.up.folder / ownership.KEEPER_FILE).read_text()
    assert is_alive(keeper)
    ownership.remove(ground.up.run)
    assert not is_alive(keeper)
    assert not ground.up.folder.exists()
    there = [name for _, folders, files in os.walk(state_folder()) for name in (*folders, *files)]  # others' come and go
    assert not [name for name in there if ground.deployment.name in name], "its secrets and locks went with it"


def _nova(ground: Ground) -> int | None:
    """The process of Nova's services."""
    keeper = (ground.up.folder / ownership.KEEPER_FILE).read_text().partition(":")[0]
    children = Path(f"/proc/{keeper}/task/{keeper}/children").read_text().split()
    for each in children:
        with suppress(FileNotFoundError, ProcessLookupError):  # it was reaped between the two looks
            if b"serve.py\0nova\0" in Path(f"/proc/{each}/cmdline").read_bytes():
                return int(each)
    return None


def _power(ground: Ground) -> dict[str, int]:
    return {server.name: server.power_state for server in ground.cloud.compute.servers()}


def _first_processes(ground: Ground) -> dict[str, str]:
    """The identity of each server's first process, by the server's id."""
    return {file.parent.name: file.read_text() for file in (ground.up.folder / SERVERS).glob(f"*/{PROCESS}")}


def _configure(ground: Ground) -> Done:
    where = (str(ground.deployment.folder), "--cloud", CLOUD, "--reach", str(ground.up.reach))
    return ground.rempart("cloud", "configure", *where)


def _interfaces() -> str:
    return subprocess.run(["ip", "-br", "link"], capture_output=True, text=True, check=True).stdout


def _containers(ground: Ground) -> set[str]:
    with locked("engine"):
        engine = engines.connect(start=False)
    try:
        return {each["Labels"]["rempart.host"] for each in engine.containers(ground.up.run)}
    finally:
        engine.close()
