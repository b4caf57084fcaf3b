"""A service that does not start, a host that has ended: the message names it and carries its log."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from lab import namespace, probe
from lab.errors import HostFailed, HostGone
from lab.topology import Host, Topology
from provisioning import environment
from provisioning.deployment import Deployment, load
from provisioning.secrets import Secrets
from tests.lab.own_machine import ROOT, Machine

pytestmark = pytest.mark.lab

FAILS = b"#!/bin/sh\necho 'no such frobnicator' >&2\nexit 3\n"

# deployment, hosts, program, service; the guide's firewalls are pairs: the elected member, whichever it is, starts its VPN.
SERVICES = {
    "the page of a web server": ("minimal", {"web-sbg7"}, "/usr/sbin/nginx", "nginx"),
    "the shell of a firewall": ("minimal", {"fw1-sbg7"}, "/usr/sbin/sshd", "sshd"),
    "the IKE daemon of a pair": ("guide", {"fw1-gra11", "fw2-gra11"}, "/usr/lib/ipsec/charon", "charon"),
}


def _spoiled(
    real: Callable[..., Topology], hosts: set[str], program: str, deployment: Deployment, secrets: Secrets, *, factory: bool
) -> Topology:
    plan = real(deployment, secrets, factory=factory)

    def spoiled(host: Host) -> Host:
        return replace(host, files={**host.files, program: (FAILS, 0o755)})

    return replace(plan, hosts=tuple(spoiled(one) if one.name in hosts else one for one in plan.hosts))


@pytest.mark.parametrize("deployment, hosts, program, service", SERVICES.values(), ids=SERVICES)
def test_a_service_that_does_not_start_has_its_log_in_the_message(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, deployment: str, hosts: set[str], program: str, service: str
) -> None:
    monkeypatch.setattr(environment, "topology", partial(_spoiled, environment.topology, hosts, program))

    with machine.here(), pytest.raises(HostFailed) as failed:
        environment.lab_up(load(ROOT / "deployments" / deployment), keep=True, progress=lambda _: None)

    assert str(failed.value).partition(": ")[0] in hosts
    assert f"{service}" in str(failed.value)
    assert "did not start; the end of" in str(failed.value)
    assert "no such frobnicator" in str(failed.value)
    assert machine.left() == []


def test_nothing_that_is_asked_of_a_host_that_has_ended_passes_for_an_answer(machine: Machine) -> None:
    up = machine.up()
    pid = machine.pid(up.run, "stranger")
    with machine.here():
        attached = environment.lab_attach(up.run)
    stranger = attached.stranger
    assert not stranger.run("false").ok
    os.kill(pid, signal.SIGKILL)
    while not namespace.is_gone(pid):
        pass

    for ask in (
        partial(stranger.run, "curl", "http://192.0.2.1/"),
        partial(stranger.facts.run, "true"),
        partial(probe.ping, stranger, attached.deployment.public_address("sbg7"), count=1),
        attached.begin_capture,
    ):
        with pytest.raises(HostGone, match="stranger has stopped: its container has ended"):
            ask()
    attached.lab.engine.close()
    assert machine.rempart("lab", "down").status == 0
    assert not Path(machine.state / "labs" / up.run).exists()
