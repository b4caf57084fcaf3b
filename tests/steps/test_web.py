"""Which service a scenario is about, who answers for it, and what says that it was reached."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from lab.host import LabHost
from provisioning.agreement import check
from provisioning.deployment import Deployment, load
from provisioning.environment import LabEnvironment
from sns.prediction import Flow
from steps.scene import Scene
from steps.verdict import Refuted
from steps.web import CLIENT_PORT, logged, published, translating, without_line
from tests.provisioning.plans import GUIDE, change, copy_of


def two_services(folder: Path) -> Path:
    """A copy of the guide whose first site publishes, before its web server, another one's port 8080."""
    copied = copy_of(GUIDE, folder)
    plan, objects, slot = (
        copied / name for name in ("deployment.toml", *(f"sbg7/ConfigFiles/{f}" for f in ("object", "Filter/05")))
    )
    service = '[[sites.sbg7.published]]\nname = "shop"\nprotocol = "tcp"\nport = 8080\nhost = "shop"\n\n'
    host = '[sites.sbg7.hosts.shop]\nrole = "web"\nnetwork = "vlan200"\naddress = "10.200.0.11"\n\n'
    change(plan, "[[sites.sbg7.published]]", f"{host}{service}[[sites.sbg7.published]]")
    change(objects, "[Network]", "shop=10.200.0.11,resolve=static\n\n[Network]")
    change(objects, "http=80/tcp", "shop_port=8080/tcp\nhttp=80/tcp")
    rule = "pass log from internet on out to Firewall_out port {} -> to {} port {}"
    published = rule.format("http", "ubuntu-webserver", "http")
    change(slot, published, f"{rule.format('shop_port', 'shop', 'shop_port')}\n{published}")
    return copied


@pytest.fixture(scope="module")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Deployment:
    found = load(two_services(tmp_path_factory.mktemp("deployments")))
    assert not check(found)
    return found


def scene(deployment: Deployment, axis: str, identifier: str) -> Scene:
    """The place of an instance; hosts are their names."""
    instance = deployment.instance(axis, identifier)
    named = SimpleNamespace(
        deployment=deployment, host=str, web_server=lambda site: deployment.site(site).hosts_of("web")[0].id
    )
    return Scene(cast("LabEnvironment", named), deployment.site(getattr(instance, "site", identifier)), instance)


@pytest.mark.parametrize(
    "axis, identifier, server, url",
    [
        ("published_service", "sbg7-shop", "shop-sbg7", "http://147.135.161.153:8080/"),
        ("published_service", "sbg7-http", "web-sbg7", "http://147.135.161.153:80/"),
        ("site", "sbg7", "web-sbg7", "http://147.135.161.153:8080/"),
        ("web_server", "shop-sbg7", "shop-sbg7", "http://147.135.161.153:8080/"),
        ("cluster", "gra11", "web-gra11", "http://203.0.113.153:80/"),
    ],
)
def test_a_scenario_is_about_a_published_service_and_the_server_behind_it(
    deployment: Deployment, axis: str, identifier: str, server: str, url: str
) -> None:
    there = scene(deployment, axis, identifier)
    assert (str(there.server), published(there)) == (server, url)


@pytest.mark.parametrize(
    "site, port, section, target",
    [
        ("sbg7", 8080, "filter", "shop"),
        ("sbg7", 80, "filter", "ubuntu-webserver"),
        ("gra11", 80, "nat", "ubuntu-webserver"),
    ],
)
def test_the_rule_that_translates_a_service_is_the_one_that_its_requests_meet(
    deployment: Deployment, site: str, port: int, section: str, target: str
) -> None:
    rule = translating(deployment.configuration(site), request(deployment, site, port))
    assert rule.translation is not None
    assert (rule.section, rule.translation.destination) == (section, target)


def request(deployment: Deployment, site: str, port: int) -> Flow:
    """A stranger's request to a site's public address."""
    return Flow("out", deployment.internet.stranger, deployment.public_address(site), "tcp", CLIENT_PORT, port)


def test_what_no_rule_translates_is_told_with_the_rule_that_decides(deployment: Deployment) -> None:
    with pytest.raises(Refuted, match="a rule that translates the published service") as refuted:
        translating(deployment.configuration("sbg7"), request(deployment, "sbg7", 8443))
    assert "firewall_all" in refuted.value.predicted


def test_a_line_is_taken_out_of_a_file_and_no_other() -> None:
    assert without_line("one\ntwo\nthree\n", 2) == "one\nthree\n"


def test_a_request_is_looked_for_until_the_log_has_it() -> None:
    """nginx writes the line after the answer has left."""
    looks = iter(["", "", '198.51.100.7 "HEAD /?5e1f"\n198.51.100.8 "HEAD /?c0de"\n'])
    server = cast("LabHost", SimpleNamespace(read=lambda _: next(looks)))
    assert logged(server, "c0de") == ['198.51.100.8 "HEAD /?c0de"']
