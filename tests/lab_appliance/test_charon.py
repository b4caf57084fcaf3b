"""What becomes of tunnels that stand when the policy changes, and the IKE daemon does not answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Self, cast

import pytest

from lab.appliance import charon, security_associations
from lab.appliance.errors import ServiceFailed
from lab.appliance.security_associations import SecurityAssociation
from lab.appliance.vici import CommandRefused, Session, ViciError
from tests.sns.trees import GUIDE, guide

TUNNEL = "OVH_GRA11"
PSK = {"VPN/psk": "[psk]\nOVH_REMOTE_FW=shared secret\n"}
OTHER_PSK = {"VPN/psk": "[psk]\nOVH_REMOTE_FW=another secret\n"}
OTHER_LIFETIME = {**PSK, "VPN/ph2profile": GUIDE["VPN/ph2profile"].replace("lifetime=3600", "lifetime=1800")}
STANDING = SecurityAssociation(
    TUNNEL, "1", "ESTABLISHED", "2", True, "", "", "", 0, 0, child="01-1", child_id="1", child_state="INSTALLED"
)


class Daemon:
    """An IKE daemon that notes what it is told."""

    def __init__(self) -> None:
        self.pid_now: int | None = None
        self.said: list[tuple[str, Mapping[str, str]]] = []
        self.patience = 0.0  # of who asks
        self.failures: dict[str, ViciError] = {}

    def pid(self) -> int | None:
        return self.pid_now

    def start(self, *_: object, **__: object) -> None:
        self.pid_now = 1

    def stop(self, **_: object) -> None:
        self.pid_now = None

    # As a session with it

    def session(self, _path: Path, timeout: float) -> Self:
        self.patience = timeout
        return self

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def command(self, name: str, arguments: Mapping[str, str]) -> None:
        self.said.append((name, arguments))
        if name in self.failures:
            raise self.failures[name]


Apply = Callable[[Mapping[str, str]], None]


@pytest.fixture
def daemon(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Daemon:
    found = Daemon()
    monkeypatch.setattr(charon, "_CHARON", found)
    monkeypatch.setattr(charon, "Session", found.session)
    monkeypatch.setattr(charon, "_load", lambda: found.command("load", {}))
    monkeypatch.setattr(charon, "_COMPILED_PID_FILE", tmp_path / "charon.pid")
    for name in ("_DAEMON_FILE", "_POLICY_FILE", "_PLAN_FILE", "_FOLLOWED_FILE"):
        monkeypatch.setattr(charon, name, tmp_path / name)
    monkeypatch.setattr(security_associations, "read", lambda _session: [STANDING])
    return found


@pytest.fixture
def apply(daemon: Daemon, tmp_path: Path) -> Apply:
    """Apply a policy; the first is the guide's."""

    def act(changes: Mapping[str, str]) -> None:
        daemon.said.clear()
        charon.apply(guide(tmp_path / str(hash(str(changes))), changes), lambda: True)

    act(PSK)
    return act


def ended(daemon: Daemon) -> list[str]:
    return [arguments["ike"] for name, arguments in daemon.said if name == "terminate"]


def test_a_tunnel_of_another_key_ends_also_where_that_did_not_work_the_first_time(daemon: Daemon, apply: Apply) -> None:
    daemon.failures = {"terminate": ViciError("charon does not answer: timed out")}
    with pytest.raises(ServiceFailed, match="timed out"):
        apply(OTHER_PSK)
    daemon.failures = {}
    apply(OTHER_PSK)
    assert ended(daemon) == [TUNNEL]
    apply(OTHER_PSK)
    assert ended(daemon) == []


def test_what_the_peer_asks_for_while_a_tunnel_ends_is_by_the_new_policy(daemon: Daemon, apply: Apply) -> None:
    """It ends once the peer knows, which may take two seconds, and the peer asks for another one at once."""
    apply(OTHER_PSK)
    assert [name for name, _ in daemon.said][:2] == ["load", "terminate"]


def test_a_tunnel_that_is_not_there_to_be_ended_is_no_failure(daemon: Daemon, apply: Apply) -> None:
    daemon.failures = {"terminate": CommandRefused("terminate: no matching SAs to terminate found")}
    apply(OTHER_PSK)
    assert ended(daemon) == [TUNNEL]


def test_a_renewal_that_the_peer_does_not_answer_is_waited_for_to_its_end(daemon: Daemon, apply: Apply) -> None:
    daemon.failures = {"initiate": CommandRefused("initiate: not established after 5000ms")}
    apply(OTHER_LIFETIME)
    _, (name, arguments) = daemon.said
    assert name == "initiate"
    assert daemon.patience >= float(arguments["timeout"]) / 1000 + 1.0
    assert ended(daemon) == []


def test_a_daemon_that_does_not_answer_has_not_renewed(daemon: Daemon, apply: Apply) -> None:
    daemon.failures = {"initiate": ViciError("charon does not answer: timed out")}
    with pytest.raises(ServiceFailed, match="timed out"):
        apply(OTHER_LIFETIME)


def test_only_what_nobody_has_answered_is_given_up(daemon: Daemon, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = [replace(STANDING, ike_id=number, ike_state="CONNECTING", child="") for number in ("2", "3")]
    monkeypatch.setattr(security_associations, "read", lambda _session: [STANDING, *asked])
    daemon.failures = {"terminate": CommandRefused("terminate: no matching SAs to terminate found")}  # it has ended meanwhile
    security_associations.give_up(cast(Session, daemon))
    assert [(name, arguments["ike-id"]) for name, arguments in daemon.said] == [("terminate", "2"), ("terminate", "3")]
