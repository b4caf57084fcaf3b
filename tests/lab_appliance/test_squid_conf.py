"""URL filtering as squid understands it: patterns, first match, block pages."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from lab.appliance.proxies import proxies_of
from lab.appliance.squid_conf import translate
from sns.resolution import Resolver
from tests.sns.trees import guide

SLOT = "[Rules]\nstate=on action=block group=refused\nstate=off action=block group=any\nstate=on action=pass group=any\n"
FILES = {
    "Filter/05": "[Filter]\npass urlfiltering 00 sslfiltering 00 from vlan200 to internet port http|https\n[NAT]\n",
    "URLFiltering/00": SLOT,
    "SSLFiltering/00": SLOT,
    "urlgroup": "[refused]\n*.refused.example/*\n",
    "cngroup": "[refused]\n*.refused.example\n",
}


def squid(folder: Path, **changes: str) -> tuple[dict[str, str], list[str]]:
    configuration = guide(folder, {**FILES, **{name.replace("_", "/"): text for name, text in changes.items()}})
    pages, text = translate(configuration, proxies_of(configuration, Resolver(configuration)))
    return dict(pages), text.splitlines()


def expression(lines: list[str], acl: str) -> re.Pattern[str]:
    [found] = [line.split()[-1] for line in lines if re.match(rf"acl {acl} (url_regex|ssl::server_name_regex) ", line)]
    return re.compile(found, re.IGNORECASE)


@pytest.mark.parametrize(
    ("url", "refused"),
    [
        ("http://www.refused.example/", True),
        ("http://www.refused.example/deep/page?x=1", True),
        ("http://www.refused.example:8080/", True),
        ("http://WWW.Refused.Example/", True),
        ("http://www.allowed.example/", False),
        ("http://www.allowed.example/www.refused.example/", False),
        ("http://notrefused.example.org/", False),
    ],
)
def test_a_url_is_of_the_group_when_host_and_path_match(tmp_path: Path, url: str, *, refused: bool) -> None:
    _, lines = squid(tmp_path)
    assert bool(expression(lines, "url00_2").search(url)) is refused


@pytest.mark.parametrize(
    ("name", "refused"),
    [("www.refused.example", True), ("www.refused.example.org", False), ("www.allowed.example", False)],
)
def test_a_server_name_is_of_the_group_when_all_of_it_matches(tmp_path: Path, name: str, *, refused: bool) -> None:
    _, lines = squid(tmp_path)
    assert bool(expression(lines, "ssl00_2").search(name)) is refused


def test_first_match_decides_rules_that_are_off_have_no_part(tmp_path: Path) -> None:
    _, lines = squid(tmp_path)
    assert [line for line in lines if line.startswith("ssl_bump")] == [
        "ssl_bump peek hello",
        "ssl_bump terminate ssl00 nameless",
        "ssl_bump terminate ssl00 ssl00_2 ssl00_2_said",
        "ssl_bump splice ssl00 ssl00_4 ssl00_4_said",
        "ssl_bump terminate all",
    ]
    assert [line for line in lines if line.startswith("http_access") and "url00" in line] == [
        "http_access deny url00 url00_2 url00_2_said url00_2_refused",
        "http_access allow url00 url00_4 url00_4_said",
        "http_access deny url00",
    ]


def test_the_block_page_says_which_category_refused(tmp_path: Path) -> None:
    pages, lines = squid(tmp_path)
    assert "deny_info refused_url00_2 url00_2_refused" in lines
    assert "<b>refused</b> (URLFiltering/00:2)" in pages["refused_url00_2"]


def test_a_slot_that_refuses_nothing_takes_nameless_connections_too(tmp_path: Path) -> None:
    _, lines = squid(tmp_path, SSLFiltering_00="[Rules]\nstate=on action=pass group=any\n")
    assert "ssl_bump terminate ssl00 nameless" not in lines


def test_the_proxy_need_not_run_without_a_rule_that_uses_it(tmp_path: Path) -> None:
    configuration = guide(tmp_path)
    assert proxies_of(configuration, Resolver(configuration)) == ()
