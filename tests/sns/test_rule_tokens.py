"""A rule as the tokens of a command and back: the line they make is the rule again, whatever rule it was."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from sns import rule_tokens
from sns.model import Location, Policy, Rule
from sns.reader import read
from sns.writing import written
from tests.provisioning.plans import GUIDE
from tests.sns.trees import guide

_NOWHERE = Location("", 0)


def _said(rule: Rule) -> str:
    """Its line, by way of the tokens."""
    return written(rule_tokens.rule(rule_tokens.tokens(rule), rule.section, _NOWHERE))


def _alike(rule: Rule) -> Rule:
    """The rule without where it stands and how it was spelled."""
    return replace(rule, location=_NOWHERE, text="")


@pytest.mark.parametrize("site", ["sbg7", "gra11"])
@pytest.mark.parametrize("section", ["filter", "nat"])
def test_every_rule_of_the_guide_survives(site: str, section: str, tmp_path: Path) -> None:
    tree = GUIDE / site / "ConfigFiles"
    policy = read(tree).policy
    again = _read_again(tmp_path, {part: [_said(r) for r in rules] for part, rules in _parts(policy)})
    assert [_alike(rule) for rule in getattr(again, section)] == [_alike(rule) for rule in getattr(policy, section)]


@pytest.mark.parametrize(
    "line",
    [
        "off pass from any to any",
        "pass loglevel major from !vlan200 on in to internet port http|https",
        "pass tos 8 inspection firewall from any port dns to any",
        "reset ipproto tcp from vlan200 via ipsec to any on out",
        "pass from any on out to Firewall_out port http -> to ubuntu-webserver",
    ],
)
def test_what_the_guide_does_not_use_survives_too(line: str, tmp_path: Path) -> None:
    (rule,) = _read_again(tmp_path / "one", {"filter": [line], "nat": []}).filter
    (again,) = _read_again(tmp_path / "two", {"filter": [_said(rule)], "nat": []}).filter
    assert _alike(again) == _alike(rule)


def test_a_rule_with_words_that_the_model_leaves_out_is_not_said_as_another_one(tmp_path: Path) -> None:
    (rule,) = _read_again(tmp_path, {"filter": ["pass schedule office from any to any"], "nat": []}).filter
    with pytest.raises(ValueError, match="schedule office"):
        rule_tokens.tokens(rule)


def _parts(policy: Policy) -> list[tuple[str, tuple[Rule, ...]]]:
    return [("filter", policy.filter), ("nat", policy.nat)]


def _read_again(folder: Path, lines: dict[str, list[str]]) -> Policy:
    slot = "\n".join(["[Filter]", *lines["filter"], "[NAT]", *lines["nat"], ""])
    return guide(folder, {"Filter/05": slot}).policy
