"""What takes long to start goes on from one scenario to the next that wants it, and no further."""

from __future__ import annotations

from pathlib import Path

import pytest

from steps.plugins.restore import RestoreFailed
from steps.plugins.under_way import UnderWay
from tests.plugins.tree import Tree, feature

SENTENCES = """
from steps.plugins.under_way import FLOWS, LOST

def log(what):
    with open("environment.log", "a") as file:
        file.write(what + "\\n")

@given(FLOWS, target_fixture="running")
def _run(environment, under_way, site, request):
    def start():
        log("start")
        under_way.undo(lambda: log("end"))
        return {"goes on": True}
    running = under_way.have(site, lambda running: running["goes on"], start)
    log(request.node.name)
    return running

@when("one of the pair is lost")
def _lose(running, under_way, site):
    under_way.undo(lambda: log("back"))
    under_way.becomes((site, LOST), "one")

@given(LOST)
def _lost(environment, under_way, site, request):
    def lose():
        log("lost")
        under_way.undo(lambda: log("back"))
    under_way.have((site, LOST), bool, lose)
    log(request.node.name)

@when("it measures")
def _measure(environment, under_way, request):
    def start():
        log("start")
        under_way.undo(lambda: log("end"))
    under_way.have("the stand", lambda _: True, start)
    log(request.node.name)

@when("it leaves a change behind")
def _leave(changes):
    changes.undo(lambda: 1 / 0)

@when("it stops")
def _stop(running):
    running["goes on"] = False

@when("it does something")
def _act(environment, site): ...

@then("all is well")
def _well(record):
    record.observe("all", expected="well", observed="well")
"""


def _scenario(number: int, *sentences: str, tag: str = "") -> str:
    lines = "".join(f"  {sentence}\n" for sentence in sentences)
    return f"@SNS-A-{number:02d} @each_site {tag}\nScenario: s{number}\n{lines}  Then all is well\n"


FLOWS = "Given flows of every class run through the firewall"
LOST = "Given the active member has lost power and the other has taken over"
SOMETHING = "When it does something"


@pytest.mark.parametrize(
    ("scenarios", "happened"),
    [
        (
            [(FLOWS, SOMETHING), (FLOWS, SOMETHING)],
            ["start", "SNS-A-01[sbg7]", "SNS-A-02[sbg7]", "end", "start", "SNS-A-01[gra11]", "SNS-A-02[gra11]", "end"],
        ),
        (
            [(FLOWS, SOMETHING), (SOMETHING,), (FLOWS, SOMETHING)],
            [word for name in ("01[sbg7]", "01[gra11]", "03[sbg7]", "03[gra11]") for word in ("start", f"SNS-A-{name}", "end")],
        ),
        (
            [(FLOWS, "When it stops"), (FLOWS, SOMETHING)],
            ["start", "SNS-A-01[sbg7]", "end", "start", "SNS-A-02[sbg7]", "end",
             "start", "SNS-A-01[gra11]", "end", "start", "SNS-A-02[gra11]", "end"],
        ),
        (
            [(FLOWS, "When one of the pair is lost"), (LOST, SOMETHING)],
            ["start", "SNS-A-01[sbg7]", "SNS-A-02[sbg7]", "back", "end",
             "start", "SNS-A-01[gra11]", "SNS-A-02[gra11]", "back", "end"],
        ),
        (
            [(LOST, SOMETHING), (FLOWS, "When one of the pair is lost"), (FLOWS, SOMETHING)],
            [word for site in ("sbg7", "gra11") for word in ("lost", f"SNS-A-01[{site}]", "back", "start", f"SNS-A-02[{site}]",
                                                             "back", "end", "start", f"SNS-A-03[{site}]", "end")],
        ),
    ],
    ids=["neighbours share, site by site", "what is between ends it", "what stopped is started anew",
         "who begins with one lost finds it lost", "who does not finds it back"],
)  # fmt: skip
def test_it_goes_on_for_as_long_as_neighbours_want_it(
    tmp_path: Path, scenarios: list[tuple[str, ...]], happened: list[str]
) -> None:
    written = [_scenario(number, *sentences) for number, sentences in enumerate(scenarios, 1)]
    tree = Tree.plant(tmp_path, {"a.feature": feature(*written)}, SENTENCES)

    done = tree.run("features/a.feature")

    assert done.status == 0, done.output
    assert [word for word in tree.environment_log if not word.startswith(("up", "down"))] == happened
    assert tree.environment_log[-1] == "down"


def test_a_stand_is_shared_in_the_order_of_the_features_until_the_environment_is_another(tmp_path: Path) -> None:
    measures = ("When it measures", SOMETHING)
    kinds = [measures, (*measures, "When it leaves a change behind"), measures]
    scenarios = [_scenario(number, *sentences, tag="@needs_spoofing") for number, sentences in enumerate(kinds, 1)]
    tree = Tree.plant(tmp_path, {"a.feature": feature(*scenarios)}, SENTENCES, capabilities=["spoofing"])

    tree.run("features/a.feature")

    assert [word.split()[0] for word in tree.environment_log] == [
        "up", "start", "SNS-A-01[sbg7]", "SNS-A-01[gra11]", "SNS-A-02[sbg7]", "end", "down",
        "up", "start", "SNS-A-02[gra11]", "end", "down",
        "up", "start", "SNS-A-03[sbg7]", "SNS-A-03[gra11]", "end", "down",
    ]  # fmt: skip


def test_what_cannot_be_ended_is_told_and_spoils_the_environment() -> None:
    spoiled: list[str] = []
    kept = UnderWay(spoiled.append)
    kept.have("sbg7", bool, lambda: kept.undo(lambda: 1 / 0))

    with pytest.raises(RestoreFailed, match="division by zero"):
        kept.end()
    assert spoiled == ["division by zero"]
    kept.end()
