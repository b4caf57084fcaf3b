"""What of a configuration can be exercised, and what its counters and its log of logins say was."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from lab.appliance import counters
from lab.rule_counters import Counter
from provisioning.deployment import load
from provisioning.evidence.exercised import Exercisable, Exercised, rules
from provisioning.evidence.states import Moment
from tests.provisioning.plans import GUIDE

SITE = load(GUIDE).configuration("sbg7")
PUBLISHED, FROM_REMOTE, TUNNEL, RIGHT = "Filter/05:11", "Filter/05:16", "VPN/01:11", "uac:9"


APPLIED = {counters.APPLIED: 1_795_000_000_000}


def _exercised(folder: Path, before: dict[str, int], after: dict[str, int], log: str = "") -> Exercised:
    (folder / "log").mkdir()
    (folder / "log/l_auth").write_text(log)
    host = SimpleNamespace(
        name="fw1-sbg7",
        path=lambda path: folder / path.lstrip("/"),
        size=lambda path: (folder / path.lstrip("/")).stat().st_size,
    )
    pair = SimpleNamespace(members=[SimpleNamespace(name="fw1-sbg7", host=host)])
    first, last = (
        Moment({"fw1-sbg7": {place: Counter(packets, 0) for place, packets in counted.items()}}, {})
        for counted in (before, after)
    )
    return Exercisable(SITE).exercised(cast(Any, pair), first, last, {})


def test_rules_implicit_ones_tunnels_rights_and_routes_can_be_exercised() -> None:
    found = rules(SITE)
    assert {PUBLISHED, "Filter/05:30", "implicit/vpn", TUNNEL, RIGHT} <= found.keys()
    assert found[TUNNEL] == "tunnel from vlan200 to vlan201 with OVH_GRA11"
    assert (found["route:2"], found["route:6"]) == ("default route by Firewall_out_router", "route to vlan201 by loopback")


def test_what_counted_more_was_exercised(tmp_path: Path) -> None:
    found = _exercised(tmp_path, {PUBLISHED: 2, "antispoof": 1, **APPLIED}, {PUBLISHED: 5, "antispoof": 9, **APPLIED})
    assert found == Exercised({PUBLISHED: 3}, whole=True)


def test_a_policy_that_was_applied_meanwhile_counts_from_zero_and_there_may_have_been_more(tmp_path: Path) -> None:
    found = _exercised(tmp_path, {PUBLISHED: 7, **APPLIED}, {PUBLISHED: 2, counters.APPLIED: 1_795_000_000_001})
    assert found == Exercised({PUBLISHED: 2}, whole=False)


def test_a_member_that_does_not_tell_its_counters_may_have_seen_more(tmp_path: Path) -> None:
    assert _exercised(tmp_path, {PUBLISHED: 7, **APPLIED}, {}) == Exercised({}, whole=False)


def test_a_tunnel_is_exercised_by_what_comes_out_of_it(tmp_path: Path) -> None:
    assert _exercised(tmp_path, APPLIED, {FROM_REMOTE: 4, **APPLIED}).places == {FROM_REMOTE: 4, TUNNEL: 4}


def test_a_right_is_exercised_by_a_login(tmp_path: Path) -> None:
    log = '2026-11-26 02:00:00 user="address" src=198.51.100.103 authenticated (sbg7/uac:9)\n'
    assert _exercised(tmp_path, {}, {}, log).places == {RIGHT: 1}
