"""The exchange of sessions follows the configuration: the daemon reads it only when it starts."""

from __future__ import annotations

from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

import pytest

from lab.appliance import conntrackd

UNREAD: Any = None


class Started:
    """A daemon that notes what is done to it."""

    def __init__(self, *, runs: bool) -> None:
        self.done: list[str] = []
        self._runs = runs

    def pid(self) -> int | None:
        return 1 if self._runs else None

    def start(self, *_: object) -> None:
        self.done.append("start")
        self._runs = True

    def stop(self) -> None:
        self.done.append("stop")
        self._runs = False


@pytest.mark.parametrize(
    ("runs", "settings", "done"),
    [(True, "peer B", ["stop", "start"]), (True, "peer A", []), (False, "peer B", [])],
    ids=["another peer", "the same peer", "not running"],
)
def test_another_peer_is_followed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, runs: bool, settings: str, done: list[str]
) -> None:
    daemon, file = Started(runs=runs), tmp_path / "conntrackd.conf"
    file.write_text("peer A")
    monkeypatch.setattr(conntrackd, "_DAEMON", daemon)
    monkeypatch.setattr(conntrackd, "_CONFIGURATION", file)
    monkeypatch.setattr(conntrackd, "_settings", lambda _configuration: settings)

    conntrackd.follow(UNREAD)

    assert daemon.done == done
    assert file.read_text() == (settings if done else "peer A")


@pytest.mark.parametrize(
    ("forward", "protocols"),
    [
        ("All", ["TCP", "UDP", "ICMP"]),
        ("Connections", ["TCP", "UDP", "ICMP"]),
        ("Tcp", ["TCP"]),
        ("Udp", ["UDP"]),
        ("Sip", ["TCP", "UDP", "ICMP"]),
    ],
)
def test_the_other_member_is_told_of_the_connections_that_forward_says(forward: str, protocols: list[str]) -> None:
    text = conntrackd.settings(IPv4Address("192.168.2.3"), IPv4Address("192.168.2.4"), "eth2", forward)
    accepted = text.partition("Protocol Accept {")[2].partition("}")[0]
    assert accepted.split() == protocols
