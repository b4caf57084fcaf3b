"""The web proxy of a firewall that gets no answer from its resolver: one lost packet must not hold a request for long."""

from __future__ import annotations

import pytest

from provisioning.environment import LabEnvironment

pytestmark = pytest.mark.lab

NEVER_ASKED = "not-looked-up-before.refused.example"
NO_NAMES = b"table ip no_names {\nchain leaving {\ntype filter hook output priority 0;\nudp dport 53 drop\n}\n}\n"


def test_a_request_goes_its_way_though_no_resolver_answers(whole: LabEnvironment) -> None:
    firewall, server, site = whole.firewall("gra11").host, whole.web_server("gra11"), whole.deployment.internet.public
    firewall.must("nft", "-f", "-", stdin=NO_NAMES)
    try:
        answer = server.must(
            "curl", "-sSI", "--max-time", "4", "--resolve", f"{NEVER_ASKED}:80:{site}", f"http://{NEVER_ASKED}/"
        )
    finally:
        firewall.must("nft", "delete table ip no_names")
    assert answer.startswith("HTTP/1.1 403 Forbidden")
