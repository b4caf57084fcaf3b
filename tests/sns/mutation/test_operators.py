"""Each operator makes its mistake, at its line, and leaves the rest of the file as it was."""

from __future__ import annotations

from pathlib import Path

import pytest

from sns.mutation.mutant import DoesNotFit, Edit, Mutant, applied
from sns.mutation.operators import OPERATORS, mutants
from sns.mutation.tree import Tree
from tests.sns.trees import GUIDE, guide

NAT = "nat from vlan200 to internet on out -> from Firewall_out"
NAT_REST = ' port ephemeral_fw to original rulename "1713a148819_4"'
PUBLISHED = "pass from any on out to Firewall_out port http -> to"
RIGHT = "state=on user=address@stormshield.ovh openvpn="

# Operator, file, and lines of the guide that stand there with one of its mistakes; "" for a line that is gone.
MADE = [
    ("rule deleted", "Filter/05", ""),
    ("rule disabled", "Filter/05", "off pass from vlan200 to vlan201"),
    ("rule moved", "Filter/05", "pass log from vlan201 via ipsec to vlan200|pass from vlan200 to vlan201"),
    ("action reversed", "Filter/05", "block from vlan200 to vlan201"),
    ("action reversed", "Filter/05", "block from any on out to Firewall_out port http "),
    ("action reversed", "Filter/05", "pass from any to any\t# Block all"),
    ("pass-all left over", "Filter/05", "pass from any to any\t# for a test|block from any to any\t# Block all"),
    ("source widened", "Filter/05", "pass from any to vlan201"),
    ("source narrowed", "Filter/05", "pass from ubuntu-webserver to vlan201"),
    ("source swapped", "Filter/05", "pass from vlan201 to vlan201"),
    ("destination widened", "Filter/05", "pass from vlan200 to any"),
    ("destination narrowed", "Filter/05", "pass log from vlan201 via ipsec to ubuntu-webserver"),
    ("destination swapped", "Filter/05", "pass from vlan200 to sslvpn_udp"),
    ("service widened", "Filter/05", "pass from vlan200 on in to internet"),
    ("service swapped", "Filter/05", f"{PUBLISHED.replace('port http', 'port https')} ubuntu-webserver port http"),
    ("interface forgotten", "Filter/05", f"{PUBLISHED.replace(' on out', '')} ubuntu-webserver port http"),
    ("interface swapped", "Filter/05", f"{PUBLISHED.replace('on out', 'on in')} ubuntu-webserver port http"),
    ("tunnel forgotten", "Filter/05", "pass log from vlan201 to vlan200"),
    ("translation swapped", "Filter/05", f"{PUBLISHED} admin_client port http"),
    ("translation swapped", "Filter/05", f"{NAT.replace('Firewall_out', 'Firewall_in')}{NAT_REST}"),
    ("translated port swapped", "Filter/05", f"{PUBLISHED} ubuntu-webserver port https"),
    ("host off by one", "object", "ubuntu-webserver=10.200.0.11,resolve=static\t# the private web server"),
    ("network halved", "object", "vlan200=10.200.0.0/17"),
    ("network doubled", "object", "sslvpn_udp=10.60.0.0/23"),
    ("network is the next", "object", "vlan200=10.201.0.0/16"),
    ("service off by one", "object", "http=81/tcp\t# World Wide Web"),
    ("Internet inverted", "object", "operator=eq"),
    ("implicit rule switched", "Filter/filter", "Sshd=1"),
    ("slot wrong", "VPN/slotinfo", "Active=0"),
    ("route missing", "route", ""),
    ("route not black", "route", "vlan201,out->Firewall_out_router"),
    ("route swapped", "route", "sslvpn_udp,loopback"),
    ("gateway wrong", "route", "DefaultRoute=ubuntu-webserver"),
    ("interface wrong", "network", "Address=10.200.0.2"),
    ("interface wrong", "network", "Protected=0"),
    ("key wrong", "VPN/psk", "OVH_REMOTE_FW=not-the-key-of-the-other-end"),
    ("key missing", "VPN/psk", ""),
    ("proposal weakened", "VPN/ph1profile", "enc=aes/128 auth=sha2_256"),
    ("proposal weakened", "VPN/ph2profile", "pfs=2"),
    ("proposal missing", "VPN/ph1profile", ""),
    ("proposal missing", "VPN/ph2profile", "enc=aes/128"),
    ("forward secrecy forgotten", "VPN/ph2profile", ""),
    ("lifetime longer", "VPN/ph1profile", "lifetime=216000"),
    ("tunnel missing", "VPN/01", ""),
    ("peer stale", "VPN/peer", "Remote=Firewall_out_router"),
    ("peer setting wrong", "VPN/peer", "DPDMode=passive"),
    ("SSL VPN setting wrong", "Openvpn/openvpn", "serverPublicAddr=147.135.161.154"),
    ("pool wrong", "Openvpn/openvpn", "pool=sslvpn_udp|udpPool=sslvpn_tcp"),
    ("right removed", "uac", f"{RIGHT}default"),
    ("right off", "uac", f"{RIGHT.replace('=on', '=off')}pass"),
    ("right of all", "uac", "openvpn=pass"),
    ("password changed", "Data/Ldapbase.ldif", "userPassword: another-one"),
    ("management widened", "webadmin", "any"),
    ("management narrowed", "webadmin", ""),
    ("management setting wrong", "system", "State=0"),
    ("HA interface wrong", "HA/highavailability", "Interface=out"),
    ("HA setting wrong", "HA/highavailability", "Forward=sip"),
    ("HA address wrong", "HA/hacluster", "Ip=192.168.2.5"),
    ("hasync forgotten", "route", "DefaultRoute=Firewall_out_router|# changed on one member"),
]  # fmt: skip

