"""Reading a whole tree: what is in the model, what is silent, and that no content ever raises."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Interface
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sns.errors import ConfigurationNotFound
from sns.model import Configuration, Proposal, Severity
from sns.reader import read

from .trees import GUIDE, LEASES, guide, write

DEPLOYMENTS = Path(__file__).parent.parent.parent / "deployments"
WHOLE = [path for path in sorted(DEPLOYMENTS.glob("*/*/ConfigFiles")) if path.parts[-3] != "guide-as-printed"]  # an excerpt


@pytest.fixture(name="site", scope="module")
def _site(tmp_path_factory: pytest.TempPathFactory) -> Configuration:
    return guide(tmp_path_factory.mktemp("site"))


def test_a_sound_tree_has_no_findings(site: Configuration) -> None:
    assert site.findings == ()


@pytest.mark.parametrize("root", WHOLE, ids=lambda root: root.parent.name)
def test_the_deployments_that_ship_have_no_findings(root: Path) -> None:
    assert [str(finding) for finding in read(root).findings] == []


def test_a_missing_tree_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationNotFound, match="not a ConfigFiles directory"):
        read(tmp_path / "nowhere")


def test_places_are_printed_with_the_label_of_their_tree(site: Configuration) -> None:
    assert site.where(site.policy.filter[2].location) == "sbg7/Filter/05:6"


def test_the_active_slot_has_its_name_rules_headings_and_nat(site: Configuration) -> None:
    policy = site.policy
    assert (policy.slot, policy.name, len(policy.filter), len(policy.nat)) == (5, "guide", 7, 1)
    assert [separator.comment for separator in policy.separators] == [
        "Remote Management: the administrator",
        "Use cases",
    ]
    assert [rule.number for rule in policy.filter] == [1, 2, 3, 4, 5, 6, 7]


def test_interfaces_are_found_by_either_name(site: Configuration) -> None:
    out = site.interface("OUT")
    assert out is not None
    assert out is site.interface("Ethernet0")
    assert (out.address, out.mac) == (IPv4Interface("147.135.161.153/29"), "02:00:00:00:01:53")
    assert [interface.protected for interface in site.interfaces] == [False, True, False]


@pytest.mark.parametrize("name", ["ethernet2", "Ethernet2", "ha"])
def test_a_lease_is_given_by_section_or_by_name(tmp_path: Path, name: str) -> None:
    configuration = read(write(tmp_path, GUIDE), leases={name: LEASES["ethernet2"]})
    ha = configuration.interface("ha")
    assert ha is not None
    assert (ha.dhcp, ha.address) == (True, IPv4Interface("192.168.2.3/29"))


def test_tunnels_come_with_peer_profiles_and_key(site: Configuration) -> None:
    vpn = site.vpn
    (tunnel,) = vpn.tunnels
    assert (tunnel.local, tunnel.remote, tunnel.name) == ("vlan200", "vlan201", "to gra11")
    peer = vpn.peers[tunnel.peer.lower()]
    assert (peer.remote, peer.dpd_mode, peer.responder_only) == ("OVH_REMOTE_FW", "low", False)
    assert vpn.preshared_keys[peer.remote.lower()] == "${secret:IPSEC}"
    assert vpn.phase1[peer.profile.lower()].proposals == (
        Proposal("aes/256", "sha2_256", 14),
        Proposal("aes/128", "sha2_256", 15),
    )
    phase2 = vpn.phase2[tunnel.profile.lower()]
    assert (phase2.lifetime, phase2.pfs, len(phase2.proposals)) == (3600, 14, 2)
    assert vpn.slots[1].options["retransmittries"] == "3"


def test_a_tunnel_that_is_off_or_in_another_slot_is_none(tmp_path: Path) -> None:
    off = GUIDE["VPN/01"].replace("state=on", "state=off")
    assert guide(tmp_path, {"VPN/01": off}).vpn.tunnels == ()


def test_the_directory_has_its_people_and_their_rights(site: Configuration) -> None:
    (user,) = site.directory.users
    assert (user.uid, user.mail, str(user.location)) == (
        "address", "address@stormshield.ovh", "Data/Ldapbase.ldif:10",
    )  # fmt: skip
    assert site.directory.groups == {"staff": ("address",)}
    assert site.access.decision("openvpn", "address")[0]
    assert not site.access.decision("openvpn", "nobody")[0]
    assert not site.access.decision("ipsec", "address")[0]


def test_a_right_of_a_group_is_a_right_of_its_members(tmp_path: Path) -> None:
    rights = GUIDE["uac"].replace("user=address@stormshield.ovh", "group=Staff")
    site = guide(tmp_path, {"uac": rights})
    assert site.access.decision("openvpn", "address", ("staff",))[0]
    assert not site.access.decision("openvpn", "address")[0]


def test_base64_and_folded_lines_of_a_directory_are_read(tmp_path: Path) -> None:
    base = GUIDE["../Data/Ldapbase.ldif"].replace("cn: OVH address\nmail", "cn:: T1ZIIMOpbGFu\nmail")
    site = guide(tmp_path, {"../Data/Ldapbase.ldif": base})
    assert site.findings == ()
    assert site.directory.users[0].name == "OVH élan"


def test_management_is_open_to_what_the_files_say(site: Configuration) -> None:
    management = site.management
    assert [name for name, _ in management.web_access] == ["admin_client"]
    assert (management.ssh_enabled, management.ssh_password) == (True, False)


def test_the_cluster_has_its_members_times_and_weights(site: Configuration) -> None:
    ha = site.ha
    assert (ha.enabled, ha.interface, ha.token_timeout, ha.forward) == (True, "ha", 4000, "All")
    assert [member.address for member in ha.members] == [IPv4Address("192.168.2.3"), IPv4Address("192.168.2.4")]
    assert ha.weights == {"ethernet0": 100, "ethernet1": 100}


def test_filters_of_names_are_read_by_slot(tmp_path: Path) -> None:
    site = guide(
        tmp_path,
        {
            "urlgroup": "[refused_sites]\n*.refused.example/*\n",
            "cngroup": "[refused_sites]\n*.refused.example\n",
            "URLFiltering/00": "[Rules]\nstate=on action=block group=refused_sites\nstate=on action=pass group=any\n",
            "SSLFiltering/00": "[Rules]\nstate=off action=decrypt group=refused_sites\n",
        },
    )
    assert site.findings == ()
    assert [(rule.action, rule.group) for rule in site.url_filters[0]] == [("block", "refused_sites"), ("pass", "any")]
    assert not site.ssl_filters[0][0].enabled


def test_what_the_product_has_besides_is_silent(tmp_path: Path) -> None:
    besides = {
        "dns": "[Servers]\ndns1.google.com\n",
        "network.orig": "[ethernet0]\nBridge=bridge0\n",
        "krb5.keytab": "",
        "Certificates/some-authority/CA.cert.pem": "",
        "Protocols/http/00": "[Config]\n",
        "Global/Filter/slotinfo": "[Global]\nActive=0\n",
        "URLFiltering/slotinfo": "[Global]\n",
        ".gitkeep": "",
        "auth": "[Config]\nHttpsPort=https\n[ProfilesMap]\n[Defaults]\nauth=pass authmethod=PLAIN\n[Ruleset]\n",
    }
    assert guide(tmp_path, besides).findings == ()


STOCK = {
    # The product's own files as sns.md quotes them, comments included.
    "object": """\
