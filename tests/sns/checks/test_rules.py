"""Rules that nothing reaches, slots without a last word, and doors that stand open: seen, and only where they are."""

from __future__ import annotations

from pathlib import Path

import pytest

from sns.checks import reachability
from sns.checks.run import CHECKS, check
from sns.model import Configuration
from tests.sns.trees import GUIDE, guide, rules_of

BLOCK = "block log from any to any"
RULES = {"shadowed-rule", "redundant-rule", "unreachable-rule", "any-to-any", "no-final-block"}


def found(configuration: Configuration, of: set[str] = RULES) -> list[str]:
    """``LINE check`` for each result of these checks."""
    return [f"{result.location.line} {result.check.id}" for result in check(configuration) if result.check.id in of]


def message(configuration: Configuration, name: str) -> str:
    """The only message of a check."""
    (result,) = [result for result in check(configuration) if result.check.id == name]
    return result.message


@pytest.mark.parametrize(
    "lines, expected",
    [
        pytest.param(["pass from vlan200 to any port http", BLOCK], [], id="nothing to say"),
        pytest.param(
            ["block from vlan200 to any", "pass from vlan200 to any port http", BLOCK], ["3 shadowed-rule"], id="by one"
        ),
        pytest.param(
            ["pass from vlan200 to any", "pass from vlan200 to any port http", BLOCK], ["3 redundant-rule"], id="again"
        ),
        pytest.param(
            [
                "block ipproto tcp from any to vlan200",
                "block ipproto udp from any to vlan200",
                "pass from any on out to vlan200 port dns",
                BLOCK,
            ],
            ["4 shadowed-rule"],
            id="by two together, none alone",
        ),
        pytest.param(
            ["block ipproto tcp from any port ephemeral_fw to vlan200", "pass ipproto tcp from any to vlan200", BLOCK],
            [],
            id="not for all ports",
        ),
        pytest.param(["off block from any to any", "pass from vlan200 to any port http", BLOCK], [], id="by one that is off"),
        pytest.param(["log from any to any", "pass from vlan200 to any port http", BLOCK], [], id="by one that only logs"),
        pytest.param(
            ["block from any to any schedule nights", "pass from vlan200 to any port http", BLOCK],
            [],
            id="by one with words left out",
        ),
        pytest.param(
            ["block tos 184 from any to any", "pass from vlan200 to any port http", BLOCK], [], id="by one finer than a flow"
        ),
        pytest.param(["pass tos 184 from any to any", BLOCK], [], id="what passes by one finer than a flow is not everything"),
        pytest.param(
            ["block from any on in to any", "pass from vlan200 to vlan201", BLOCK],
            ["3 shadowed-rule"],
            id="where a protected network only arrives by its interface",
        ),
        pytest.param(
            ["pass from vlan200 on out to any port http", BLOCK], ["2 unreachable-rule"], id="a network at the wrong interface"
        ),
        pytest.param(["pass from any to any", BLOCK], ["2 any-to-any", "3 shadowed-rule"], id="everything passes"),
        pytest.param(["pass from any on in to any", BLOCK], [], id="everything from one interface is a choice"),
        pytest.param(["pass from vlan200 to any port http"], ["2 no-final-block"], id="no last word"),
        pytest.param(
            ["pass from vlan200 to any port http", "block from any to any"], ["3 no-final-block"], id="an unlogged one"
        ),
        pytest.param(
            ["pass from vlan200 to any port http", "block log from any to vlan200"], ["3 no-final-block"], id="a narrow one"
        ),
        pytest.param([], ["1 no-final-block"], id="no rule at all"),
    ],
)
def test_rules(lines: list[str], expected: list[str], tmp_path: Path) -> None:
    assert found(rules_of(tmp_path, *lines)) == expected


def test_the_rules_that_take_everything_are_named(tmp_path: Path) -> None:
    told = message(
        rules_of(tmp_path, "block ipproto tcp from any to vlan200", "reset ipproto udp from any to vlan200",
                 "pass from any to vlan200 port dns", BLOCK),
        "shadowed-rule",
    )  # fmt: skip

    assert told == (
        '"pass from any to vlan200 port dns" is never reached: rule 1 (Filter/05:2), rule 2 (Filter/05:3) together take all of '
        "its packets first, with other effects"
    )


def test_an_implicit_rule_that_comes_first_is_named(tmp_path: Path) -> None:
    told = message(rules_of(tmp_path, "pass from any on out to Firewall_out port https", BLOCK), "redundant-rule")

    assert "implicit rule SslVPN (SSL VPN clients over TCP) takes all of its packets first" in told


def test_translations_are_judged_among_themselves(tmp_path: Path) -> None:
    nat = ("nat from vlan200 to internet -> from Firewall_out", "nat from vlan200 to OVH_REMOTE_FW -> from Firewall_in")

    assert found(rules_of(tmp_path, BLOCK, nat=nat)) == ["5 shadowed-rule"]


def test_what_is_only_known_at_run_time_is_not_called_unreachable(tmp_path: Path) -> None:
    objects = GUIDE["object"].replace("[Network]", "update.example=,resolve=dynamic\n[Network]")
    rules = f"[Filter]\npass from vlan200 to update.example\n{BLOCK}\n"

    assert found(guide(tmp_path, {"object": objects, "Filter/05": rules})) == []


def test_a_search_that_is_given_up_claims_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reachability, "STEPS", 1)
    lines = (
        "block ipproto tcp from any to vlan200",
        "block ipproto udp from any to vlan200",
        "pass from any to vlan200 port dns",
    )

    assert "4 undecided-rule" in found(rules_of(tmp_path, *lines, BLOCK), {"shadowed-rule", "undecided-rule"})


@pytest.mark.parametrize(
    "line, what",
    [
        ("pass from any to firewall_all port ssh", "SSH (ssh)"),
        ("pass from internet on out to Firewall_out port firewall_srv", "NSRPC (firewall_srv)"),
        ("pass from !admin_client to any", "SSH (ssh)"),
    ],
)
def test_administration_that_anybody_reaches_is_an_error_whichever_rule_lets_them(line: str, what: str, tmp_path: Path) -> None:
    results = [result for result in check(rules_of(tmp_path, line, BLOCK)) if result.check.id == "management-open"]

    assert f"2 lets anybody on out reach {what}" in [f"{result.location.line} {result.message}" for result in results]


def test_a_page_is_open_only_when_its_own_list_admits_anybody_too(tmp_path: Path) -> None:
    rules = f"[Filter]\npass from any on out to Firewall_out port https\n{BLOCK}\n"
    listed = guide(tmp_path / "listed", {"Filter/05": rules})
    open_ = guide(tmp_path / "open", {"Filter/05": rules, "webadmin": "[Config]\nState=1\n[ACL]\nany\n"})

    assert found(listed, {"management-open", "web-acl-open"}) == []
    assert found(open_, {"management-open", "web-acl-open"}) == ["6 management-open", "4 web-acl-open"]


def test_administration_that_a_rule_above_refuses_is_not_open(tmp_path: Path) -> None:
    lines = ("block log from any to firewall_all port Admin_srv", "pass from any to firewall_all", BLOCK)

    assert found(rules_of(tmp_path, *lines), {"management-open"}) == []


def test_checks_have_names_of_their_own() -> None:
    assert len({one.id for one in CHECKS}) == len(CHECKS)
