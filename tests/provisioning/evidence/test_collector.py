"""What is kept stays within its bounds, and says what was cut."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from lab.journal import Ran
from lab.topology import Topology
from provisioning.deployment import load
from provisioning.evidence import bounds
from provisioning.evidence.bounds import Piece
from provisioning.evidence.collector import Collector
from provisioning.evidence.commands import Step
from provisioning.redaction import Redaction
from tests.provisioning.evidence.frames import frames, segment
from tests.provisioning.plans import MINIMAL

STEPS = [Step(0.0, 1, "When it is loud")]


class Host:
    """Where commands are told of; it has no logs."""

    name = "stranger"
    spec = SimpleNamespace(logs=())
    journal: Any = None


@pytest.fixture
def host() -> Host:
    return Host()


@pytest.fixture
def collector(host: Host) -> Collector:
    lab = SimpleNamespace(hosts={host.name: host}, topology=Topology("none", (), (), ()))
    return Collector(load(MINIMAL), cast(Any, lab), cast(Any, None), Redaction())


def _scenario(collector: Collector, host: Host, output: int, points: int = 5) -> list[Piece]:
    collector.begin()
    for number in range(output // 4_000):
        host.journal(Ran("stranger", f"cat part-{number}", float(number), 0.1, 0, "x" * 4_000, ""))
    seen = {f"web{number}:eth0": frames(*[segment("client", "server", bytes(400))] * 8_000) for number in range(points)}
    return list(collector.pieces("SNS-X-01 of run r", STEPS, seen))


def test_each_file_keeps_its_bound_and_the_record_says_that_it_was_cut(collector: Collector, host: Host) -> None:
    text, *captures = _scenario(collector, host, output=2 * bounds.TEXT)
    assert bounds.TEXT * 0.99 < text.size <= bounds.TEXT + 100
    assert text.what.startswith("the commands that were run, and what they printed; cut, 256000 of ")
    assert "characters left out here" in str(text.content)
    assert all(bounds.CAPTURE * 0.9 < one.size <= bounds.CAPTURE + 500 for one in captures)
    assert all("frames are left out" in one.what for one in captures)


def test_a_scenario_keeps_its_bound(collector: Collector, host: Host) -> None:
    kept = _scenario(collector, host, output=2 * bounds.TEXT, points=12)
    assert len(kept) == 13, "every point is there, with less"
    assert sum(one.size for one in kept) <= bounds.SCENARIO * 1.01


def test_a_run_keeps_its_bound_whatever_its_scenarios_do(
    collector: Collector, host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(collector, "_left", 1_000_000)
    sizes = [sum(one.size for one in _scenario(collector, host, output=40_000, points=1)) for _ in range(4)]
    assert sizes[0] > 500_000
    assert sum(sizes) <= 1_010_000
    assert sizes[3] < 2_000, "the files say that there was no room for more"


def test_a_short_scenario_is_kept_whole(collector: Collector, host: Host) -> None:
    collector.begin()
    host.journal(Ran("stranger", "true", 1.0, 0.1, 0, "", ""))
    text, capture = collector.pieces("t", STEPS, {"web:eth0": frames(segment("client", "server", b"hello"))})
    assert text.content == b"# step 1: When it is loud\n\n00:00:01.000Z stranger $ true\nstatus 0 after 0.100 s\n"
    assert (text.what, capture.what) == ("the commands that were run, and what they printed", "capture at web:eth0")
