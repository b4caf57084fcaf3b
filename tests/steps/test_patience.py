"""How long silence is listened to, by the time that a control takes."""

from __future__ import annotations

import time
from ipaddress import IPv4Address
from types import SimpleNamespace
from typing import cast

import pytest

from lab.host import LabHost
from lab.probe import Outcome, Target
from steps.patience import LEAST, TIMES, attempts, certain, lasting, patience
from steps.verdict import Inconclusive


@pytest.mark.parametrize(("control", "listened"), [(0.0, LEAST), (LEAST / TIMES, LEAST), (0.05, 0.05 * TIMES)])
def test_silence_is_listened_to_for_many_times_what_the_control_took(control: float, listened: float) -> None:
    assert lasting(control) == pytest.approx(listened)


def test_a_slow_control_makes_us_patient() -> None:
    def answered() -> bool:
        time.sleep(0.03)
        return True

    assert 0.03 * TIMES <= patience(answered, "the control") < 10


def test_an_attempt_that_was_never_sent_proves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    here, there = (Target(IPv4Address("10.60.0.1"), port) for port in (22, 443))
    monkeypatch.setattr("steps.patience.connect", lambda *_, **__: {here: Outcome.SILENT, there: Outcome.UNSENT})
    with pytest.raises(Inconclusive, match=r"^vpn-client knew no way to 10\.60\.0\.1:443: nothing was sent"):
        attempts(cast(LabHost, SimpleNamespace(name="vpn-client")), [here, there], 1.0)


def test_beside_a_silent_control_silence_proves_nothing() -> None:
    with pytest.raises(Inconclusive, match=r"the administrator's SSH, the control, was not answered"):
        patience(lambda: False, "the administrator's SSH")


def test_a_control_that_is_late_leaves_open_what_silence_means() -> None:
    late = r"^silence would prove nothing: the honest frame was late: expected heard within 0 s, observed False after "
    with pytest.raises(Inconclusive, match=late):
        certain(lambda: False, within=0, what="the honest frame", expected="heard")
