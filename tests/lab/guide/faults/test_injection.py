"""A fault is undone whatever happens: once, by whoever comes first, and never beside another that holds the same thing."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from lab.faults import catalogue
from lab.faults.fault import BadParameter
from lab.faults.injection import FaultRefused
from tests.lab.guide.faults.conftest import Pair

FAULT = "link-down link=private"


def carrier(pair: Pair) -> bool:
    private = pair.environment.faults.target(pair.passive.name).links["private"][0]
    return pair.passive.path(f"/sys/class/net/{private}/carrier").read_text().strip() == "1"


@pytest.mark.lab
def test_it_is_undone_when_what_happens_meanwhile_fails(pair: Pair) -> None:
    def interrupted() -> None:
        with pair.fault(FAULT, pair.passive):
            assert not carrier(pair)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert carrier(pair)


@pytest.mark.lab
def test_one_that_fails_half_way_is_undone(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    fabric = pair.active.host.fabric
    real: Callable[..., None] = fabric.set_links

    def half_way(host: str, nics: tuple[str, ...], *, up: bool) -> None:
        real(host, nics, up=up)
        if not up:
            raise RuntimeError("the machine said no")

    monkeypatch.setattr(fabric, "set_links", half_way)
    with pytest.raises(RuntimeError, match="said no"):
        pair.fault(FAULT, pair.passive).begin()
    assert carrier(pair)


@pytest.mark.lab
def test_beginning_and_ending_twice_is_no_error(pair: Pair) -> None:
    injection = pair.fault(FAULT, pair.passive)
    injection.end()
    injection.begin()
    injection.begin()
    assert [str(one.fault) for one in pair.environment.faults.in_force()] == [FAULT]
    injection.end()
    injection.end()
    assert carrier(pair)


@pytest.mark.lab
def test_another_process_undoes_it(pair: Pair) -> None:
    injection = pair.fault(FAULT, pair.passive)
    injection.begin()
    (undone,) = pair.environment.faults.undo_all()
    assert (str(undone.fault), undone.target.name) == (FAULT, pair.passive.name)
    assert carrier(pair)
    assert not injection.in_force


@pytest.mark.lab
def test_a_second_one_on_the_same_cable_is_refused(pair: Pair) -> None:
    with pair.fault(FAULT, pair.passive):
        for second in (FAULT, "member-killed"):
            with pytest.raises(FaultRefused, match=r"is held by link-down link=private on fw\d-sbg7"):
                pair.fault(second, pair.passive).begin()
        with pair.fault("ha-link-cut", pair.passive):
            pass


@pytest.mark.parametrize(
    "words, told",
    [
        (["link-down", "link=pink"], "link=pink: write one of external, private"),
        (["link-down", "pink=1"], "link-down has no parameter pink; it has link"),
        (["link-down", "pink"], "'pink' is no parameter: write parameter=value"),
        (["member-killed", "hard=1"], "member-killed has no parameter hard; it has none"),
    ],
)
def test_what_a_fault_does_not_take_is_told(words: list[str], told: str) -> None:
    with pytest.raises(BadParameter) as refused:
        catalogue.read(words[0], words[1:])
    assert str(refused.value) == told


def test_a_fault_reads_back_as_it_is_written() -> None:
    for kind in catalogue.KINDS.values():
        fault = kind.fault()
        name, *parameters = str(fault).split()
        assert catalogue.read(name, parameters) == fault
