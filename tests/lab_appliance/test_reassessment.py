"""Connections as ``conntrack`` lists them, and what ends them when a policy refuses them."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.appliance import programs
from lab.appliance.errors import ProgramFailed
from lab.appliance.reassessment import listed, reassess
from sns.reader import read
from tests.provisioning.plans import GUIDE, change, copy_of

TCP = (
    "tcp      6 431999 ESTABLISHED src=10.200.0.10 dst=198.51.100.10 sport=40000 dport=7 "
    "src=198.51.100.10 dst=147.135.161.153 sport=7 dport=20001 [ASSURED] mark=65537 use=1"
)
UDP = (
    "udp      17 29 src=198.51.100.102 dst=147.135.161.153 sport=5000 dport=53 [UNREPLIED] "
    "src=10.200.0.10 dst=198.51.100.102 sport=53 dport=5000 mark=0 use=1"
)
WEB = (
    "tcp      6 431999 ESTABLISHED src=198.51.100.102 dst=147.135.161.153 sport=40000 dport=80 "
    "src=10.200.0.10 dst=198.51.100.102 sport=80 dport=40000 [ASSURED] mark=65537 use=1"
)
PING = (
    "icmp     1 29 src=10.200.0.10 dst=198.51.100.10 type=8 code=0 id=77 "
    "src=198.51.100.10 dst=147.135.161.153 type=0 code=0 id=77 mark=1 use=1"
)


@pytest.mark.parametrize(
    ("line", "deletion"),
    [
        (TCP, "-D -p tcp --orig-src 10.200.0.10 --orig-dst 198.51.100.10 --sport 40000 --dport 7"),
        (UDP, "-D -p udp --orig-src 198.51.100.102 --orig-dst 147.135.161.153 --sport 5000 --dport 53"),
        (PING, "-D -p icmp --orig-src 10.200.0.10 --orig-dst 198.51.100.10 --icmp-type 8"),
    ],
)
def test_a_connection_is_ended_as_it_began_before_translation(line: str, deletion: str) -> None:
    assert [one.deletion for one in listed(line)] == [deletion]


def test_protocols_without_ports_are_left_alone() -> None:
    assert (
        list(listed("unknown  50 599 src=203.0.113.153 dst=147.135.161.153 src=147.135.161.153 dst=203.0.113.153 use=1")) == []
    )


@pytest.mark.parametrize(
    ("rules", "ended"),
    [
        ("block tos 184 from any to any", 0),
        ("block from any to any", 1),
        ("block tos 184 from any to any\nblock from any to any", 1),
        ("pass tos 184 from any to any\nblock from any to any", 0),
    ],
)
def test_a_connection_ends_for_what_refuses_all_of_its_packets(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, rules: str, ended: int
) -> None:
    policy = copy_of(GUIDE, tmp_path) / "sbg7" / "ConfigFiles"
    change(policy / "Filter" / "05", "[Filter]\n", f"[Filter]\n{rules}\n")
    monkeypatch.setattr(programs, "run", lambda arguments, given="": WEB if arguments[1] == "-L" else "")
    assert reassess(read(policy, label="sbg7")) == ended


def test_a_connection_that_ends_by_itself_meanwhile_keeps_none_of_the_others_alive(monkeypatch: pytest.MonkeyPatch) -> None:
    refused = [UDP, UDP.replace("sport=5000 dport=53 [", "sport=5001 dport=53 [")]
    table, deleted = list(refused), list[str]()

    def conntrack(arguments: tuple[str, ...], *, given: str = "") -> str:
        if arguments[1] == "-L":
            return "\n".join(table)
        if len(table) == 2:
            del table[0]  # it ends between the two, and conntrack stops at the line that finds nothing
            raise ProgramFailed(arguments, "such conntrack doesn't exist")
        deleted.append(given.strip())
        table.clear()
        return ""

    monkeypatch.setattr(programs, "run", conntrack)
    assert reassess(read(GUIDE / "sbg7" / "ConfigFiles", label="sbg7")) == 2
    assert len(deleted) == 1
    assert "--sport 5001" in deleted[0]
