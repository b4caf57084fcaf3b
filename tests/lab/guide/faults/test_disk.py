"""A full file system: the member's own, and nothing of the machine's."""

from __future__ import annotations

import pytest

from tests.lab.guide.faults.conftest import Pair

pytestmark = pytest.mark.lab


@pytest.mark.parametrize("place, folder", [("logs", "/log"), ("configuration", "/usr/Firewall")])
def test_nothing_can_be_written_there_and_everything_elsewhere(pair: Pair, place: str, folder: str) -> None:
    victim = pair.active
    with pair.fault(f"disk-full place={place}", victim):
        refused = victim.host.run("dd", "if=/dev/zero", f"of={folder}/a", "count=1")
        assert "No space left on device" in refused.stderr
        assert victim.host.run("sh", "-c", "echo a >/var/lib/sns/a").ok
        assert victim.path(folder).stat().st_dev != victim.path("/").stat().st_dev
    assert victim.host.run("sh", "-c", f"echo a >{folder}/a && rm {folder}/a").ok


def test_a_full_log_is_told_when_there_is_room_again(pair: Pair) -> None:
    victim, log = pair.active, pair.active.path("/log/l_ha")
    with pair.fault("disk-full place=logs", victim):
        for _ in range(20):  # what is left of its last block takes some lines
            before = log.stat().st_size
            former = pair.active
            former.apply("hainfo", "switch")
            pair.eventually(lambda former=former: pair.cluster.states()[former.name], "passive")  # type: ignore[misc]
            if log.stat().st_size == before:
                break
    pair.active.apply("hainfo", "switch")
    pair.eventually(lambda: '"lines_lost_before":' in victim.read_log("l_ha"), True)


def test_a_configuration_that_finds_no_room_is_refused_and_nothing_is_lost(pair: Pair) -> None:
    active, passive = pair.active, pair.passive
    before = active.snapshot(), passive.snapshot()
    active.edit("object", lambda text: text.replace("[Network]", "a_new_host=192.0.2.1,resolve=static\n[Network]", 1))
    try:
        with pair.fault("disk-full place=configuration", passive):
            refused = active.run("hasync")
            assert not refused.ok
            assert "No space left on device" in refused.stderr
            assert passive.snapshot() == before[1]
    finally:
        active.restore(before[0])
