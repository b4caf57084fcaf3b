"""The whole policy at once: packets of all classes that a configuration tells apart, measured against what it says."""

from __future__ import annotations

from pytest_bdd import then, when

from provisioning.matrix.measured import Matrix
from provisioning.matrix.results import Results, whole
from steps.plugins.recording import ScenarioRecorder
from steps.scene import Scene

ONE_IN = 31  # classes: some 2,000 of the guide's 65,000; `rempart matrix` measures all of them
_TOLD = 5  # disagreements that a verdict names


@when("packets of all kinds that its configuration tells apart arrive at the firewall", target_fixture="matrix")
def _all_kinds(scene: Scene) -> Results:
    measuring = Matrix(scene.environment)
    try:
        return whole(measuring, [scene.site.name], one_in=ONE_IN)
    finally:
        measuring.close()


@then("none of them is unaccounted for")
def _accounted(matrix: Results, record: ScenarioRecorder) -> None:
    record.observe("packets measured", expected="some", observed=matrix.measured, holds=matrix.measured > 0)
    record.observe("packets of which nothing is known", expected={}, observed=dict(matrix.lost))


@then("what becomes of each, and of a reply to it, is what the configuration says")
def _as_configured(matrix: Results, record: ScenarioRecorder) -> None:
    record.observe("replies that were sent", expected="some", observed=matrix.replies, holds=matrix.replies > 0)
    told = [
        f"{one.flow} ({one.prediction.where or one.prediction.reason}): {'; '.join(one.disagreements)}"
        for one in matrix.disagreeing[:_TOLD]
    ]
    record.observe("packets of which something else becomes", expected=[], observed=told)
