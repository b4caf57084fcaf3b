"""``rempart lab shell``, ``exec`` and ``capture`` as a person has them: at a terminal, with its keys."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from scapy.layers.inet import TCP
from scapy.utils import rdpcap

from lab.probe import Outcome, Target, connect
from provisioning.deployment import load
from provisioning.environment import LabEnvironment, lab_attach, lab_up
from steps.eventually import eventually
from tests.lab.terminal import CTRL_C, CTRL_D, WITHIN, Terminal
from tests.provisioning.plans import MINIMAL

pytestmark = pytest.mark.lab


@pytest.fixture(scope="module")
def run() -> Iterator[str]:
    """A lab that somebody has left up to work in."""
    environment = lab_up(load(MINIMAL), keep=True, progress=lambda _: None)
    try:
        yield environment.lab.run
    finally:
        environment.close()
        environment.lab.down()


@pytest.fixture
def environment(run: str) -> Iterator[LabEnvironment]:
    attached = lab_attach(run)
    yield attached
    attached.close()


def rempart(verb: str, run: str, *arguments: str) -> Terminal:
    command = shlex.join([sys.executable, "-m", "cli.main", "lab", verb, "--run", run, *arguments])
    return Terminal(["script", "-qec", command, "/dev/null"], os.environ)


def test_a_shell_has_job_control_and_ends_with_its_own_status(run: str) -> None:
    with rempart("shell", run, "fw1-sbg7") as terminal:
        terminal.until("fw1-sbg7# ")
        terminal.type("hostname; slotinfo -a filter")
        terminal.until("fw1-sbg7\r\n05")
        terminal.until("fw1-sbg7# ")
        terminal.type("sh -c 'echo be\"\"gun; exec sleep 100'")
        terminal.until("begun\r\n")  # by the program itself: it has the terminal
        terminal.press(CTRL_C)
        assert "job control" not in terminal.until("fw1-sbg7# ")
        terminal.type("exit 7")
        assert terminal.end()[0] == 7


def test_what_is_run_on_a_host_reads_the_terminal_and_ends_with_its_own_status(run: str) -> None:
    with rempart("exec", run, "web-sbg7", "sh", "-c", "cat; exit 5") as terminal:
        terminal.type("hello")
        terminal.until("hello\r\nhello\r\n")
        terminal.press(CTRL_D)
        assert terminal.end()[0] == 5


def test_ctrl_c_ends_what_is_run_on_a_host_and_says_nothing(run: str) -> None:
    with rempart("exec", run, "web-sbg7", "sh", "-c", "echo begun; exec sleep 100") as terminal:
        terminal.until("begun\r\n")
        terminal.press(CTRL_C)
        assert terminal.end() == (130, "^C")


@pytest.mark.parametrize("where", ["internet", "vrack-200", "web-sbg7:eth0"])
def test_packets_are_shown_as_they_pass_until_ctrl_c(run: str, environment: LabEnvironment, where: str) -> None:
    with rempart("capture", run, where) as terminal:
        terminal.until("listening on")
        assert _asked(environment) is Outcome.ANSWERED
        terminal.until(".80: Flags [S]")
        terminal.press(CTRL_C)
        status, shown = terminal.end()
        assert (status, "Traceback" in shown) == (130, False)
        assert "captured" in shown


def test_a_capture_that_is_written_is_whole_after_ctrl_c(run: str, environment: LabEnvironment, tmp_path: Path) -> None:
    file = tmp_path / "out.pcap"
    with rempart("capture", run, "internet", "--write", str(file)) as terminal:
        terminal.until("listening on")
        assert _asked(environment) is Outcome.ANSWERED
        eventually(lambda: len(_to_the_page(file)), until=lambda seen: seen >= 3, within=WITHIN, phase="packets in the file")
        terminal.press(CTRL_C)
        assert terminal.end()[0] == 130
    assert _to_the_page(file)[0].flags == "S"


def _to_the_page(file: Path) -> list[TCP]:
    return [packet[TCP] for packet in rdpcap(str(file)) if TCP in packet and packet[TCP].dport == 80]


def _asked(environment: LabEnvironment) -> Outcome:
    page = Target(environment.deployment.public_address("sbg7"), 80)
    return connect(environment.stranger, [page])[page]


def test_a_host_or_segment_that_is_not_there_is_told_with_those_that_are(run: str) -> None:
    with rempart("shell", run, "nobody") as terminal:
        status, shown = terminal.end()
    assert status == 1
    assert "nobody" in shown
    assert "web-sbg7" in shown
    with rempart("capture", run, "nowhere") as terminal:
        status, shown = terminal.end()
    assert status == 1
    assert "no segment nowhere; this lab has" in shown
