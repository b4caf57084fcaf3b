"""The commands of a scenario as a text for people."""

from __future__ import annotations

from lab.journal import Ran
from provisioning.evidence.commands import Step, shown
from provisioning.redaction import Redaction

STEPS = [Step(10.0, 1, "When the VPN user connects"), Step(20.0, 2, "Then it is connected")]


def _ran(at: float, stdout: str = "", *, command: str = "cat log", status: int = 0, stderr: str = "") -> Ran:
    return Ran("vpn-client", command, at, 0.01, status, stdout, stderr)


def test_they_stand_under_their_steps_in_the_order_of_time() -> None:
    text = shown([_ran(21.5, command="ip route"), _ran(5.0), _ran(10.25, command="openvpn", status=1, stderr="no\nway\n")],
                 STEPS, str)  # fmt: skip
    assert text.splitlines() == [
        "# before the first step",
        "",
        "00:00:05.000Z vpn-client $ cat log",
        "status 0 after 0.010 s",
        "",
        "# step 1: When the VPN user connects",
        "",
        "00:00:10.250Z vpn-client $ openvpn",
        "status 1 after 0.010 s",
        "! no",
        "! way",
        "",
        "# step 2: Then it is connected",
        "",
        "00:00:21.500Z vpn-client $ ip route",
        "status 0 after 0.010 s",
    ]


def test_a_log_that_is_looked_at_until_something_stands_there_is_shown_once() -> None:
    text = shown([_ran(10.0, ""), _ran(10.1, "a\n"), _ran(10.3, "a\nb\n")], STEPS, str)
    assert "status 0 after 0.010 s; 3 times in 0.300 s, this is the last result\n| a\n| b\n" in text
    assert text.count("cat log") == 1


def test_a_result_that_is_another_is_shown_as_another() -> None:
    assert shown([_ran(10.0, "a"), _ran(10.1, "b"), _ran(10.2, "b", status=1)], STEPS, str).count("cat log") == 3


def test_secrets_go_before_an_output_is_cut_in_the_middle_of_one() -> None:
    redaction = Redaction()
    redaction.learn("correct-horse-battery")
    output = "x" * 3_990 + "correct-horse-battery" + "y" * 10_000
    text = shown([_ran(10.0, output)], STEPS, redaction.text)
    assert "characters left out here" in text
    assert "correct" not in text
    assert "battery" not in text
