"""The whole guide by commands alone: appliances as they are delivered become the two pairs, with the vendor's own client."""

from __future__ import annotations

import pytest

from provisioning.appliance.api import Api
from provisioning.appliance.differences import differences
from provisioning.appliance.tree import Tree
from steps.eventually import eventually
from tests.appliance_api.clients import Said
from tests.appliance_api.conftest import Configured

SITES = ("sbg7", "gra11")
TUNNEL_WITHIN = 20.0  # s for a tunnel that both ends have just been given

pytestmark = pytest.mark.lab


@pytest.mark.parametrize("script", [f"{site}-{number}" for site in SITES for number in (1, 2, 3)])
def test_every_command_is_carried_out(configured: Configured, script: str) -> None:
    said: Said = configured.said[script]
    assert said.refused() == []
    assert said.status == 0


@pytest.mark.parametrize("site", SITES)
def test_the_pair_then_runs_what_the_guide_plans(configured: Configured, site: str) -> None:
    deployment, environment = configured.environment.deployment, configured.environment
    intended = configured.folder / f"{site}-intended"
    for source, name in ((deployment.configuration_folder(site), "ConfigFiles"), (deployment.data_folder(site), "Data")):
        for path in source.rglob("*"):
            if path.is_file():
                target = intended / name / path.relative_to(source)
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_text(environment.secrets.fill(path.read_text()))

    def compared() -> list[str]:
        with Api(configured.access(site)) as api, api.configuration() as running:
            return differences(running, Tree.of(intended / "ConfigFiles"))

    assert environment.administrator.inside(compared) == []


@pytest.mark.parametrize("site", SITES)
def test_both_members_have_the_same_configuration(configured: Configured, site: str) -> None:
    told = configured.environment.cluster(site).active().ha_status()
    assert told is not None
    assert told["synchronised"]


def test_the_private_server_reaches_the_internet_by_name_and_not_what_is_refused(configured: Configured) -> None:
    web = configured.environment.web_server("sbg7")
    assert " 200" in web.must("curl", "-sI", "https://www.ovh.com/manager/").splitlines()[0]
    assert not web.run("curl", "-sf", "--max-time", "5", "https://www.refused.example/").ok


@pytest.mark.parametrize("site", SITES)
def test_the_internet_reaches_the_published_server_and_nothing_else(configured: Configured, site: str) -> None:
    stranger, address = configured.environment.stranger, configured.access(site).address
    assert "200" in stranger.must("curl", "-sI", f"http://{address}/").splitlines()[0]
    assert not stranger.run("curl", "-skf", "--max-time", "3", f"https://{address}/admin/").ok


def test_the_two_private_networks_reach_each_other_by_the_tunnel(configured: Configured) -> None:
    web = configured.environment.web_server("sbg7")
    eventually(
        lambda: web.run("ping", "-c", "1", "-W", "1", "10.201.0.10").ok,
        until=lambda answered: answered,
        within=TUNNEL_WITHIN,
        phase="the tunnel",
    )
    said = configured.run(configured.access("sbg7"), "MONITOR GETSA\n")
    assert "state=mature" in said.output
