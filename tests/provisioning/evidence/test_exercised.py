"""What of a configuration can be exercised, and what its counters and its log of logins say was."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from lab.rule_counters import Counter
from provisioning.deployment import load
from provisioning.evidence.exercised import exercised, rules
from provisioning.evidence.states import Moment
from tests.provisioning.plans import GUIDE

SITE = load(GUIDE).configuration("sbg7")
PUBLISHED, FROM_REMOTE, TUNNEL, RIGHT = "Filter/05:11", "Filter/05:16", "VPN/01:11", "uac:9"


def _exercised(folder: Path, before: dict[str, int], after: dict[str, int], log: str = "") -> dict[str, int]:
    (folder / "log").mkdir()
    (folder / "log/l_auth").write_text(log)
    host = SimpleNamespace(name="fw1-sbg7", path=lambda path: folder / path.lstrip("/"))
    pair = SimpleNamespace(members=[SimpleNamespace(name="fw1-sbg7", host=host)])
    first, last = (
        Moment({"fw1-sbg7": {place: Counter(packets, 0) for place, packets in counted.items()}}, {})
        for counted in (before, after)
    )
    return exercised(SITE, cast(Any, pair), first, last, {})


def test_rules_implicit_ones_tunnels_and_rights_can_be_exercised() -> None:
    found = rules(SITE)
    assert {PUBLISHED, "Filter/05:30", "implicit/vpn", TUNNEL, RIGHT} <= found.keys()
    assert found[TUNNEL] == "tunnel from vlan200 to vlan201 with OVH_GRA11"


def test_what_counted_more_was_exercised(tmp_path: Path) -> None:
    assert _exercised(tmp_path, {PUBLISHED: 2, "antispoof": 1}, {PUBLISHED: 5, "antispoof": 9}) == {PUBLISHED: 3}


def test_a_policy_that_was_applied_meanwhile_counts_from_zero(tmp_path: Path) -> None:
    assert _exercised(tmp_path, {PUBLISHED: 7}, {PUBLISHED: 2}) == {PUBLISHED: 2}


def test_a_tunnel_is_exercised_by_what_comes_out_of_it(tmp_path: Path) -> None:
    assert _exercised(tmp_path, {}, {FROM_REMOTE: 4}) == {FROM_REMOTE: 4, TUNNEL: 4}


def test_a_right_is_exercised_by_a_login(tmp_path: Path) -> None:
    log = '2026-11-26 02:00:00 user="address" src=198.51.100.103 authenticated (sbg7/uac:9)\n'
    assert _exercised(tmp_path, {}, {}, log) == {RIGHT: 1}
