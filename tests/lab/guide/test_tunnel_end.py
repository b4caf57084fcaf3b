"""The end of a tunnel reaches the peer at once, also where the IKE daemon waits for the answer to what it asked before."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from lab.appliance.security_associations import SecurityAssociation
from lab.device import Appliance
from provisioning.environment import LabEnvironment
from steps.eventually import eventually
from steps.tunnels import kill_charon

pytestmark = pytest.mark.lab

NO_ANSWERS = "table ip no_answers { chain in { type filter hook prerouting priority -400; udp sport { 500, 4500 } drop; }; }"
ANSWERS = "table ip no_answers {}; delete table ip no_answers"  # whether they are kept away or not
UNANSWERED = "retransmit 1 of request"  # a second after a question, and there is one each second: DPDMode=high asks for it


@pytest.fixture
def ends(whole: LabEnvironment) -> Iterator[tuple[Appliance, Appliance]]:
    """The two firewalls of the tunnel, which both hold it and nothing else: before the test, and after it."""
    found = (whole.cluster("sbg7").active(), whole.cluster("gra11").active())
    begin_tunnel(*found)
    before = found[0].snapshot()
    yield found
    found[0].host.must("nft", ANSWERS)
    found[0].restore(before)
    begin_tunnel(*found)


def standing(end: Appliance) -> list[SecurityAssociation]:
    return [sa for sa in end.security_associations() if sa.established]


def begin_tunnel(*ends: Appliance) -> None:
    """The first end begins it anew: two that ask each other at once, as at the start of a lab, may hold two of it for good."""
    kill_charon(ends[0])
    ends[0].apply("envpn", "-u")

    def held() -> list[set[str]]:
        return [{index for sa in standing(end) for index in (sa.spi_in, sa.spi_out)} for end in ends]

    eventually(held, until=lambda seen: seen[0] == seen[1] and len(seen[0]) == 2, within=15.0, phase="the tunnel")


@pytest.mark.parametrize(
    ("file", "was", "becomes"),
    [
        pytest.param("VPN/psk", "OVH_REMOTE_FW=", "OVH_REMOTE_FW=another-", id="another key"),
        pytest.param("VPN/01", "state=on ", "state=off ", id="a policy without tunnels"),
    ],
)
def test_a_tunnel_that_ends_while_a_question_is_unanswered_is_gone_at_the_peer(
    ends: tuple[Appliance, Appliance], file: str, was: str, becomes: str
) -> None:
    local, peer = ends
    held = {sa.ike_id for sa in standing(peer)}
    assert was in local.read(file)
    local.edit(file, lambda text: text.replace(was, becomes))
    local.host.must("nft", NO_ANSWERS)
    mark = len(local.read_log("l_vpn"))
    eventually(lambda: UNANSWERED in local.read_log("l_vpn")[mark:], within=5.0, phase="a question without an answer")

    local.host.must("sh", "-c", f"(sleep 0.1; nft '{ANSWERS}') & envpn -u; wait")

    assert not held & {sa.ike_id for sa in peer.security_associations()}
