"""What the shipped configurations decide, flow by flow: what the guide's screenshots are for, and nothing else."""

from __future__ import annotations

from functools import cache
from ipaddress import IPv4Address
from pathlib import Path

import pytest

from provisioning.deployment import Deployment, load
from sns.prediction import Flow, Prediction, predict
from tests.provisioning.plans import GUIDE, MINIMAL

STRANGER, ADMIN, PUBLIC, MIRROR, RESOLVER = (f"198.51.100.{n}" for n in (102, 101, 10, 30, 53))
CLIENT = "10.60.0.6"

# Arrival, source, destination, protocol and port, verdict. FIREWALL, WEB, GATEWAY and FAR stand for the site's own.
FLOWS = [
    ("out", ADMIN, "FIREWALL", "tcp", 443, "pass"),
    ("out", ADMIN, "FIREWALL", "tcp", 22, "pass"),
    ("out", STRANGER, "FIREWALL", "tcp", 22, "block"),
    ("out", STRANGER, "FIREWALL", "tcp", 1300, "block"),
    ("out", STRANGER, "FIREWALL", "tcp", 113, "block"),
    ("out", STRANGER, "FIREWALL", "icmp", None, "block"),
    ("out", STRANGER, "FIREWALL", "tcp", 80, "pass"),
    ("out", STRANGER, "FIREWALL", "tcp", 8080, "block"),
    ("out", STRANGER, "WEB", "tcp", 80, "block"),
    ("out", "WEB", "FIREWALL", "tcp", 80, "block"),
    ("in", "WEB", "GATEWAY", "tcp", 22, "block"),
    ("in", "WEB", "FIREWALL", "tcp", 22, "block"),
    ("in", "WEB", "GATEWAY", "udp", 53, "block"),
    ("in", "WEB", PUBLIC, "tcp", 443, "pass"),
    ("in", "WEB", PUBLIC, "tcp", 80, "pass"),
    ("in", "WEB", PUBLIC, "icmp", None, "pass"),
    ("in", "WEB", RESOLVER, "udp", 53, "pass"),
    ("in", "WEB", PUBLIC, "udp", 53, "block"),
    ("in", "WEB", MIRROR, "tcp", 80, "pass"),
    ("in", "WEB", PUBLIC, "tcp", 25, "block"),
    ("in", "WEB", PUBLIC, "udp", 123, "block"),
]
PAIRED = [
    ("in", "WEB", "FAR", "tcp", 80, "pass"),
    ("ipsec", "FAR", "WEB", "icmp", None, "pass"),
    ("out", "FAR", "WEB", "icmp", None, "block"),
    ("ipsec", "FAR", "GATEWAY", "tcp", 22, "block"),
    ("ipsec", "FAR", PUBLIC, "tcp", 80, "block"),
    ("out", "PEER", "FIREWALL", "udp", 500, "pass"),
    ("out", "PEER", "FIREWALL", "udp", 4500, "pass"),
    ("out", STRANGER, "FIREWALL", "udp", 500, "block"),
]
REMOTE_ACCESS = [
    ("out", STRANGER, "FIREWALL", "tcp", 443, "pass"),
    ("out", STRANGER, "FIREWALL", "udp", 1194, "pass"),
    ("sslvpn", CLIENT, "WEB", "icmp", None, "pass"),
    ("sslvpn", CLIENT, "GATEWAY", "tcp", 22, "block"),
    ("sslvpn", CLIENT, "FAR", "tcp", 80, "block"),
    ("sslvpn", CLIENT, PUBLIC, "tcp", 443, "block"),
    ("out", CLIENT, "WEB", "tcp", 80, "block"),
]
CASES = [
    *((GUIDE, "sbg7", flow) for flow in (*FLOWS, *PAIRED, *REMOTE_ACCESS)),
    *((GUIDE, "gra11", flow) for flow in (*FLOWS, *PAIRED)),
    (GUIDE, "gra11", ("out", STRANGER, "FIREWALL", "tcp", 443, "block")),
    (GUIDE, "gra11", ("out", STRANGER, "FIREWALL", "udp", 1194, "block")),
    *((MINIMAL, "sbg7", flow) for flow in FLOWS),
    (MINIMAL, "sbg7", ("out", STRANGER, "FIREWALL", "udp", 500, "block")),
    (MINIMAL, "sbg7", ("out", STRANGER, "FIREWALL", "tcp", 443, "block")),
]


@cache
def deployment_of(folder: Path) -> Deployment:
    return load(folder)


def decide(folder: Path, site: str, flow: tuple[str, str, str, str, int | None, str]) -> Prediction:
    deployment = deployment_of(folder)
    other = next((name for name in deployment.sites if name != site), site)
    names = {
        "FIREWALL": deployment.public_address(site),
        "GATEWAY": deployment.private_address(site),
        "WEB": deployment.site(site).hosts["web"].address,
        "FAR": deployment.site(other).hosts["web"].address,
        "PEER": deployment.public_address(other),
    }
    arrival, source, destination, protocol, port, _ = flow
    found = Flow(
        arrival=arrival,
        source=names.get(source) or IPv4Address(source),
        destination=names.get(destination) or IPv4Address(destination),
        protocol=protocol,
        source_port=None if port is None else 50000,
        destination_port=port,
        icmp_type=8 if protocol == "icmp" else None,
    )
    return predict(deployment.configuration(site), found)


@pytest.mark.parametrize(
    ("folder", "site", "flow"), CASES, ids=lambda value: value.name if isinstance(value, Path) else str(value)
)
def test_a_flow_is_decided_as_the_guide_means_it(
    folder: Path, site: str, flow: tuple[str, str, str, str, int | None, str]
) -> None:
    prediction = decide(folder, site, flow)
    assert prediction.verdict == flow[-1], prediction


@pytest.mark.parametrize(("folder", "site"), [(GUIDE, "sbg7"), (GUIDE, "gra11"), (MINIMAL, "sbg7")])
def test_both_forms_of_publication_lead_to_the_web_server(folder: Path, site: str) -> None:
    prediction = decide(folder, site, ("out", STRANGER, "FIREWALL", "tcp", 80, "pass"))
    assert prediction.translated.destination == deployment_of(folder).site(site).hosts["web"].address


@pytest.mark.parametrize(("folder", "site"), [(GUIDE, "sbg7"), (GUIDE, "gra11"), (MINIMAL, "sbg7")])
def test_what_leaves_carries_the_public_address(folder: Path, site: str) -> None:
    prediction = decide(folder, site, ("in", "WEB", MIRROR, "tcp", 80, "pass"))
    assert prediction.translated.source == deployment_of(folder).public_address(site)


def test_what_is_meant_for_the_other_site_leaves_by_the_tunnel_alone() -> None:
    prediction = decide(GUIDE, "sbg7", ("in", "WEB", "FAR", "tcp", 80, "pass"))
    assert prediction.departure == "ipsec"
