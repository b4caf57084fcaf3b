"""The guide's own shell steps, typed as it prints them into the terminals it names, in its order."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from lab import namespace
from lab.host import LabHost
from provisioning.deployment import load
from provisioning.environment import LabEnvironment, open_environment
from steps.eventually import eventually
from tests.lab.terminal import WITHIN, Terminal
from tests.provisioning.plans import GUIDE

FIREWALL, WEB = "147.135.161.153", "10.200.0.10"

pytestmark = pytest.mark.lab


@pytest.fixture(scope="module")
def environment() -> Iterator[LabEnvironment]:
    with open_environment(load(GUIDE)) as running:
        yield running


def on(host: LabHost, *command: str) -> Terminal:
    """A program on a host that somebody types into."""
    return Terminal([*namespace.enter(host.pid), *command], namespace.ENVIRONMENT)


def administrator(environment: LabEnvironment, *options: str) -> Terminal:
    """The administrator's terminal: ``ssh admin@FIREWALL``, with an agent that holds the key."""
    typed = " ".join(("ssh", "-tt", *options, f"admin@{FIREWALL}"))
    return on(environment.administrator, "ssh-agent", "sh", "-c", f"ssh-add -q && exec {typed}")


def test_ssh_to_the_active_member_then_hasync(environment: LabEnvironment) -> None:
    pair = environment.cluster("sbg7")
    pair.active().edit("object", lambda text: text.replace("[Network]", "new_host=192.0.2.1,resolve=static\n[Network]", 1))
    with administrator(environment) as terminal:
        terminal.until("fw1-sbg7> ")
        eventually(lambda: "Synchronised:     no" in pair.members[0].run("hainfo").stdout, within=WITHIN, phase="hainfo")
        terminal.type("hasync")
        terminal.until("Synchronised: both members are identical")
        terminal.until("fw1-sbg7> ")
        terminal.type("hainfo")
        terminal.until("Synchronised:     yes")
    first, second = (member.read("object") for member in pair.members)
    assert first == second
    assert "new_host" in second


def test_ssh_with_the_agent_to_the_firewall_and_on_to_the_server_then_the_public_page(environment: LabEnvironment) -> None:
    with administrator(environment, "-A") as terminal:
        terminal.until("fw1-sbg7> ")
        terminal.type(f"ssh ubuntu@{WEB}")
        terminal.until("Are you sure you want to continue connecting (yes/no/[fingerprint])? ")
        terminal.type("yes")
        terminal.until("ubuntu@web-sbg7")
        terminal.type("curl -I https://www.ovh.com/manager/")
        terminal.until("HTTP/2 200")
        terminal.until("ubuntu@web-sbg7")
        terminal.type("exit")
        terminal.until("fw1-sbg7> ")


def changed_in_vi(host: LabHost, file: str, before: str, after: str) -> None:
    """``vi FILE`` at the console, and the keys that change a value and leave."""
    with on(host, "script", "-qec", f"vi {file}", "/dev/null") as console:
        console.until(before)
        console.type(f":%s/{before}/{after}/")
        console.type(":wq")
        console.until("written")


@pytest.fixture
def put_back(environment: LabEnvironment) -> Iterator[None]:
    token = environment.cluster("sbg7").snapshot()
    yield
    environment.cluster("sbg7").restore(token)


def test_vi_object_vi_network_then_ennetwork(environment: LabEnvironment, put_back: None) -> None:
    passive = environment.cluster("sbg7").members[1]  # the guide's second member, before it joins
    host, ask = passive.host, passive.host.must
    assert ask("ip", "-4", "-o", "address", "show", "eth0").count("147.135.161.153/29") == 1
    changed_in_vi(host, "/usr/Firewall/ConfigFiles/object", "147.135.161.158", "147.135.161.157")
    changed_in_vi(host, "/usr/Firewall/ConfigFiles/network", "Address=147.135.161.153", "Address=147.135.161.154")
    assert "147.135.161.153/29" in ask("ip", "-4", "-o", "address", "show", "eth0"), "nothing changes before it is applied"

    ask("ennetwork")

    assert "147.135.161.154/29" in ask("ip", "-4", "-o", "address", "show", "eth0")
    assert ask("ip", "route", "show", "default").split()[2] == "147.135.161.157"


def test_a_slip_in_vi_is_refused_by_ennetwork_with_its_line(environment: LabEnvironment, put_back: None) -> None:
    passive = environment.cluster("sbg7").members[1]
    changed_in_vi(passive.host, "/usr/Firewall/ConfigFiles/network", "Mask=255.255.255.248", "Mask=255.255.255.842")
    done = passive.run("ennetwork")
    assert done.status == 1
    assert "network:" in done.stderr
    assert "255.255.255.842" in done.stderr
    assert "147.135.161.153/29" in passive.host.must("ip", "-4", "-o", "address", "show", "eth0")


def test_setconf_counts_once_enopenvpn_has_run_and_a_slip_is_refused_with_its_line(
    environment: LabEnvironment, put_back: None
) -> None:
    member = environment.cluster("sbg7").active()
    file = "/usr/Firewall/ConfigFiles/Openvpn/openvpn"
    applied = member.path("/var/lib/sns/openvpn/udp.conf")
    assert member.apply("getconf", file, "Config", "Ping").stdout == "1\n"

    member.apply("setconf", file, "Config", "PingRestart", "12")
    assert "keepalive 1 12\n" not in applied.read_text(), "nothing changes before it is applied"
    member.apply("enopenvpn")
    assert "keepalive 1 12\n" in applied.read_text()

    member.apply("setconf", file, "Config", "State", "9x")
    done = member.run("enopenvpn")
    assert (done.status, done.stderr or done.stdout) == (1, 'Openvpn/openvpn:2: state: "9x" is neither 0 nor 1\n')
    assert member.run("pgrep", "-c", "openvpn").stdout == "3\n", "the servers go on"
