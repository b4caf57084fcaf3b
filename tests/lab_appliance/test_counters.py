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


def test_a_listing_gives_packets_and_bytes_of_our_tables_only() -> None:
    def counter(table: str, name: str) -> dict[str, object]:
        return {"counter": {"table": table, "name": name, "packets": 2, "bytes": 120}}

    listing = {"nftables": [{"metainfo": {}}, counter("sns", "filter_05_14"), counter("other", "x")]}
    assert counters.places(listing) == {"Filter/05:14": (2, 120)}
