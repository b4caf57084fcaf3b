"""A mutant is equivalent only when the model proves it; what changes a packet, a log or a setting is not."""

from __future__ import annotations

from pathlib import Path

import pytest

from sns.model import Configuration
from sns.mutation.judgement import Judgement, judge
from tests.sns.trees import GUIDE, guide, rules_of

WEB = "pass from vlan200 on in to internet port http"
NAMES = "pass from vlan200 on in to internet port dns"
NO_SERVER = "block from vlan200 to mirror port http"
ALL = "block log from any to any"


def _judged(folder: Path, before: tuple[str, ...], after: tuple[str, ...]) -> Judgement:
    return judge(rules_of(folder / "before", *before), rules_of(folder / "after", *after))


EQUIVALENT = {
    "disjoint rules change places": ((WEB, NAMES, ALL), (NAMES, WEB, ALL)),
    "a rule that is shadowed goes": ((ALL, WEB), (ALL,)),
    "anti-spoofing says the interface already": ((WEB, ALL), (WEB.replace(" on in", ""), ALL)),
}
DIFFERENT = {
    "overlapping rules change places": ((WEB, "block from vlan200 to internet port http|dns", ALL),
                                        ("block from vlan200 to internet port http|dns", WEB, ALL)),
    "a port more": ((WEB, ALL), (WEB + "|ssh", ALL)),
    "the final block no longer says so": ((WEB, ALL), (WEB, "block from any to any")),
    "the final logged block goes": ((WEB, ALL), (WEB,)),
}  # fmt: skip


@pytest.mark.parametrize("case", EQUIVALENT)
def test_what_changes_nothing_is_proved_equivalent(tmp_path: Path, case: str) -> None:
    assert _judged(tmp_path, *EQUIVALENT[case]).kind == "equivalent"


@pytest.mark.parametrize("case", DIFFERENT)
def test_what_changes_something_is_not_equivalent(tmp_path: Path, case: str) -> None:
    judgement = _judged(tmp_path, *DIFFERENT[case])
    assert judgement.kind == "differs"
    assert judgement.flows or judgement.settings


def test_the_flow_that_differs_is_said_with_both_rules(tmp_path: Path) -> None:
    judgement = _judged(tmp_path, (WEB, ALL), (WEB + "|ssh", ALL))
    flow = judgement.flows[0]
    assert flow.startswith("opens vlan200")
    assert "tcp/22" in flow
    assert "sbg7/Filter/05:3" in flow
    assert judgement.examples[0].startswith("tcp 10.200.0.")
    assert judgement.places == {"sbg7/Filter/05:3"}


def test_a_change_of_logging_alone_is_said(tmp_path: Path) -> None:
    judgement = _judged(tmp_path, (WEB, ALL), (WEB, "block from any to any"))
    assert judgement.only_settings
    assert any("was logged, is not now" in setting for setting in judgement.settings)


def _tree(folder: Path, file: str, old: str, new: str) -> Configuration:
    return guide(folder, {file: GUIDE[file].replace(old, new)})


@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        ("VPN/psk", "${secret:IPSEC}", "another", "(secret)"),
        ("network", "MACAddress=02:00:00:00:01:53", "", "mac"),
        ("uac", "openvpn=pass", "openvpn=default", "access"),
        ("object", "147.135.161.158", "147.135.161.157", "the default gateway"),
        ("object", "sslvpn_udp=10.60.0.0/24", "sslvpn_udp=10.60.0.0/25", "its UDP pool"),
        ("HA/highavailability", "TokenTimeout=4000", "TokenTimeout=400", "token_timeout"),
    ],
)
def test_another_setting_is_no_equivalent_one(tmp_path: Path, file: str, old: str, new: str, said: str) -> None:
    judgement = judge(guide(tmp_path / "before"), _tree(tmp_path / "after", file, old, new))
    assert judgement.kind == "differs"
    assert any(said in setting for setting in judgement.settings), judgement.settings


def test_what_the_appliance_would_refuse_is_invalid_with_file_and_line(tmp_path: Path) -> None:
    judgement = _judged(tmp_path, (WEB, ALL), (WEB.replace("vlan200", "nobody"), ALL))
    assert judgement.kind == "invalid"
    assert judgement.refused[0].startswith('sbg7/Filter/05:2: source: unknown address object "nobody"')


def test_one_member_alone_is_never_equivalent(tmp_path: Path) -> None:
    both = guide(tmp_path / "one"), guide(tmp_path / "other")
    assert judge(*both).kind == "equivalent"
    assert judge(*both, synchronised=False).kind == "differs"
