"""``python -m benchmarks.reachability``: what it costs to measure every packet class of the guide, and to sweep its addresses.

In one lab: the whole matrix of both sites, VPN users and passive members included, then for each public address all TCP ports
and the well-known UDP ports, each from a stranger.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time
from contextlib import ExitStack
from pathlib import Path

from benchmarks.figures import tell
from lab.sweep import ALL_PORTS, End, sweep
from provisioning.deployment import load
from provisioning.environment import LabEnvironment, lab_up
from provisioning.matrix import passive
from provisioning.matrix.measured import Matrix, measure
from provisioning.matrix.results import Results, whole
from provisioning.matrix.users import connected
from sns.packet_classes import SOURCE_PORTS
from sns.prediction import Flow

GUIDE = Path(__file__).resolve().parent.parent / "deployments/guide"
WELL_KNOWN = range(1, 1024)
_SHOWN = 5
"""Packets that came out of a passive member, which is a defect of ours."""


def main() -> int:
    """Measure and print one line for each cost."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.reachability", description=__doc__)
    parser.add_argument("--runs", type=int, default=3, metavar="N", help="how often each sweep is measured (default 3)")
    given = parser.parse_args()
    if os.geteuid() != 0:
        print("it needs root, as the lab does: run the same command with sudo", file=sys.stderr)
        return 2
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # through the `finally`, as Ctrl-C
    environment = lab_up(load(GUIDE), keep=False, progress=lambda _: None)
    try:
        for site in environment.deployment.sites:
            tell(f"{site}: all {len(ALL_PORTS)} TCP ports", [_tcp(environment, site) for _ in range(given.runs)])
            tell(f"{site}: {len(WELL_KNOWN)} UDP ports", [_udp(environment, site) for _ in range(given.runs)])
        results = _matrix(environment)
    finally:
        environment.close()
        environment.lab.down()
    classes = round(results.classes / results.seconds * 60)
    print(f"{results.measured} packets of {results.classes} classes: {results.seconds:.1f} s, {results.per_minute} packets and"
          f" {classes} classes a minute; {len(results.disagreeing)} disagree, {results.lost.total()} not measured")  # fmt: skip
    for one in results.passive:
        print(f"{one.member}, passive: {one.arrived} of {one.sent} packets arrived, {len(one.seen)} came out")
        print("".join(f"    {seen}\n" for seen in one.seen[:_SHOWN]), end="")
    return 1 if results.disagrees or results.incomplete else 0


def _matrix(environment: LabEnvironment) -> Results:
    with ExitStack() as leaving:
        began = time.monotonic()
        users = leaving.enter_context(connected(environment))
        tell(f"{len(users)} VPN users connected", [time.monotonic() - began])
        matrix = Matrix(environment, users)
        try:
            results = whole(matrix, list(environment.deployment.sites))
        finally:
            matrix.close()
        began = time.monotonic()
        results.passive = passive.measure(environment, results.through)
        tell("passive members", [time.monotonic() - began])
    return results


def _tcp(environment: LabEnvironment, site: str) -> float:
    deployment, firewall = environment.deployment, environment.firewall(site)
    nic = f"eth{deployment.site(site).firewall.nics.index(deployment.site(site).network_of('external').name)}"
    fabric = environment.lab.fabric
    near, far = End(fabric.pid, fabric.port(firewall.name, nic)), End(firewall.host.pid, nic)
    began = time.monotonic()
    swept = sweep(near, far, deployment.internet.stranger, deployment.public_address(site))
    spent = time.monotonic() - began
    if len(swept.reached) != len(ALL_PORTS):
        raise RuntimeError(f"{site}: {len(swept.reached)} of {len(ALL_PORTS)} ports were reached")
    return spent


def _udp(environment: LabEnvironment, site: str) -> float:
    address = environment.deployment.public_address(site)
    interfaces = environment.configuration(site).interfaces
    arrival = next(one.name for one in interfaces if one.address and one.address.ip == address)
    stranger = environment.deployment.internet.stranger
    flows = [(site, Flow(arrival, stranger, address, "udp", SOURCE_PORTS[port], port)) for port in WELL_KNOWN]
    began = time.monotonic()
    measured = measure(environment, flows)
    spent = time.monotonic() - began
    if lost := sum(bool(one.trace.lost) for one in measured):
        raise RuntimeError(f"{site}: nothing is known of {lost} datagrams")
    return spent


if __name__ == "__main__":
    sys.exit(main())
