"""Each rule by a plan or a runbook that has its trap, and by the corrected one, which has not."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from provisioning.preflight.check import look
from provisioning.preflight.rule import Finding, Severity, rules
from tests.provisioning.plans import GUIDE, MINIMAL, change, copy_of, line_of

PLAN = "deployment.toml"
TREE = "sbg7/ConfigFiles/"

# By rule and what is wrong: the file, what is changed in it, the text whose line the finding names, and what it says.
PLANS: dict[tuple[str, str], tuple[str, str, str, str, str]] = {
    ("O1", "an older version's name"): (
        PLAN, 'name = "stormshield-SNS-EVA-4.8.3"', 'name = "stormshield-SNS-EVA-4.7.6"', 'name = "stormshield-SNS-EVA-4.7.6"',
        "stormshield-SNS-EVA-4.7.6 is made from utm-SNS-EVA-4.8.3-openstack.qcow2",
    ),
    ("O2", "raw"): (
        PLAN, 'disk_format = "qcow2"', 'disk_format = "raw"', 'disk_format = "raw"',
        "raw, and utm-SNS-EVA-4.8.3-openstack.qcow2 is qcow2",
    ),
    ("O3", "addresses that nobody uses"): (
        PLAN, 'subnet = "147.135.161.152/29"', 'subnet = "192.168.1.0/29"', 'subnet = "192.168.1.0/29"',
        "192.168.1.0/29, where the firewalls use 147.135.161.152/29",
    ),
    ("O4", "DHCP outside"): (
        PLAN, "vlan = 0 ", 'dhcp = ["147.135.161.155", "147.135.161.156"]\nvlan = 0 ', 'dhcp = ["147.135.161.155"',
        "a DHCP service on the vRack's untagged network",
    ),
    ("O5", "no gateway is written"): (
        PLAN, 'gateway = "147.135.161.158"\n\n', "\n", "[sites.sbg7.networks.ext.cloud]",
        "no gateway is written: Neutron takes 147.135.161.153",
    ),
    ("O5", "another gateway"): (
        PLAN, 'gateway = "147.135.161.158"\n\n', 'gateway = "147.135.161.157"\n\n', 'gateway = "147.135.161.157"',
        "147.135.161.157, the block's is 147.135.161.158",
    ),
    ("O6", "no gateway is written"): (
        PLAN, 'gateway = "10.200.0.1" ', "# ", "[sites.sbg7.networks.vlan200.cloud]",
        "no gateway is written: Neutron takes 10.200.0.1",
    ),
    ("O6", "not the firewall"): (
        PLAN, 'gateway = "10.200.0.1" ', 'gateway = "10.200.0.9" ', 'gateway = "10.200.0.9"',
        "10.200.0.9, the firewall is 10.200.0.1",
    ),
    ("O7", "the address is nobody's"): (
        PLAN, 'vlan200 = "10.200.0.1"', 'vlan200 = "10.200.0.5"', "[sites.sbg7.firewall]",
        "no port has 10.200.0.1 on vlan200",
    ),
    ("O8", "a port without an address"): (
        PLAN, '{ ext = "147.135.161.153", vlan200 = "10.200.0.1" }', '{ vlan200 = "10.200.0.1" }', "ports = { vlan200",
        "stormshield-1 has no fixed address on ext",
    ),
    ("O9", "a /29 with DHCP"): (
        PLAN, 'vlan = 0 ', 'dhcp = ["147.135.161.155", "147.135.161.156"]\nvlan = 0 ', 'subnet = "147.135.161.152/29"',
        "147.135.161.152/29: 5 to give away, 2 for DHCP, 2 for firewalls, 0 for hosts: 1 left",
    ),
    ("O10", "in nobody's pool"): (
        PLAN, 'pool = ["192.168.2.1", "192.168.2.2"]', 'pool = ["192.168.2.1", "192.168.2.3"]', 'pool = ["192.168.2.1"',
        "192.168.2.3 may be handed out on ha, or taken by DHCP",
    ),
    ("O11", "off for all"): (
        PLAN, 'name = "stormshield-vlan200"', 'name = "stormshield-vlan200"\nport_security = false', "port_security = false",
        "is off for every port of the network",
    ),
    ("O13", "together"): (
        PLAN, "anti_affinity = true", "anti_affinity = false", "anti_affinity = false",
        "nothing keeps the members of sbg7 apart",
    ),
    ("O18", "at a console"): (
        PLAN, "first_boot = true", "first_boot = false", "first_boot = false", "the first password is typed at a console",
    ),
    ("O19", "no name server for hosts"): (
        PLAN, 'dns = ["198.51.100.53"] ', "# ", "[sites.sbg7.networks.vlan200.cloud]", "no name server is handed out",
    ),
    ("O19", "no name server for the firewall"): (
        TREE + "dns", "dns_resolver", "", "[Servers]", "the firewall has no name server",
    ),
    ("O22", "a key that need not be there"): (
        PLAN, "id_ed25519.pub", "id_rsa.pub", "public_key", "~/.ssh/id_rsa.pub is not here; a key of today is id_ed25519.pub",
    ),
    ("O23", "no region"): (
        PLAN, 'region = "SBG7"  ', "# ", "[sites.sbg7]", "no region is written for sbg7",
    ),
    ("O25", "a block for one"): (
        PLAN, 'block = "147.135.161.152/29"', 'block = "147.135.161.156/30"', 'block = "147.135.161.156/30"',
        "147.135.161.156/30 has 1 to use, 2 are needed until the members are a pair",
    ),
    ("O30", "no MTU"): (PLAN, "mtu = 1500", "# mtu", "[cloud]\n", "no MTU is written"),
    ("O31", "unprotected"): (
        PLAN, "protected = true", "protected = false", "protected = false", "the image can be deleted under its servers",
    ),
    ("S1", "the same address twice"): (
        PLAN, '{ ext = "147.135.161.154", vlan200 = "10.200.0.4" }', '{ ext = "147.135.161.154" }',
        'ports = { ext = "147.135.161.154" }', "until it has joined, stormshield-2 has 10.200.0.1 on vlan200",
    ),
    ("S2", "no route"): (
        TREE + "route", "DefaultRoute=Firewall_out_router", "", "[Config]", "there is none",
    ),
    ("S2", "a route elsewhere"): (
        TREE + "object", "Firewall_out_router=147.135.161.158", "Firewall_out_router=147.135.161.157", "",
        "Firewall_out_router is 147.135.161.157, the block's gateway 147.135.161.158",
    ),
    ("S3", "a lease that nobody reserved"): (
        PLAN, 'ports = { ext = "147.135.161.153", vlan200 = "10.200.0.1" }', "# ", "", "ethernet2 (ha) waits for a lease",
    ),
    ("S5", "another gateway"): (
        PLAN, 'gateway = "147.135.161.158"     ', 'gateway = "147.135.161.157"     ', 'gateway = "147.135.161.157"',
        "147.135.161.157, the penultimate of 147.135.161.152/29 is 147.135.161.158",
    ),
    ("S8", "anybody"): (TREE + "webadmin", "admin_client", "any", "any", "admits anybody"),
    ("S12", "no serial number"): (
        PLAN, 'serial = "VMSNSX08K0701A9"', "# ", "[[sites.sbg7.firewall.members]]", "stormshield-1 has no serial number",
    ),
    ("S16", "no translation"): (
        TREE + "Filter/05", "nat from vlan200", "off nat from vlan200", "", "no rule translates what web (10.200.0.10) asks",
    ),
    ("V1", "one HA link"): (PLAN, "vlan = 198", "vlan = 199", "", "VLAN 199 is the HA link of sbg7 too"),
    ("V2", "one private network"): (
        PLAN, 'subnet = "10.201.0.0/16"', 'subnet = "10.200.0.0/15"', 'subnet = "10.200.0.0/15"',
        "10.200.0.0/15 overlaps sbg7.vlan200 (10.200.0.0/16)",
    ),
    ("V2", "clients in another site's network"): (
        PLAN, 'network = "10.61.0.0/24"', 'network = "10.201.7.0/24"', "",
        "10.201.7.0/24 overlaps gra11.vlan201 (10.201.0.0/16)",
    ),
    ("V3", "one block"): (
        PLAN, 'block = "203.0.113.152/29"', 'block = "147.135.161.152/29"', "", "gra11 and sbg7 have one block",
    ),
    ("V5", "a key in the file"): (
        TREE + "VPN/psk", "${secret:ipsec_sbg7_gra11}", "correct horse battery staple", "", "the key itself stands in the file",
    ),
    ("V5", "a short key"): (
        PLAN, 'ipsec_sbg7_gra11 = "generate"', 'ipsec_sbg7_gra11 = "env:SHORT_KEY"', "key =",
        "the key has 6 characters; 20 at random are the least",
    ),
    ("V6", "no region"): (
        PLAN, 'region = "SBG7"                             # any', "# any", "[cloud.vpn_client]",
        "no region is written for the VPN client",
    ),
    ("V8", "nobody asked"): (
        PLAN, 'client_lans = ["192.168.0.0/16"]', "# ", "[sites.sbg7]", "nothing is known of the networks that users of sbg7",
    ),
    ("V8", "the private network at home"): (
        PLAN, 'client_lans = ["192.168.0.0/16"]', 'client_lans = ["10.0.0.0/8"]', "client_lans",
        "10.0.0.0/8 overlaps 10.200.0.0/16, which users are to reach",
    ),
}  # fmt: skip

# By rule: the commands that have the trap, and those that have not.
RUNBOOKS: dict[tuple[str, str], tuple[str, str]] = {
    ("O1", "an older version's name"): (
        "openstack image create --file sns-4.8.3.qcow2 --disk-format qcow2 sns-4.7.6",
        "openstack image create --file sns-4.8.3.qcow2 --disk-format qcow2 sns-4.8.3",
    ),
    ("O2", "raw"): (
        "openstack image create --file sns.qcow2 --disk-format raw sns",
        "openstack image create --file sns.qcow2 --disk-format qcow2 sns",
    ),
    ("O4", "DHCP on VLAN 0"): (
        "openstack network create --provider-segment 0 ext\nopenstack subnet create --network ext --dhcp ext",
        "openstack network create --provider-segment 7 in\nopenstack subnet create --network in --dhcp in",
    ),
    ("O5", "no gateway outside"): (
        "openstack network create --provider-segment 0 ext\nopenstack subnet create --network ext --no-dhcp ext",
        "openstack network create --provider-segment 0 ext\nopenstack subnet create --network ext --gateway none ext",
    ),
    ("O6", "no gateway inside"): (
        "openstack subnet create --network in in", "openstack subnet create --network in --gateway 10.0.0.1 in",
    ),
    ("O11", "off for all"): (
        "openstack network create --disable-port-security in", "openstack network create --enable-port-security in",
    ),
    ("O15", "not looked for"): (
        "openstack network create in", "openstack network show in || openstack network create in",
    ),
    ("O16", "not waited for"): ("openstack server create --image i web", "openstack server create --image i --wait web"),
    ("O17", "in the order of --network"): (
        "openstack server create --network a --network b fw", "openstack server create --port a --port b fw",
    ),
    ("O18", "at a console"): (
        "openstack image create --file a.raw sns\nopenstack server create --image sns fw",
        "openstack image create --file a.raw sns\nopenstack server create --image sns --user-data first-boot fw",
    ),
    ("O19", "a placeholder"): (
        "openstack subnet create --dns-nameserver <dns_ip> in", "openstack subnet create --dns-nameserver 192.0.2.1 in",
    ),
    ("O21", "somebody else's key"): (
        "openstack keypair create --public-key k.pub mine\nopenstack server create --key-name theirs web",
        "openstack keypair create --public-key k.pub mine\nopenstack server create --key-name mine web",
    ),
    ("O22", "one kind of key"): (
        "openstack keypair create --public-key ~/.ssh/id_rsa.pub mine",
        "openstack keypair create --public-key ~/.ssh/id_ed25519.pub mine",
    ),
    ("O23", "no region"): ("openstack server list", "export OS_REGION_NAME=SBG7\nopenstack server list"),
    ("O24", "no credentials"): ("openstack server list", "source openrc.sh\nopenstack server list"),
    ("O31", "never deleted"): (
        "openstack network create in", "openstack network create in\nopenstack network delete in",
    ),
    ("S4", "not applied"): (
        "vi /usr/Firewall/ConfigFiles/object\nennetwork", "vi /usr/Firewall/ConfigFiles/object\nenfilter",
    ),
    ("S6", "no such command"): ("hasyn", "hasync"),
    ("S7", "behind a session"): ("ssh admin@fw\nhasync", "ssh admin@fw hasync\nhasync"),
    ("S9", "an outside service"): ("curl ipinfo.io/ip", "curl http://192.0.2.1/"),
    ("S13", "the agent goes along"): ("ssh -A admin@fw", "ssh -J admin@fw ubuntu@web"),
    ("S14", "one for several"): ("ssh admin@<ip>\n\nping <ip>", "ssh admin@<firewall_ip>\n\nping <web_ip>"),
    ("S15", "an echo alone"): ("ping 192.0.2.1", "pytest features/"),
    ("V7", "a folder"): ("scp ~/Download/a.ovpn u@h:", "scp ~/Downloads/a.ovpn u@h:"),
}  # fmt: skip


@pytest.fixture(autouse=True)
def surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever runs the tests may have a key of that name, or none."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("SHORT_KEY", "123456")


@pytest.fixture(scope="module")
def corrected() -> dict[str, Finding]:
    return {finding.rule.id: finding for finding in look(GUIDE).findings}


@pytest.mark.parametrize(("rule", "trap"), PLANS)
def test_a_trap_of_a_plan_is_found_where_it_stands(rule: str, trap: str, tmp_path: Path, corrected: dict[str, Finding]) -> None:
    file, before, after, where, message = PLANS[rule, trap]
    folder = copy_of(GUIDE, tmp_path)
    change(folder / file, before, after)

    found = {finding.rule.id: finding for finding in look(folder).findings}[rule]
    assert found.severity == max(rules()[rule].severity, Severity.WARNING)
    assert message in str(found)
    if where:
        assert f"{folder / file}:{line_of(folder / file, where)}:" in str(found)
    assert rule not in corrected or corrected[rule].severity is Severity.INFORMATION


@pytest.mark.parametrize(("rule", "trap"), RUNBOOKS)
def test_a_trap_of_a_runbook_is_found_and_gone_when_it_is_corrected(rule: str, trap: str, tmp_path: Path) -> None:
    for text, there in zip(RUNBOOKS[rule, trap], (True, False), strict=True):
        runbook = tmp_path / "runbook.sh"
        runbook.write_text(f"{text}\n")
        found = [finding for finding in look(MINIMAL, runbook=runbook).findings if str(runbook) in str(finding)]
        assert (rule in {finding.rule.id for finding in found}) is there, [str(finding) for finding in found]


def test_a_file_that_is_there_is_looked_into(tmp_path: Path) -> None:
    folder = copy_of(GUIDE, tmp_path)
    image = folder / "utm-SNS-EVA-4.8.3-openstack.qcow2"

    image.write_bytes(b"no qcow2, whatever its name says")
    assert "[O2]" in shown(folder)
    image.write_bytes(b"QFI\xfb and so on")
    assert "[O2]" not in shown(folder)
    assert "[O28]" not in shown(folder)
    change(folder / PLAN, 'disk_format = "qcow2"', f'disk_format = "qcow2"\nsha256 = "{"0" * 64}"')
    assert "error: cloud.appliances.image.sha256: utm-SNS-EVA-4.8.3-openstack.qcow2 is another file" in shown(folder)


@pytest.mark.parametrize("kind", ["ed25519", "ecdsa", "rsa"])
def test_any_kind_of_public_key_will_do(kind: str, tmp_path: Path) -> None:
    folder = copy_of(GUIDE, tmp_path)
    key = tmp_path / ".ssh/id_ed25519"
    key.parent.mkdir()
    subprocess.run(["ssh-keygen", "-q", "-t", kind, "-N", "", "-f", str(key)], check=True)

    assert "[O21]" not in shown(folder)
    assert "[O22]" not in shown(folder)
    key.with_suffix(".pub").write_text("ssh-ed25519 AAAA me@home\n")
    assert "error: cloud.public_key: ~/.ssh/id_ed25519.pub holds no public key of OpenSSH" in shown(folder)


@pytest.mark.parametrize(
    ("rule", "file", "edit", "message"),
    [
        ("O20", PLAN, lambda plan: change(plan, 'model = "EVA1"\n', "\n"), "no model is chosen for b3-32"),
        ("O20", PLAN, lambda plan: change(plan, 'model = "EVA1"', 'model = "EVA4"'), "b3-32 is not for EVA4 (b3-128)"),
        ("V4", TREE + "object", lambda file: change(file, "OVH_REMOTE_FW=", "NOBODY="), "sbg7 has no peer"),
        ("V7", PLAN, lambda plan: change(plan, "address@stormshield.ovh", "a@example.org"), "example.org, and that of ldap"),
    ],
)  # fmt: skip
def test_what_is_told_without_being_refused(
    rule: str, file: str, edit: Callable[[Path], int], message: str, tmp_path: Path, corrected: dict[str, Finding]
) -> None:
    folder = copy_of(GUIDE, tmp_path)
    edit(folder / file)

    (found,) = [finding for finding in look(folder).findings if finding.rule.id == rule]
    assert message in str(found)
    assert rule not in corrected


def test_what_a_person_must_see_is_told_where_the_plan_has_it() -> None:
    alone = {finding.rule.id for finding in look(MINIMAL).findings}
    assert {"O26", "O27"} <= alone
    assert alone & {"S10", "S11"} == set()


def test_every_rule_has_a_trap_of_its_own_here_or_on_a_cloud() -> None:
    tried = {rule for rule, _ in (*PLANS, *RUNBOOKS)} | {"O20", "V4", "V7", "O28", "O26", "O27", "S10", "S11"}
    assert set(rules()) - tried == {"O12", "O14", "O29"}  # test_cloud_rules.py


def shown(folder: Path) -> str:
    return "\n".join(map(str, look(folder).findings))
