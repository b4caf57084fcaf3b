"""``VPN/`` in strongSwan's words: connections, selectors, proposals, times, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.appliance import ipsec
from lab.appliance.errors import Refused
from tests.sns.trees import GUIDE, guide

PSK = {"VPN/psk": "[psk]\nOVH_REMOTE_FW=shared secret\n"}


def translated(folder: Path, file: str = "", old: str = "", new: str = "") -> ipsec.Connection:
    """The guide's one connection, ``old`` replaced by ``new`` in ``file``."""
    changes = {**PSK, **({file: {**GUIDE, **PSK}[file].replace(old, new)} if file else {})}
    (connection,) = ipsec.translate(guide(folder, changes))
    return connection


def setting(connection: ipsec.Connection, name: str) -> str:
    value = connection.settings[name]
    assert isinstance(value, str)
    return value


def child(connection: ipsec.Connection, name: str) -> str:
    value = connection.children[0].settings[name]
    assert isinstance(value, str)
    return value


def test_a_tunnel_joins_the_two_networks_between_the_two_public_addresses(tmp_path: Path) -> None:
    connection = translated(tmp_path)
    assert (setting(connection, "local_addrs"), setting(connection, "remote_addrs")) == (
        "147.135.161.153",
        "203.0.113.153",
    )
    assert (child(connection, "local_ts"), child(connection, "remote_ts")) == ("10.200.0.0/16", "10.201.0.0/16")


def test_algorithms_are_those_of_the_profiles_and_no_others(tmp_path: Path) -> None:
    connection = translated(tmp_path)
    assert setting(connection, "proposals") == "aes256-sha256-modp2048,aes128-sha256-modp3072"
    assert child(connection, "esp_proposals") == "aes256-sha256-modp2048,aes128-sha256-modp2048"


@pytest.mark.parametrize(
    ("line", "proposal"),
    [
        ("enc=aes/256 auth=sha2_384 dh=20", "aes256-sha384-ecp384"),
        ("enc=aes/256 auth=sha2_512 dh=31", "aes256-sha512-curve25519"),
        ("enc=aes_gcm_16/256 auth=sha2_256 dh=19", "aes256gcm16-prfsha256-ecp256"),
        ("enc=3des auth=sha1 dh=2", "3des-sha1-modp1024"),
    ],
)
def test_a_phase_1_proposal_in_strongswans_words(tmp_path: Path, line: str, proposal: str) -> None:
    profile = f"[StrongEncryption]\nlifetime=21600\n{line}\n"
    (connection,) = ipsec.translate(guide(tmp_path, {**PSK, "VPN/ph1profile": profile}))
    assert setting(connection, "proposals") == proposal


def test_without_pfs_a_new_child_takes_no_new_exchange(tmp_path: Path) -> None:
    connection = translated(tmp_path, "VPN/ph2profile", "pfs=14", "pfs=0")
    assert child(connection, "esp_proposals") == "aes256-sha256,aes128-sha256"


def test_the_two_ends_never_renew_at_the_same_moment(tmp_path: Path) -> None:
    here = translated(tmp_path / "here")
    there = translated(tmp_path / "there", "object", "OVH_REMOTE_FW=203.0.113.153", "OVH_REMOTE_FW=9.9.9.9")
    assert setting(here, "rekey_time") == "19440s"  # the lower address is early
    assert setting(there, "rekey_time") == "20520s"
    assert child(here, "life_time") == child(there, "life_time") == "3600s"


@pytest.mark.parametrize(("lifetime", "early", "late"), [(3600, 3240, 3420), (60, 54, 57), (5, 3, 4), (4, 2, 3)])
def test_renewal_comes_before_the_end_of_the_lifetime(lifetime: int, early: int, late: int) -> None:
    assert ipsec.rekeying(lifetime, early=True) == early
    assert ipsec.rekeying(lifetime, early=False) == late


@pytest.mark.parametrize(("mode", "delay"), [("passive", "0s"), ("low", "30s"), ("high", "1s")])
def test_a_dead_peer_is_looked_for_as_the_mode_says(tmp_path: Path, mode: str, delay: str) -> None:
    assert setting(translated(tmp_path, "VPN/peer", "DPDMode=low", f"DPDMode={mode}"), "dpd_delay") == delay


def test_a_responder_only_never_starts_again_by_itself(tmp_path: Path) -> None:
    connection = translated(tmp_path, "VPN/peer", "ResponderOnly=0", "ResponderOnly=1")
    assert child(connection, "dpd_action") == "clear"


