"""The vRack's switches: what they remember of rules that are gone."""

from __future__ import annotations

import re
from contextlib import closing
from ipaddress import IPv4Address

import pytest

from lab import probe
from lab.matrix.stand import Stand
from provisioning.environment import LabEnvironment

pytestmark = pytest.mark.lab

_TTL_LOOKED_AT = re.compile(r"ttl=\d+,")  # of what a rule does not look at, the mask is told: ttl=64/0


def of_one_ttl(whole: LabEnvironment) -> int:
    """How many decisions are remembered for packets of one time to live only, while a server pings the other region's."""
    assert probe.ping(whole.web_server("sbg7"), IPv4Address("10.201.0.10")).answered == 3
    remembered = whole.lab.fabric.run(["ovs-appctl", "dpctl/dump-flows", "-m"]).splitlines()
    return sum("icmp(" in one and bool(_TTL_LOOKED_AT.search(one)) for one in remembered)


def test_a_decision_under_rules_that_are_gone_is_not_remembered(whole: LabEnvironment) -> None:
    with closing(Stand(whole.lab.fabric, [])):
        assert of_one_ttl(whole), "the stand's rules look at the time to live"
    assert of_one_ttl(whole) == 0
