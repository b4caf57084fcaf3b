"""One scenario is repeated for what the deployment has; what it has not is said."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.plugins.tree import Tree, feature

TUNNEL = """
@SNS-IPSEC-03 @each_tunnel
Scenario: What crosses the transit is ESP
  Given a host
"""
SENTENCES = """
@given("a host")
def _host(tunnel): ...
"""


def test_a_deployment_without_a_tunnel_makes_its_scenario_not_applicable(tmp_path: Path) -> None:
    tree = Tree.plant(tmp_path, {"a.feature": feature(TUNNEL)}, SENTENCES, axes={})
    done = tree.run()
    assert done.status == 0
    assert "not applicable: the deployment has no tunnel" in done.output
    assert "1 not applicable in " in done.output
    assert tree.record().counts() == {"not applicable": 1}
    assert not tree.environment_log


def test_an_instance_whose_site_lacks_what_a_scenario_needs_is_not_applicable(tmp_path: Path) -> None:
    scenario = """
    @SNS-PLAT-06 @each_site @with_released_address
    Scenario: Nobody answers for a released address
      Given a site
    """
    sentences = '@given("a site")\ndef _site(site): ...'
    tree = Tree.plant(tmp_path, {"a.feature": feature(scenario)}, sentences, without={"released_address": ["gra11"]})
    done = tree.run()
    assert done.status == 0
    assert "not applicable: the site gra11 has no released address" in done.output
    assert tree.record().counts() == {"pass": 1, "not applicable": 1}


def test_a_condition_without_instances_is_refused(tmp_path: Path) -> None:
    scenario = "@SNS-PLAT-06 @with_released_address\nScenario: Nobody answers\n  Given a host\n  Then all is well"
    done = Tree.plant(tmp_path, {"a.feature": feature(scenario)}).run()
    assert done.status == 4
    assert "@with_released_address is about an instance's site: the scenario needs @each_site or the like" in done.output


def test_every_condition_of_a_real_deployment_can_be_asked_for() -> None:
    from provisioning.deployment import CONDITIONS
    from steps.plugins import tags

    assert tags.CONDITIONS == CONDITIONS


@pytest.mark.parametrize(
    "tag",
    [
        "each_site",
        "each_cluster",
        "each_remote_access_site",
        "each_tunnel",
        "each_pool",
        "each_published_service",
        "each_web_server",
        "each_bare_metal_server",
    ],
)
def test_every_axis_of_a_real_deployment_can_be_asked_for(tag: str) -> None:
    from provisioning.deployment import AXES
    from steps.plugins import tags

    assert tags.AXES[tag] in AXES


def test_a_deployment_that_cannot_be_read_is_told_once_for_all_features(tmp_path: Path) -> None:
    why = "deployments/guide/deployment.toml:3: sites.sbg7.block: not a network (write 192.0.2.0/29)"
    other = TUNNEL.replace("03", "04").replace("@each_tunnel", "@each_site")
    done = Tree.plant(tmp_path, {"a.feature": feature(TUNNEL), "b.feature": feature(other)}, unusable=why).run()
    assert done.status == 4
    assert done.output.count(why) == 1
    assert "Traceback" not in done.output


def test_the_project_names_another_deployment_by_its_folder(tmp_path: Path) -> None:
    tree = Tree.plant(tmp_path, {"a.feature": feature(TUNNEL)}, SENTENCES)
    (tmp_path / "mine").mkdir()
    assert tree.run("features/a.feature", "--deployment", "mine").status == 0
    assert tree.record().run.deployment == "mine"
    assert "-mine-" in tree.runs[0].name