def test_the_slots_ike_tokens_reach_the_daemon(tmp_path: Path) -> None:
    slot = GUIDE["VPN/01"].replace("NATKeepalive=20", "NATKeepalive=7\nRetransmitBase=1.4\nMakeBeforeBreak=0")
    text = ipsec.strongswan_conf(guide(tmp_path, {**PSK, "VPN/01": slot}))
    lines = {line.strip() for line in text.splitlines()}
    assert {"keep_alive = 7", "retransmit_base = 1.4", "retransmit_timeout = 4", "make_before_break = no"} <= lines


def test_a_key_is_written_in_a_form_that_no_character_breaks(tmp_path: Path) -> None:
    (connection,) = ipsec.translate(guide(tmp_path, {"VPN/psk": '[psk]\nOVH_REMOTE_FW=a } {" b\n'}))
    assert connection.secret["secret"] == "0sYSB9IHsiIGI="
    assert "a }" not in ipsec.swanctl_conf((connection,))
    assert "0sYSB9" not in repr(connection)


def test_only_the_times_of_renewal_leave_an_established_tunnel_as_it_is(tmp_path: Path) -> None:
    before = translated(tmp_path / "before").identity
    assert translated(tmp_path / "a", "VPN/ph2profile", "lifetime=3600", "lifetime=60").identity == before
    assert translated(tmp_path / "b", "VPN/ph1profile", "lifetime=21600", "lifetime=600").identity == before
    assert translated(tmp_path / "c", "VPN/psk", "shared", "other").identity != before
    assert translated(tmp_path / "d", "VPN/ph2profile", "aes/256,", "").identity != before
    assert translated(tmp_path / "e", "VPN/01", "remote=vlan201", "remote=sslvpn_udp").identity != before


def test_slot_00_has_no_connection(tmp_path: Path) -> None:
    assert ipsec.translate(guide(tmp_path, {"VPN/slotinfo": "[Global]\nActive=0\n"})) == ()


def test_a_disabled_line_is_no_tunnel(tmp_path: Path) -> None:
    slot = GUIDE["VPN/01"].replace("state=on", "state=off")
    assert ipsec.translate(guide(tmp_path, {**PSK, "VPN/01": slot})) == ()


def test_tunnels_to_one_peer_share_its_connection(tmp_path: Path) -> None:
    slot = GUIDE["VPN/01"] + "state=on local=sslvpn_udp remote=vlan201 peer=OVH_GRA11 conf=StrongEncryption\n"
    (connection,) = ipsec.translate(guide(tmp_path, {**PSK, "VPN/01": slot}))
    assert [each.key for each in connection.children] == ["01-1", "01-2"]


@pytest.mark.parametrize(
    ("file", "old", "new", "place", "word"),
    [
        ("VPN/01", "peer=OVH_GRA11", "peer=NOBODY", "VPN/01:5", "NOBODY"),
        ("VPN/01", "conf=StrongEncryption", "conf=Weak", "VPN/01:5", "Weak"),
        ("VPN/peer", "Conf=StrongEncryption", "Conf=Weak", "VPN/peer:1", "Weak"),
        ("VPN/peer", "Remote=OVH_REMOTE_FW", "Remote=vlan201", "VPN/peer:1", "vlan201"),
        ("VPN/psk", "OVH_REMOTE_FW", "someone", "VPN/peer:1", "VPN/psk"),
        ("VPN/ph1profile", "aes/256", "blowfish/128", "VPN/ph1profile:3", "blowfish/128"),
    ],
)
def test_what_cannot_be_translated_is_refused_with_its_place(
    tmp_path: Path, file: str, old: str, new: str, place: str, word: str
) -> None:
    with pytest.raises(Refused) as refused:
        translated(tmp_path, file, old, new)
    assert {str(finding.location) for finding in refused.value.findings} == {place}
    assert word in str(refused.value)


def test_everything_wrong_is_told_at_once(tmp_path: Path) -> None:
    slot = GUIDE["VPN/01"] + "state=on local=vlan200 remote=vlan201 peer=NOBODY conf=StrongEncryption\n"
    with pytest.raises(Refused) as refused:
        ipsec.translate(guide(tmp_path, {"VPN/psk": None, "VPN/01": slot}))
    assert len(refused.value.findings) == 2
