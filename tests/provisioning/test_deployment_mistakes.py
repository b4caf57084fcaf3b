"""A wrong deployment.toml: each mistake is told with file, line and field, all of them at once, and what to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from provisioning.deployment import DeploymentError, load
from tests.provisioning.plans import GUIDE, change, copy_of, line_of

# What is written wrongly, where the finding must stand (lines after the change, or another text), and what it must say.
MISTAKES: dict[str, tuple[str, str, int | str, str]] = {
    "a key is misspelt": (
        'gateway = "147.135.161.158"',
        'gatway = "147.135.161.158"',
        0,
        "sites.sbg7.gatway: unknown key (did you mean 'gateway'?)",
    ),
    "a key is missing": (
        'block = "203.0.113.152/29"\n',
        "",
        -3,
        "sites.gra11.block: missing (add block)",
    ),
    "a top-level key is unknown": (
        'title = "OVHcloud guide: two regions, two firewall pairs"',
        'titel = "x"',
        0,
        "titel: unknown key (did you mean 'title'?)",
    ),
    "an address is none": (
        'gateway = "147.135.161.158"',
        'gateway = "147.135.161.358"',
        0,
        "sites.sbg7.gateway: '147.135.161.358' is not an IPv4 address",
    ),
    "a network has host bits": (
        'subnet = "10.200.0.0/16"',
        'subnet = "10.200.0.1/16"',
        0,
        "sites.sbg7.networks.vlan200.subnet: '10.200.0.1/16' has host bits set (the network is 10.200.0.0/16)",
    ),
    "a number stands in quotes": (
        "vlan = 200",
        'vlan = "200"',
        0,
        "sites.sbg7.networks.vlan200.vlan: must be a whole number, without quotes",
    ),
    "the gateway is outside the block": (
        'gateway = "147.135.161.158"',
        'gateway = "147.135.161.168"',
        0,
        (
            "sites.sbg7.gateway: 147.135.161.168 is outside the site's block 147.135.161.152/29"
            " (choose an address of 147.135.161.152/29)"
        ),
    ),
    "the gateway is the broadcast address": (
        'gateway = "147.135.161.158"',
        'gateway = "147.135.161.159"',
        0,
        (
            "sites.sbg7.gateway: 147.135.161.159 is the network or broadcast address of 147.135.161.152/29"
            " (choose one between them)"
        ),
    ),
    "a host is outside its subnet": (
        'address = "10.200.0.10"',
        'address = "10.201.0.99"',
        0,
        ("sites.sbg7.hosts.web.address: 10.201.0.99 is outside the subnet 10.200.0.0/16 (choose an address of 10.200.0.0/16)"),
    ),
    "a DHCP address of a list is outside its subnet": (
        'dhcp = ["10.200.0.2", "10.200.0.3"]',
        'dhcp = [\n  "10.200.0.2",\n  "10.9.0.3",\n]',
        2,
        (
            "sites.sbg7.networks.vlan200.dhcp[2]: 10.9.0.3 is outside the subnet 10.200.0.0/16"
            " (choose an address of 10.200.0.0/16)"
        ),
    ),
    "two hosts have one address": (
        'address = "10.200.0.20"',
        'address = "10.200.0.10"',
        0,
        (
            "sites.sbg7.hosts.baremetal.address: address 10.200.0.10 on VLAN 200 is already at"
            " line 74 (sites.sbg7.hosts.web.address) (give each its own)"
        ),
    ),
    "a VLAN does not exist": (
        "vlan = 200",
        "vlan = 4095",
        0,
        "sites.sbg7.networks.vlan200.vlan: 4095 is out of range (write a number from 0 to 4094)",
    ),
    "a private network is untagged": (
        "vlan = 200",
        "vlan = 0",
        0,
        "sites.sbg7.networks.vlan200.vlan: VLAN 0 on a network of role private (write 1 to 4094)",
    ),
    "a role is unknown": (
        'role = "bare-metal"',
        'role = "baremetal"',
        0,
        "sites.sbg7.hosts.baremetal.role: unknown role 'baremetal' (did you mean 'bare-metal'?)",
    ),
    "a hardware address is none": (
        'address = "10.200.0.10"',
        'address = "10.200.0.10"\nmac = "02-00-00-00-00-01"',
        1,
        "sites.sbg7.hosts.web.mac: '02-00-00-00-00-01' is not a MAC address (write it as 02:00:0a:c8:00:0a)",
    ),
    "a hardware address is taken": (
        'address = "10.200.0.10"',
        'address = "10.200.0.10"\nmac = "02:00:0a:c8:00:14"',
        1,
        (
            "sites.sbg7.hosts.web.mac: MAC 02:00:0a:c8:00:14 on VLAN 200 is already at"
            " line 78 (sites.sbg7.hosts.baremetal.mac) (give each its own)"
        ),
    ),
    "a bare-metal server has no tags": (
        "trunk = [200]",
        "trunk = []",
        -4,
        "sites.sbg7.hosts.baremetal: a bare-metal server without trunk (write trunk = [200])",
    ),
    "a fixed port is outside its subnet": (
        'vlan200 = "10.200.0.4"',
        'vlan200 = "10.201.0.4"',
        0,
        (
            "sites.sbg7.firewall.members[2].ports.vlan200: 10.201.0.4 is outside the subnet 10.200.0.0/16"
            " (choose an address of 10.200.0.0/16)"
        ),
    ),
    "two members have one fixed port": (
        'vlan200 = "10.200.0.4"',
        'vlan200 = "10.200.0.1"',
        0,
        (
            "sites.sbg7.firewall.members[2].ports.vlan200: address 10.200.0.1 on VLAN 200 is already at"
            " line 63 (sites.sbg7.firewall.members[1].ports.vlan200) (give each its own)"
        ),
    ),
    "a fixed port is on no network of the firewall": (
        'vlan200 = "10.200.0.4"',
        'vlan201 = "10.200.0.4"',
        0,
        "sites.sbg7.firewall.members[2].ports.vlan201: the firewall is not on 'vlan201' (its networks: ext, vlan200, ha)",
    ),
    "a pool has one end": (
        'pool = ["10.200.1.0", "10.200.255.254"]',
        'pool = ["10.200.1.0"]',
        0,
        'sites.sbg7.networks.vlan200.cloud.pool: a pool has a first and a last address (write ["FIRST", "LAST"])',
    ),
    "a disk format is unknown": (
        'disk_format = "qcow2"',
        'disk_format = "qcow"',
        0,
        "cloud.appliances.image.disk_format: unknown disk_format 'qcow' (did you mean 'qcow2'?)",
    ),
    "a flag stands in quotes": (
        "anti_affinity = true",
        'anti_affinity = "yes"',
        0,
        "cloud.appliances.anti_affinity: must be true or false, without quotes",
    ),
    "a checksum is none": (
        'disk_format = "qcow2"',
        'disk_format = "qcow2"\nsha256 = "1234"',
        1,
        "cloud.appliances.image.sha256: is no SHA-256 (write the 64 digits that sha256sum prints)",
    ),
    "a secret is written in clear": (
        'ipsec_sbg7_gra11 = "generate"',
        'ipsec_sbg7_gra11 = "correct horse"',
        0,
        ('secrets.ipsec_sbg7_gra11: a secret in clear (write "env:NAME", "file:PATH" or "generate" and keep the value out)'),
    ),
    "a password is written in clear": (
        'password = "secret:address_password"',
        'password = "correct horse"',
        0,
        ('sites.sbg7.people[1].password: a secret in clear (write "secret:NAME" here, and where NAME comes from in [secrets])'),
    ),
    "a secret has no source": (
        'address_password = "generate"\n',
        "",
        'password = "secret:address_password"',
        (
            "sites.sbg7.people[1].password: unknown secret 'address_password'"
            ' (add address_password = "generate" (or env:, file:) to [secrets])'
        ),
    ),
    "nobody says where the administrator's password comes from": (
        'admin_password = "generate"\n',
        "",
        -1,
        "secrets: unknown secret 'admin_password' (add admin_password = \"generate\" (or env:, file:) to [secrets])",
    ),
    "a secret's file is missing": (
        'ipsec_sbg7_gra11 = "generate"',
        'ipsec_sbg7_gra11 = "file:psk.txt"',
        0,
        "secrets.ipsec_sbg7_gra11: no file 'psk.txt' (make it, relative to this folder)",
    ),
    "a tunnel ends at an unknown site": (
        '"gra11.vlan201"',
        '"rbx.vlan201"',
        0,
        "tunnels[1].between[2]: unknown site 'rbx' (sites: sbg7, gra11)",
    ),
    "a tunnel carries an unknown network": (
        '"gra11.vlan201"',
        '"gra11.vlan202"',
        0,
        "tunnels[1].between[2]: unknown network 'vlan202' (networks of gra11: ext, vlan201, ha)",
    ),
    "a published service has no host": (
        'host = "web"',
        'host = "www"',
        0,
        "sites.sbg7.published[1].host: unknown host 'www' (hosts of sbg7: web, baremetal)",
    ),
    "a pool overlaps the private network": (
        'network = "10.60.0.0/24"',
        'network = "10.200.7.0/24"',
        0,
        (
            "sites.sbg7.pools[1].network: 10.200.7.0/24 overlaps sbg7.vlan200 (10.200.0.0/16)"
            " (choose networks apart: packets could go either way)"
        ),
    ),
    "a pool is too small for the product": (
        'network = "10.60.0.0/24"',
        'network = "10.60.0.0/29"',
        0,
        "sites.sbg7.pools[1].network: 10.60.0.0/29 is too small (an SSL VPN client network is a /28 or larger)",
    ),
    "an interface is on an unknown network": (
        'nics = ["ext", "vlan200", "ha"]',
        'nics = ["ext", "vlan200", "hb"]',
        0,
        "sites.sbg7.firewall.nics[3]: unknown network 'hb' (networks of sbg7: ext, vlan200, ha)",
    ),
    "a member has no address on the HA network": (
        'ha_address = "192.168.2.3"                  # handed out by OpenStack\'s DHCP\n',
        "",
        -3,
        "sites.sbg7.firewall.members[1]: no ha_address (give the member an address of 192.168.2.0/29)",
    ),
    "two members have one serial number": (
        'serial = "VMSNSX08K0702A9"',
        'serial = "VMSNSX08K0701A9"',
        0,
        (
            "sites.sbg7.firewall.members[2].serial: serial VMSNSX08K0701A9 is already at"
            " line 61 (sites.sbg7.firewall.members[1].serial) (give each its own)"
        ),
    ),
    "the sites share an external subnet": (
        'subnet = "203.0.113.152/29"',
        'subnet = "147.135.161.152/29"',
        0,
        (
            "sites.gra11.networks.ext.subnet: 147.135.161.152/29 overlaps sbg7.ext on the same VLAN 0 (147.135.161.152/29)"
            " (choose networks apart: packets could go either way)"
        ),
    ),
    "the first site is distant": (
        "distance_ms = 0",
        "distance_ms = 3",
        0,
        "sites.sbg7.distance_ms: the first site is where distances count from (write 0)",
    ),
    "the administrator is not on the Internet": (
        'admin = "198.51.100.101"',
        'admin = "192.0.2.101"',
        0,
        ("internet.admin: 192.0.2.101 is outside the Internet network 198.51.100.0/24 (choose an address of 198.51.100.0/24)"),
    ),
    "a name is allowed and refused": (
        'refused = ["www.refused.example", "tracker.refused.example"]',
        'refused = ["www.refused.example", "www.ovh.com"]',
        0,
        "internet.public.refused[2]: www.ovh.com is also to be allowed (refuse another name)",
    ),
    "a page is no address": (
        'page = "https://www.ovh.com/manager/"',
        'page = "www.ovh.com"',
        0,
        "internet.public.page: 'www.ovh.com' is not an https address (begin it with https://)",
    ),
    "a budget has the wrong unit": (
        "nat = 250 ",
        "nat = 0 ",
        0,
        "budgets.switch.nat: 0 is out of range (write a number from 1 to 600000)",
    ),
    "a budget is for no class of flow": (
        "[budgets.link_lost] ",
        "[budgets.link_lost]\nudp = 250 # ",
        1,
        "budgets.link_lost.udp: unknown key (known: administration, ipsec, local, nat, published, sslvpn_tcp, sslvpn_udp, tcp)",
    ),
    "a site has no configuration": (
        "[sites.gra11]\n",
        (
            '[sites.rbx8]\ndistance_ms = 7\nblock = "203.0.113.0/29"\ngateway = "203.0.113.6"\n'
            'gateway_internet = "198.51.100.3"\n[sites.gra11]\n'
        ),
        0,
        (
            "sites.rbx8: no folder rbx8/ConfigFiles"
            " (export the appliance's configuration there, or copy one of deployments/guide)"
        ),
    ),
}


def findings_of(folder: Path) -> list[str]:
    with pytest.raises(DeploymentError) as failure:
        load(folder)
    return [str(finding) for finding in failure.value.findings]


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_told_where_it_stands(mistake: str, tmp_path: Path) -> None:
    before, after, where, message = MISTAKES[mistake]
    folder = copy_of(GUIDE, tmp_path)
    plan = folder / "deployment.toml"
    changed = change(plan, before, after)
    line = changed + where if isinstance(where, int) else line_of(plan, where)
    assert f"{plan}:{line}: {message}" in findings_of(folder)


def test_every_mistake_is_told_at_once(tmp_path: Path) -> None:
    folder = copy_of(GUIDE, tmp_path)
    plan = folder / "deployment.toml"
    lines = [
        change(plan, 'region = "SBG7"', "region = 7"),
        change(plan, 'host = "web"', 'host = "www"'),
        change(plan, 'resolver = "198.51.100.53"', 'resolver = "nobody"'),
    ]
    assert [int(found.split(":")[1]) for found in findings_of(folder)] == lines


def test_one_mistake_does_not_drag_others_behind_it(tmp_path: Path) -> None:
    folder = copy_of(GUIDE, tmp_path)
    change(folder / "deployment.toml", 'subnet = "10.200.0.0/16"', 'subnet = "10.200.0.0/66"')
    assert len(findings_of(folder)) == 1


def test_a_secret_in_clear_is_never_repeated(tmp_path: Path) -> None:
    folder = copy_of(GUIDE, tmp_path)
    change(folder / "deployment.toml", 'ha_sbg7 = "generate"', 'ha_sbg7 = "correct horse"')
    assert "correct horse" not in "".join(findings_of(folder))


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("name = guide\n", "1: TOML: Invalid value (see https://toml.io)"),
        ('name = "a"\n\n[sites\n', "3: TOML: Expected ']' at the end of a table declaration (see https://toml.io)"),
        ('name = """a\n', "1: TOML: Unterminated string (see https://toml.io)"),
    ],
)
def test_what_is_not_toml_is_told_with_its_line(content: str, expected: str, tmp_path: Path) -> None:
    (tmp_path / "deployment.toml").write_text(content)
    (finding,) = findings_of(tmp_path)
    assert finding == f"{tmp_path}/deployment.toml:{expected}"


def test_a_folder_without_a_plan_is_told(tmp_path: Path) -> None:
    assert findings_of(tmp_path) == [
        f"{tmp_path}/deployment.toml:1: deployment: no such file (name a folder like deployments/guide)"
    ]
    assert findings_of(tmp_path / "moon") == [
        f"{tmp_path}/moon/deployment.toml:1: deployment: no such folder (name a folder like deployments/guide)"
    ]


def test_an_empty_plan_lacks_everything_that_matters(tmp_path: Path) -> None:
    (tmp_path / "deployment.toml").write_text("")
    told = [finding.split(": ", 1)[1] for finding in findings_of(tmp_path)]
    assert {
        "name: missing (add name)",
        "internet: missing (add internet)",
        "sites: no site (add at least one [sites.NAME])",
    } <= set(told)
