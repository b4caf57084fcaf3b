"""Who sent packets that nobody else saw: all but those who could not."""

from __future__ import annotations

from steps.hermeticity import CLOSED, Escape


def test_one_host_that_is_seen_does_not_stand_for_another() -> None:
    senders = ("web:eth0", "baremetal:eth0", "fw2:eth0")
    assert Escape(senders, {"fw2:eth0": CLOSED}, {"web:eth0": 3}, 0).unseen == ["baremetal:eth0"]