[Host]
# syntax: name=ip[:iphigh][,type=router|server|host][,resolve=static,dynamic,manual][,localfirst=0|1]
Firewall_out_router=147.135.161.158,resolve=static
frontend=10.192.1.10,resolve=static
frontend_web=10.192.1.10
dns1.google.com=8.8.8.8,2001:4860:4860::8888\t# Google Public DNS Server
update1-sns.stormshieldcs.eu=85.31.203.33,resolve=dynamic\t# Active Update Server 1
dhcp_range=10.0.0.10-10.0.0.100                 # address range
[Network]
net_virt_backend=10.193.2.0/24
net_virt_frontend=10.193.1.0/24
rfc5735_private_1=10.0.0.0/8,color=000000
[Service]
http=80/tcp                # World Wide Web
dns=53/any
sshrdr=2222/tcp
high=1024-65535/any
[Protocol]
ospf=89
[Internet]
operator=ne
object=Network_internals
[Fqdn]
outlook.office365.com=52.97.0.1
""",
    "Filter/05": """\
[Filter]
separator color="c0c0c0" comment="Remote Management: Go to System - Configuration" collapse="0"
pass from any to firewall_all port firewall_srv|https # Admin from everywhere
pass ipproto icmp type 8 code 0 proto none from any to firewall_all # Allow Ping from everywhere
pass ipproto ospf from any to firewall_all
pass from Network_in to INTERNET port high\t# Internet access
pass log tos 8 from network_in to outlook.office365.com
separator color="c0c0c0" comment="Default policy" collapse="0"
"pass from any on out to Firewall_out port ssh #ssh on out"
block from any to any\t# Block all
[NAT]
nat from Network_in to net_virt_backend -> from net_virt_frontend to frontend rulename "17140483882_2"\t# NAT
nat from Network_in to internet -> from Firewall_out port ephemeral_fw
""",
    "Filter/filter": """\
