"""From the plan to the lab's own terms: who stands on which wire, and with which files."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.topology import Topology
from provisioning.deployment import DeploymentError, load
from provisioning.secrets import Secrets
from provisioning.topology import topology
from tests.provisioning.plans import GUIDE, MINIMAL, change, copy_of


@pytest.fixture(scope="module")
def guide() -> Topology:
    deployment = load(GUIDE)
    return topology(deployment, Secrets(deployment.secrets, deployment.folder))


def test_the_guide_has_its_hosts(guide: Topology) -> None:
    sites = {f"{name}-{site}" for site in ("sbg7", "gra11") for name in ("fw1", "fw2", "web", "dhcp", "gw")}
    assert {host.name for host in guide.hosts} == {
        *sites, "baremetal-sbg7", "public", "admin", "stranger", "vpn-client",
    }  # fmt: skip


def test_the_vrack_carries_the_guides_vlans(guide: Topology) -> None:
    assert {segment.vlan for segment in guide.segments} == {None, 0, 198, 199, 200, 201}


def test_an_appliance_has_its_interfaces_in_the_order_of_the_guide(guide: Topology) -> None:
    nics = guide.host("fw2-sbg7").nics
    assert [(nic.name, nic.segment) for nic in nics] == [
        ("eth0", "vrack-0"),
        ("eth1", "vrack-200"),
        ("eth2", "vrack-199"),
    ]


def test_the_bare_metal_server_is_on_a_tagged_port(guide: Topology) -> None:
    (nic,) = guide.host("baremetal-sbg7").nics
    assert nic.trunk == (200,)


def test_the_second_region_is_seven_milliseconds_away(guide: Topology) -> None:
    assert guide.regions == ("SBG7", "GRA11")
    assert [(distance.region, distance.seconds) for distance in guide.distances] == [("GRA11", 0.007)]


def test_hardware_addresses_are_all_different(guide: Topology) -> None:
    macs = [nic.mac for host in guide.hosts for nic in host.nics]
    assert len(set(macs)) == len(macs)


def test_members_differ_in_their_identity_alone(guide: Topology) -> None:
    one, two = (guide.host(name).files for name in ("fw1-sbg7", "fw2-sbg7"))
    assert {path for path in one.keys() | two.keys() if one.get(path) != two.get(path)} == {"/usr/Firewall/System/global"}


def test_an_installed_configuration_names_no_secret_any_more(guide: Topology) -> None:
    left = {path for host in guide.hosts for path, (content, _) in host.files.items() if b"${secret:" in content}
    assert not left


def test_both_ends_of_the_tunnel_have_the_same_key(guide: Topology) -> None:
    path = "/usr/Firewall/ConfigFiles/VPN/psk"
    one, two = (guide.host(name).files[path][0].split(b"=")[1] for name in ("fw1-sbg7", "fw1-gra11"))
    assert one == two


def test_only_the_site_with_pools_has_an_ssl_vpn_authority(guide: Topology) -> None:
    with_authority = {host.site for host in guide.hosts if any("sslvpn-full-default-authority" in path for path in host.files)}
    assert with_authority == {"sbg7"}


def test_a_second_process_computes_the_same_lab(tmp_path: Path) -> None:
    deployment, store = load(GUIDE), tmp_path / "secrets.json"
    first = topology(deployment, Secrets(deployment.secrets, deployment.folder, store))
    assert topology(deployment, Secrets(deployment.secrets, deployment.folder, store)) == first


def test_the_minimal_deployment_has_one_appliance() -> None:
    deployment = load(MINIMAL)
    built = topology(deployment, Secrets(deployment.secrets, deployment.folder))
    assert [host.name for host in built.hosts if host.role == "appliance"] == ["fw1-sbg7"]


def test_a_missing_environment_variable_is_told_at_its_line(tmp_path: Path) -> None:
    folder = copy_of(GUIDE, tmp_path)
    line = change(folder / "deployment.toml", 'ha_sbg7 = "generate"', 'ha_sbg7 = "env:HA_OF_SBG7"')
    deployment = load(folder)
    with pytest.raises(DeploymentError) as failure:
        topology(deployment, Secrets(deployment.secrets, folder, environment={}))
    assert [str(finding) for finding in failure.value.findings] == [
        f"{folder}/deployment.toml:{line}: secrets.ha_sbg7: set the environment variable HA_OF_SBG7"
    ]


def test_a_published_udp_service_is_answered_by_its_host_and_fetched_by_no_scenario(tmp_path: Path) -> None:
    folder = copy_of(MINIMAL, tmp_path)
    with (folder / "deployment.toml").open("a") as plan:
        plan.write('[[sites.sbg7.published]]\nname = "clock"\nprotocol = "udp"\nport = 1230\nhost = "web"\n')
    deployment = load(folder)
    assert deployment.axis("published_service") == ("sbg7-http",)
    web = topology(deployment, Secrets(deployment.secrets, deployment.folder)).host("web-sbg7")
    assert "1230" in web.boot or any(b"1230" in content for content, _ in web.files.values())
