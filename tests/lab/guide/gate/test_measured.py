"""Changes measured in the lab: the packet of each is seen to meet the fate that the model says, before and after."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from datetime import date
from ipaddress import IPv4Address
from pathlib import Path

import pytest

from provisioning import in_place
from provisioning.deployment import load
from provisioning.environment import LabEnvironment
from provisioning.gate.changes import Change
from provisioning.gate.confirmation import Seen, confirmed, seen
from provisioning.gate.files import load_policy
from provisioning.gate.static import Side, static
from provisioning.matrix.measured import Matrix
from sns.prediction import Flow
from tests.gate.cases import BAD, RULES, Case, edited
from tests.provisioning.plans import GUIDE

pytestmark = pytest.mark.lab

SITE = "sbg7"
BY_NAME = {case.name: case for case in BAD}
STOPPED = "arrived, and came out nowhere"


def _changes(case: Case, folder: Path) -> tuple[Path, list[tuple[str, Change]]]:
    after = edited(case, folder)
    found, _ = static(Side.of(load(GUIDE)), Side.of(load(after)), load_policy(None), (), date(2026, 1, 1))
    return after, [(change.kind, change) for change in found if change.flow is not None]


def _look(environment: LabEnvironment, changes: Sequence[tuple[str, Change]]) -> dict[int, Seen]:
    flows = {place: (SITE, change.flow) for place, (_, change) in enumerate(changes) if change.flow is not None}
    return seen(environment, flows)


@pytest.mark.parametrize(
    "name, kind, before, after",
    [
        ("a second port published without a word", "opens.internet", STOPPED, "came out sbg7:in as"),
        ("no translation on the way out", "changes.private", "came out sbg7:", "came out sbg7:"),
        ("the remote site reaches the firewall", "opens.tunnel", "came out out of sbg7:ipsec", "came out sbg7:firewall"),
    ],
)
def test_a_change_is_seen_as_the_model_says(
    environment: LabEnvironment, tmp_path: Path, name: str, kind: str, before: str, after: str
) -> None:
    deployment, changes = _changes(BY_NAME[name], tmp_path)
    first = _look(environment, changes)
    applied = in_place.apply(environment, SITE, deployment / SITE / "ConfigFiles")
    second = _look(environment, changes)
    applied.undo()

    place = next(place for place, (its, _) in enumerate(changes) if its == kind)
    assert before in first[place].text
    assert after in second[place].text
    assert [confirmed(first[n], second[n]).wrong for n in first] == [""] * len(changes)


def test_what_the_firewall_does_otherwise_than_its_files_say_is_told(environment: LabEnvironment) -> None:
    flow = Flow("out", environment.deployment.internet.stranger, environment.deployment.public_address(SITE), "tcp", 40000, 22)
    active = environment.firewall(SITE)
    token = active.snapshot()
    active.edit(RULES, lambda text: text.replace("[Filter]\n", "[Filter]\npass from any on out to Firewall_out port ssh\n"))
    try:
        found = seen(environment, {0: (SITE, flow)})[0]
    finally:
        active.restore(token)
    assert "expected sbg7:firewall, seen nowhere" in found.wrong


def test_a_matrix_is_of_now_until_a_configuration_changes(environment: LabEnvironment) -> None:
    active = environment.firewall(SITE)
    token = active.snapshot()
    with closing(Matrix(environment)) as matrix:
        said = [matrix.is_of_now()]
        active.edit(RULES, lambda text: text + "# a word more\n")
        said.append(matrix.is_of_now())
        active.put_back(token)
        said.append(matrix.is_of_now())
    assert said == [True, False, True]


def test_what_nothing_in_the_lab_can_send_is_not_called_confirmed(environment: LabEnvironment) -> None:
    flow = Flow("ipsec", IPv4Address("10.99.0.1"), environment.deployment.internet.public, "tcp", 40000, 80)
    found = seen(environment, {0: (SITE, flow)})[0]
    assert (found.text, found.unmeasured) == ("", "nothing in the lab can send it so")
