"""The counters' names, in nft and outside."""

from __future__ import annotations

import pytest

from lab.appliance import counters


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("filter_05_14", "Filter/05:14"),
        ("nat_10_3", "Filter/10:3"),
        ("implicit_sslvpn", "implicit/sslvpn"),
        ("antispoof", "antispoof"),
        ("spd", "spd"),
    ],
)
def test_a_counter_is_called_by_its_rules_place(name: str, place: str) -> None:
    assert counters.key(name) == place
