"""What the peers are given: our own topology, with everything that runs or with nothing that runs."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import pytest

from benchmarks import plan
from lab.topology import Topology
from provisioning.deployment import Deployment, load
from tests.provisioning.plans import GUIDE


@cache
def guide() -> tuple[Deployment, Topology]:
    deployment = load(GUIDE)
    return deployment, plan.topology_of(deployment)


def given(*, services: bool) -> dict[str, Any]:
    deployment, topology = guide()
    chosen = topology if services else plan.wires_only(deployment, topology)
    whole: dict[str, Any] = json.loads(plan.as_json(deployment, chosen, services=services))
    return whole


def host(whole: dict[str, Any], name: str) -> dict[str, Any]:
    return next(one for one in whole["hosts"] if one["name"] == name)


def test_peers_run_the_boot_scripts_and_files_of_our_own_hosts() -> None:
    _, topology = guide()
    whole = given(services=True)
    assert [one["boot"] for one in whole["hosts"]] == [one.boot for one in topology.hosts]
    assert [set(one["files"]) for one in whole["hosts"]] == [set(one.files) for one in topology.hosts]


def test_without_services_the_wires_are_the_same_and_nothing_runs() -> None:
    both = [given(services=services)["hosts"] for services in (True, False)]
    plugs = [[(one["name"], nic["name"], nic["vlan"]) for one in hosts for nic in one["nics"]] for hosts in both]
    assert plugs[0] == plugs[1]
    assert not any(one["files"] for one in both[1])
    programs = {line.split()[0] for one in both[1] for line in one["boot"].splitlines() if not line.startswith(("fail", "end"))}
    assert programs <= {"ip", "address", "route"}


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("fw1-sbg7", "address replace 147.135.161.153/29 dev eth0"),
        ("fw1-sbg7", "address replace 10.200.0.1/16 dev eth1"),
        ("fw2-sbg7", "address replace 192.168.2.4/29 dev eth2"),
        ("web-gra11", "route replace default via 10.201.0.1"),
        ("gw-gra11", "route replace 10.201.0.0/16 via 203.0.113.153"),
        ("gw-gra11", "route replace 10.200.0.0/16 via 198.51.100.1"),
        ("public", "address replace 198.51.100.10/24 dev eth0"),
    ],
)
def test_without_services_addresses_and_routes_are_static(name: str, line: str) -> None:
    assert line in host(given(services=False), name)["boot"].splitlines()


def test_without_services_two_members_do_not_share_a_hardware_address() -> None:
    whole = given(services=False)
    macs = [nic["mac"] for one in whole["hosts"] for nic in one["nics"]]
    assert len(macs) == len(set(macs))


def test_the_last_sites_server_proves_that_a_lab_is_ready() -> None:
    assert given(services=True)["probe"] == {"from": "web-gra11", "to": "198.51.100.10"}
