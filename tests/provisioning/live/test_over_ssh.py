"""The deployment itself is reached over SSH: from the administrator's machine of a lab, whose SSH servers are real ones."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address
from pathlib import Path

import pytest

from lab.errors import CommandFailed
from lab.namespace import ENVIRONMENT, enter
from provisioning.deployment import DeploymentError, load
from provisioning.environment import LabEnvironment, open_environment
from provisioning.live.environment import LiveEnvironment, attach
from provisioning.live.errors import NotAsIntended, NotHere, Unreachable
from provisioning.live.hosts import SshHost
from provisioning.live.reach_file import Reach, Way
from tests.provisioning.plans import MINIMAL, change, copy_of

pytestmark = pytest.mark.lab


@dataclass(frozen=True)
class Running:
    """A lab, and the deployment that it runs as one that only SSH reaches."""

    lab: LabEnvironment
    administrator: Way

    def attached(self, folder: Path = MINIMAL) -> LiveEnvironment:
        return attach(load(folder), "lab", lambda _: None, Reach(administrator=self.administrator))


@pytest.fixture(scope="module")
def running() -> Iterator[Running]:
    with open_environment(load(MINIMAL)) as lab:
        admin = lab.administrator
        # An agent with the administrator's key, and host keys that were seen once: what a person has on its machine.
        admin.must("sh", "-c", "eval $(ssh-agent -a /root/agent) && SSH_AUTH_SOCK=/root/agent ssh-add -q ~/.ssh/id_ed25519")
        once = "ssh -o StrictHostKeyChecking=accept-new ubuntu@10.200.0.10 true"
        admin.must("env", "SSH_AUTH_SOCK=/root/agent", "ssh", "-A", "admin@147.135.161.153", once)
        prefix = (*enter(admin.pid), "env", "-i", *(f"{name}={value}" for name, value in ENVIRONMENT.items()))
        yield Running(lab, Way((*prefix, "SSH_AUTH_SOCK=/root/agent")))


@pytest.fixture(scope="module")
def live(running: Running) -> LiveEnvironment:
    return running.attached()


def test_firewall_and_private_server_are_reached_and_the_firewall_runs_what_is_under_test(live: LiveEnvironment) -> None:
    server = live.web_server("sbg7")
    assert server.must("hostname").strip() == "web-sbg7"
    assert server.addresses() == [IPv4Address("10.200.0.10")]
    assert live.host("fw-sbg7").run("slotinfo", "-a", "filter").stdout.strip() == "05"
    assert live.configuration("sbg7").active_policy == 5
    done = server.run("sh", "-c", "printf '%s|' \"$@\" >&2; exit 3", "x", "two  words", "$HOME")
    assert (done.status, done.stderr) == (3, "two  words|$HOME|")
    assert server.run("cat", stdin=b"given").stdout == "given"
    assert server.run("true", "http://site/?mark").command == "true http://site/?mark"  # as a lab's host tells it


def test_each_member_is_recorded_with_the_hash_of_every_file(running: Running, live: LiveEnvironment) -> None:
    (member,) = live.members()
    (simulated,) = running.lab.members()
    assert {path.lstrip("/"): digest for path, digest in member.files.items()}.items() >= {
        path.lstrip("/"): digest for path, digest in simulated.files.items() if "ConfigFiles" in path
    }.items()


def test_what_was_run_is_the_scenarios_evidence(live: LiveEnvironment) -> None:
    live.begin_scenario()
    live.web_server("sbg7").run("hostname")
    (piece,) = live.evidence("SNS-A-01", [(0.0, "When it is asked")])
    assert piece.name == "commands.txt"
    assert "web-sbg7 $ hostname\nstatus 0" in str(piece.content)


def test_another_configuration_than_the_one_under_test_is_refused_with_what_differs(running: Running, tmp_path: Path) -> None:
    folder = copy_of(MINIMAL, tmp_path)
    change(
        folder / "sbg7/ConfigFiles/Filter/05",
        "from internet on out to Firewall_out port http",
        "from internet on out to Firewall_out port https",
    )
    with pytest.raises(NotAsIntended, match="the firewall of sbg7 runs another configuration") as refusal:
        running.attached(folder)
    assert any("http" in line for line in refusal.value.differences)


def test_a_comment_is_no_difference(running: Running, tmp_path: Path) -> None:
    folder = copy_of(MINIMAL, tmp_path)
    change(folder / "sbg7/ConfigFiles/Filter/05", "[Filter]\n", "[Filter]\n# another comment\n")
    assert running.attached(folder).configuration("sbg7").active_policy == 5


def test_what_only_a_lab_has_is_told_as_such(live: LiveEnvironment) -> None:
    with pytest.raises(NotHere, match="the deployment itself offers no stranger"):
        live.stranger  # noqa: B018
    with pytest.raises(NotHere, match="the deployment itself offers no public"):
        live.host("public")
    with pytest.raises(NotHere, match="web-sbg7 is reached over SSH alone: no socket"):
        live.web_server("sbg7").socket()


def test_a_host_that_lets_nobody_in_is_told_with_what_ssh_said(running: Running) -> None:
    firewall = SshHost("fw-sbg7", running.administrator.prefix, destination="nobody@147.135.161.153")
    with pytest.raises(Unreachable, match=r"\(nobody@147.135.161.153\) does not let us in over SSH: .*denied"):
        firewall.run("true")


def test_a_command_without_an_end_is_ended(live: LiveEnvironment) -> None:
    with pytest.raises(CommandFailed, match="no end after 1 s"):
        live.web_server("sbg7").run("sleep", "60", timeout=1)


def test_a_plan_that_its_trees_contradict_is_refused_before_anything_is_reached(tmp_path: Path) -> None:
    folder = copy_of(MINIMAL, tmp_path)
    shutil.rmtree(folder / "sbg7/ConfigFiles/Filter")
    with pytest.raises(DeploymentError):
        attach(load(folder), "lab", lambda _: None, Reach(administrator=Way(("false",))))
