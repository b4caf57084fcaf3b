"""What a scenario changes is put back; when that fails, nothing is tested on what it left."""

from __future__ import annotations

from pathlib import Path

import pytest

from steps.plugins.restore import Changes, RestoreFailed
from tests.plugins.tree import Tree, feature


class Lamp:
    """Something with a state."""

    def __init__(self, name: str, log: list[str], *, broken: bool = False) -> None:
        self.name = name
        self.state = "off"
        self._log = log
        self._broken = broken

    def snapshot(self) -> str:
        self._log.append(f"look at {self.name}")
        return self.state

    def restore(self, snapshot: str) -> None:
        self._log.append(f"put back {self.name}")
        if self._broken:
            raise OSError("the switch is stuck")
        self.state = snapshot


def test_everything_comes_back_in_reverse_order_of_its_first_touch() -> None:
    log: list[str] = []
    changes = Changes(log.append)
    first, second = Lamp("first", log), Lamp("second", log)
    changes.of(first).state = "on"
    changes.undo(lambda: log.append("undo"))
    changes.of(second).state = "on"
    changes.of(first).state = "broken"
    changes.now()
    assert log == ["look at first", "look at second", "put back second", "undo", "put back first"]
    assert (first.state, second.state) == ("off", "off")


def test_what_came_back_in_the_middle_can_be_changed_again() -> None:
    log: list[str] = []
    changes = Changes(log.append)
    lamp = Lamp("lamp", log)
    for _ in range(2):
        changes.of(lamp).state = "on"
        changes.now()
        assert lamp.state == "off"


def test_one_that_fails_keeps_no_other_from_coming_back() -> None:
    log: list[str] = []
    spoiled: list[str] = []
    changes = Changes(spoiled.append)
    good, bad = Lamp("good", log), Lamp("bad", log, broken=True)
    changes.of(good).state = "on"
    changes.of(bad).state = "on"
    changes.undo(lambda: 1 / 0, what="the sum")
    with pytest.raises(RestoreFailed) as failure:
        changes.now()
    assert good.state == "off"
    assert str(failure.value) == (
        "what the scenario changed could not be put back:\n  the sum: division by zero\n  bad: the switch is stuck"
    )
    assert spoiled == ["the sum: division by zero; bad: the switch is stuck"]


SENTENCES = """
def stuck():
    raise OSError("the switch is stuck")

@given("a host")
def _host(environment): ...

@when("it is broken for good")
def _broken(changes):
    changes.undo(stuck, what="web")

@then("all is well")
def _well(record):
    record.observe("all", expected="well", observed="well")
"""
BREAKS = "@SNS-A-01\nScenario: s1\n  Given a host\n  When it is broken for good\n  Then all is well"
AFTER = "@SNS-A-02\nScenario: s2\n  Given a host\n  Then all is well"


@pytest.mark.parametrize(
    "mode, verdict, log",
    [
        ("fresh", "pass", ["up fresh", "down", "up fresh", "down"]),
        ("keep", "inconclusive", ["up keep", "down"]),
        ("attach", "inconclusive", ["up attach", "down"]),
    ],
)
def test_what_follows_a_failed_restore_has_a_new_lab_or_tells_nothing(
    tmp_path: Path, mode: str, verdict: str, log: list[str]
) -> None:
    tree = Tree.plant(tmp_path, {"a.feature": feature(BREAKS, AFTER)}, SENTENCES)
    done = tree.run("features/a.feature", "--lab", mode)
    assert done.status == 1
    assert "web: the switch is stuck" in done.output
    record = tree.record()
    assert [one.verdict for one in record.scenarios.values()] == ["error", verdict]
    assert record.events[0].text.endswith("SNS-A-01 left it changed: web: the switch is stuck")
    assert tree.environment_log == log