FILTERED = {
    "Filter/05": "[Filter]\npass ipproto icmp type 8 code 0 proto none from vlan200 to internet\n"
    "pass urlfiltering 00 from vlan200 to internet port web\nblock from any to any\n[NAT]\n",
    "servicegroup": "[web]\nhttp\nhttps\n",
    "urlgroup": "[refused]\n*.refused.example/*\n",
    "URLFiltering/00": "[Rules]\nstate=on action=block group=refused\nstate=on action=pass group=any\n",
}
MADE_OF_FILTERED = [
    ("protocol forgotten", "Filter/05", "pass from vlan200 to internet"),
    ("name filter forgotten", "Filter/05", "pass from vlan200 to internet port web"),
    ("group member missing", "servicegroup", ""),
    ("group member added", "servicegroup", "https|ssh"),
    ("name rule wrong", "URLFiltering/00", "state=on action=pass group=refused"),
    ("name rule wrong", "URLFiltering/00", "state=on action=pass group=any|state=on action=block group=refused"),
    ("name misspelt", "urlgroup", "*.refusedx.example/*"),
]


def _tree(folder: Path, changes: dict[str, str] | None = None) -> Tree:
    configuration = guide(folder, dict(changes or {}))
    files = {**GUIDE, **(changes or {})}
    return Tree("sbg7", {file.removeprefix("../"): text for file, text in files.items()}, configuration)


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Tree:
    return _tree(tmp_path_factory.mktemp("guide"))


@pytest.fixture(scope="module")
def filtered(tmp_path_factory: pytest.TempPathFactory) -> Tree:
    return _tree(tmp_path_factory.mktemp("filtered"), FILTERED)


@pytest.mark.parametrize(("operator", "file", "written"), MADE)
def test_an_operator_makes_its_mistake(tree: Tree, operator: str, file: str, written: str) -> None:
    assert written in _written(tree, operator, file)


@pytest.mark.parametrize(("operator", "file", "written"), MADE_OF_FILTERED)
def test_an_operator_makes_its_mistake_in_filters_and_groups(tree: Tree, filtered: Tree, operator: str, file: str,
                                                             written: str) -> None:  # fmt: skip
    assert written in _written(filtered, operator, file)


def _written(tree: Tree, operator: str, file: str) -> list[str]:
    made = [mutant for mutant in mutants([tree], [operator]) if mutant.edits[0].file == file]
    return ["|".join(line for edit in mutant.edits for line in edit.new) for mutant in made]


def test_a_user_is_removed_with_all_of_the_entry(tree: Tree) -> None:
    (mutant,) = mutants([tree], ["user removed"])
    after = applied(mutant, tree.files)["Data/Ldapbase.ldif"]
    assert "uid: address" not in after
    assert "userPassword" not in after
    assert "cn: staff" in after


def test_every_operator_is_shown_here() -> None:
    shown = {operator for operator, _, _ in (*MADE, *MADE_OF_FILTERED)} | {"user removed"}
    assert set(OPERATORS) - shown == {"tunnel off", "tunnel network swapped", "tunnel network widened"}  # as "tunnel missing"


def test_names_are_unique_and_the_same_every_time(tree: Tree) -> None:
    names = [mutant.name for mutant in mutants([tree])]
    assert len(set(names)) == len(names)
    assert names == [mutant.name for mutant in mutants([tree])]


def test_every_mutant_changes_its_files_and_no_other_line(tree: Tree) -> None:
    for mutant in mutants([tree]):
        for file, after in applied(mutant, tree.files).items():
            before = tree.files[file].split("\n")
            assert after != tree.files[file], mutant.name
            touched = {edit.line for edit in mutant.edits if edit.file == file}
            kept = [line for number, line in enumerate(before, start=1) if number not in touched]
            assert [line for line in after.split("\n") if line in kept] or not kept, mutant.name


def test_an_edit_of_another_line_than_it_knows_is_refused() -> None:
    mutant = Mutant("sbg7", "rule deleted", "", (Edit("Filter/05", 2, "pass from any to any", ()),))
    with pytest.raises(DoesNotFit, match="Filter/05:2: expected 'pass from any to any', found 'block from any to any'"):
        mutant.applied("Filter/05", "[Filter]\nblock from any to any\n")


def test_a_line_with_a_secret_is_known_by_its_place() -> None:
    mutant = Mutant("sbg7", "key wrong", "", (Edit("VPN/psk", 2, "PEER=${secret:key}", ("PEER=other",)),))
    assert mutant.applied("VPN/psk", "[psk]\nPEER=the value\n") == "[psk]\nPEER=other\n"
