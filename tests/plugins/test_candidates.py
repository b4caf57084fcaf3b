"""Of the scenarios that could notice a mutant those come first for which most speaks."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import cast

import pytest

from sns.model import Configuration
from sns.mutation.judgement import Judgement
from sns.mutation.mutant import Edit, Mutant
from steps.plugins.candidates import Candidate, Candidates


def _candidate(name: str, *touched: str, site: str = "sbg7", seconds: float = 1.0, tag: str = "") -> Candidate:
    item = SimpleNamespace(name=name, get_closest_marker=lambda marker: marker == tag or None)
    places = frozenset(f"{site}/Filter/05:{line}" for line in touched)
    return Candidate(cast(pytest.Item, item), frozenset({site}), True, seconds, touched=places)


def _mutant(file: str = "Filter/05", line: int = 20, *, site: str = "sbg7", what: str = "filter rule 11: port http") -> Mutant:
    return Mutant(site, "service swapped", what, (Edit(file, line, "a", ("b",)),))


def _judgement(*lines: int, site: str = "sbg7", flow: str = "closes a -> b") -> Judgement:
    places = frozenset(f"{site}/Filter/05:{line}" for line in lines)
    return Judgement("differs", cast(Configuration, None), (flow,), (), places=places)


def _ranked(*known: Candidate, mutant: Mutant, judgement: Judgement) -> list[str]:
    return [one.item.name for one in Candidates(known).ranked(mutant, judgement)]


def test_the_one_comes_first_that_touches_little_but_what_decides() -> None:
    names, all_of_it = _candidate("SNS-EGRESS-03[web-sbg7]", "20", "30"), _candidate("SNS-POL-01[sbg7]", "3", "5", "20", "30")
    other = _candidate("SNS-WEB-01[sbg7-http]", "11")
    assert _ranked(other, all_of_it, names, mutant=_mutant(), judgement=_judgement(20)) == [
        "SNS-EGRESS-03[web-sbg7]",
        "SNS-POL-01[sbg7]",
        "SNS-WEB-01[sbg7-http]",
    ]


def test_what_sends_packets_of_all_kinds_comes_first_where_they_arrive() -> None:
    broad, other = _candidate("SNS-EGRESS-11[sbg7]", tag="needs_spoofing"), _candidate("SNS-EGRESS-01[web-sbg7]", seconds=0.1)
    judgement = replace(_judgement(26), examples=("udp 10.200.255.254 -> 198.51.100.10:53, in by in",))
    assert _ranked(other, broad, mutant=_mutant(), judgement=judgement)[0] == "SNS-EGRESS-11[sbg7]"


def test_what_is_sent_to_the_firewall_comes_first_when_more_or_less_of_it_gets_there() -> None:
    broad, other = _candidate("SNS-MGMT-09[sbg7]", tag="needs_spoofing"), _candidate("SNS-EGRESS-01[web-sbg7]", seconds=0.1)
    judgement = replace(_judgement(13, flow="opens a -> b: it is refused; now it reaches the firewall, by rule 2"),
                        examples=("icmp 10.201.0.0 -> 192.168.2.11, in by in",))  # fmt: skip
    assert _ranked(other, broad, mutant=_mutant(), judgement=judgement)[0] == "SNS-MGMT-09[sbg7]"


def test_what_looks_at_the_pair_comes_first_for_a_change_that_was_not_synchronised() -> None:
    pair, other = _candidate("SNS-HA-19[sbg7]"), _candidate("SNS-EGRESS-01[web-sbg7]", seconds=0.1)
    mutant = replace(_mutant("route"), synchronised=False)
    assert _ranked(other, pair, mutant=mutant, judgement=_judgement())[0] == "SNS-HA-19[sbg7]"


def test_of_those_for_which_nothing_speaks_the_quickest_comes_first() -> None:
    slow, quick = _candidate("SNS-WEB-01[a]", seconds=2.0), _candidate("SNS-WEB-02[a]", seconds=0.1)
    assert _ranked(slow, quick, mutant=_mutant(), judgement=_judgement()) == ["SNS-WEB-02[a]", "SNS-WEB-01[a]"]


def test_what_killed_a_mistake_comes_first_for_the_same_one_at_another_site() -> None:
    here, there = _candidate("SNS-WEB-02[sbg7-http]"), _candidate("SNS-WEB-02[gra11-http]", site="gra11", seconds=9.0)
    known = Candidates([here, _candidate("SNS-EGRESS-03[web-gra11]", "17", site="gra11"), there])
    known.killed(here, _mutant(), _judgement(20))
    elsewhere = _mutant(line=17, site="gra11", what="filter rule 10: port http")
    assert known.ranked(elsewhere, _judgement(17, site="gra11"))[0] is there
    assert known.expected(there, elsewhere, _judgement(17, site="gra11"))


def test_a_kill_is_expected_of_the_file_s_area_and_of_what_touches_the_rule_and_of_nobody_else() -> None:
    tunnel, names = _candidate("SNS-IPSEC-01[sbg7-gra11]"), _candidate("SNS-EGRESS-03[web-sbg7]", "20")
    known = Candidates([tunnel, names])
    assert known.expected(tunnel, _mutant("VPN/peer"), _judgement())
    assert known.expected(names, _mutant(), _judgement(20))
    assert not known.expected(tunnel, _mutant(), _judgement(20))
    assert not known.expected(names, _mutant("VPN/peer"), _judgement())


def test_one_of_another_site_or_that_fails_on_the_original_is_none() -> None:
    failing = _candidate("SNS-WEB-01[sbg7-http]", "20")
    failing.passes = False
    assert (
        _ranked(failing, _candidate("SNS-WEB-01[gra11-http]", site="gra11"), mutant=_mutant(), judgement=_judgement(20)) == []
    )


def test_members_change_for_mistakes_of_the_pair_alone() -> None:
    takeover = _candidate("SNS-HA-04[sbg7]", tag="disruptive")
    assert _ranked(takeover, mutant=_mutant(), judgement=_judgement()) == []
    assert _ranked(takeover, mutant=_mutant("HA/highavailability"), judgement=_judgement()) == ["SNS-HA-04[sbg7]"]