[Config]
Optimize=1
plugin=1
fwdefault=1
Implicit=1
Ipstate=1
Dialup=1
Dns=1
HA=1
Ident=1
Pptp=1
Serverd=0
Sshd=1
Vpn=1
AuthPortal=1
WebAdmin=1
Bootps=1
SslVPN=1
Rtadv=1
DHCP6=1
Ipfix=1
[Plugin]
dns_udp=1
ftp=0
""",
    "Filter/slotinfo": GUIDE["Filter/slotinfo"],
    "network": GUIDE["network"],
    "Openvpn/openvpn": """\
[Config]
state=0
route=Network_internals      # objectgroup or any: networks pushed
timeout=14400
cipher=
tlsCipher=
authAlgo=
serverCertificate="sslvpn-full-default-authority:openvpnserver"
IsPoolProtected=1
Port=sslvpn                  # TCP service object (443)
udpPort=udpvpn
Ping=1
PingRestart=10
pool=
udpPool=
serverPublicAddr=
udpBindAddr=
Compress=1                   # LZ4
StrictCert=0
""",
}


def test_the_product_s_own_files_are_understood(tmp_path: Path) -> None:
    configuration = read(write(tmp_path, STOCK))
    told = 'Filter/05:7: rule: "tos 8" is honoured by the lab, and no check or prediction looks at it'
    assert [str(finding) for finding in configuration.findings] == [told]
    assert len(configuration.policy.filter) == 7


def test_a_file_that_is_not_text_is_a_finding_and_the_rest_is_read(tmp_path: Path) -> None:
    root = write(tmp_path, GUIDE)
    (root / "uac").write_bytes(b"[Defaults]\nxvpn=\xff\xfe\n")
    told = [str(finding) for finding in read(root, leases=LEASES).findings]
    assert "uac:2: encoding: is not UTF-8 (save the file as UTF-8)" in told


def test_a_folder_where_a_file_belongs_is_a_finding(tmp_path: Path) -> None:
    root = write(tmp_path, {file: text for file, text in GUIDE.items() if file != "route"})
    (root / "route").mkdir()
    findings = read(root, leases=LEASES).findings
    assert "route:1: file: cannot be read: Is a directory" in map(str, findings)


def test_an_empty_folder_is_full_of_findings(tmp_path: Path) -> None:
    configuration = read(tmp_path)
    assert {finding.severity for finding in configuration.findings} == {Severity.ERROR}
    assert [str(finding.location) for finding in configuration.findings] == [
        "Filter/slotinfo:1", "Filter/slotinfo:1", "network:1", "object:1",
    ]  # fmt: skip
    with pytest.raises(KeyError):
        _ = configuration.policy


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_content_ever_raises(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    """Cut, doubled, swapped and garbled lines of every file give findings, never a traceback."""
    files = dict(GUIDE)
    for file in data.draw(st.lists(st.sampled_from(sorted(files)), min_size=1, max_size=4, unique=True)):
        lines = files[file].split("\n")
        place = data.draw(st.integers(0, len(lines) - 1))
        other = data.draw(st.integers(0, len(lines) - 1))
        garbage = data.draw(st.text('=,/-|!"#[] \t@>.:0aé', max_size=12))
        cut = data.draw(st.integers(0, len(lines[place])))
        lines[place] = data.draw(
            st.sampled_from([lines[place][:cut], lines[place][:cut] + garbage, lines[other], garbage + lines[place]])
        )
        files[file] = "\n".join(lines)
    root = write(tmp_path_factory.mktemp("garbled"), files)
    configuration = read(root, label="x", leases=LEASES)
    assert all(str(finding) for finding in configuration.findings)
