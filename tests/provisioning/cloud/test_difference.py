"""What has to be done between what is wanted and what is there: a table of cases, without a cloud."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from provisioning.cloud.difference import Action, changes
from provisioning.cloud.resources import Found, Key, KeyPair, Network, Server

NET = Network("SBG7", "stormshield-vlan200", vlan=200, mtu=1500, port_security=True)
FOUND = Found(NET.key, "n-1", ours=True, values={"vlan": 200, "mtu": 1500, "port security": True}, created="2026-01-01")
SERVER = Server("SBG7", "stormshield-1", "b3-32", "sns", "key", ("ext", "ha"), digest="abc")
RUNNING = Found(SERVER.key, "s-1", ours=True, values=SERVER.wanted)


def _changed(found: Found, **values: Any) -> Found:
    return replace(found, values={**found.values, **{name.replace("_", " "): value for name, value in values.items()}})


@pytest.mark.parametrize(
    "found, told",
    [
        ([], ["create SBG7 network stormshield-vlan200"]),
        ([FOUND], ["as planned SBG7 network stormshield-vlan200"]),
        ([_changed(FOUND, mtu=1450)], ["change SBG7 network stormshield-vlan200: mtu is 1450, planned 1500"]),
        (
            [_changed(FOUND, port_security=False)],
            ["change SBG7 network stormshield-vlan200: port security is off, planned on"],
        ),
        ([replace(FOUND, marked=False)], ["change SBG7 network stormshield-vlan200: its tag is still missing"]),
        (
            [_changed(FOUND, vlan=7)],
            [
                (
                    "cannot SBG7 network stormshield-vlan200: vlan is 7, planned 200; this cannot be changed while it exists:"
                    " delete it, then apply again"
                )
            ],
        ),
        (
            [replace(FOUND, ours=False)],
            [
                (
                    "cannot SBG7 network stormshield-vlan200: one of that name is there (n-1) and does not carry our mark:"
                    " rename ours in the plan, or theirs"
                )
            ],
        ),
        (
            [replace(FOUND, key=Key("SBG7", "network", "backup"), ours=False)],
            ["cannot SBG7 network stormshield-vlan200: VLAN 200 is taken by network backup (n-1), which is not ours"],
        ),
        ([replace(FOUND, key=Key("GRA11", "network", "x"), ours=False)], ["create SBG7 network stormshield-vlan200"]),
        (
            [replace(FOUND, id="n-2", created="2026-01-02"), FOUND],
            [
                "as planned SBG7 network stormshield-vlan200",
                "remove SBG7 network stormshield-vlan200: ours twice: one stays, that in use or the older",
            ],
        ),
        (
            [replace(FOUND, used_by="s-8"), replace(FOUND, id="n-2", created="2026-01-02", used_by="s-9")],
            [
                "as planned SBG7 network stormshield-vlan200",
                "cannot SBG7 network stormshield-vlan200: ours twice, and both in use: delete one by hand",
            ],
        ),
        (
            [FOUND, replace(FOUND, key=Key("SBG7", "network", "old"))],
            ["as planned SBG7 network stormshield-vlan200", "no longer planned SBG7 network old"],
        ),
        ([FOUND, replace(FOUND, key=Key("SBG7", "network", "x"), ours=False)], ["as planned SBG7 network stormshield-vlan200"]),
    ],
)
def test_a_network(found: list[Found], told: list[str]) -> None:
    assert [str(change) for change in changes([NET], found)] == told


@pytest.mark.parametrize(
    "found, action",
    [
        (RUNNING, Action.KEEP),
        (_changed(RUNNING, status="SHUTOFF"), Action.UPDATE),
        (_changed(RUNNING, status="BUILD"), Action.UPDATE),
        (replace(RUNNING, unfinished="it is in ERROR: No valid host"), Action.REPLACE),
        (_changed(RUNNING, flavor="b3-16"), Action.REFUSE),
        (_changed(RUNNING, first_boot="other"), Action.REFUSE),
    ],
)
def test_a_server(found: Found, action: Action) -> None:
    assert [change.action for change in changes([SERVER], [found])] == [action]


def test_of_two_servers_the_one_that_lives_stays() -> None:
    dead = replace(RUNNING, id="s-0", created="1970", unfinished="it is in ERROR: x", used_by="")
    assert [(change.action, change.found and change.found.id) for change in changes([SERVER], [dead, RUNNING])] == [
        (Action.KEEP, "s-1"),
        (Action.REMOVE, "s-0"),
    ]


def test_of_two_the_one_in_use_stays() -> None:
    used = replace(FOUND, id="n-2", created="2026-01-02", used_by="s-9")
    assert [(change.action, change.found and change.found.id) for change in changes([NET], [FOUND, used])] == [
        (Action.KEEP, "n-2"),
        (Action.REMOVE, "n-1"),
    ]


def test_a_key_pair_of_the_users_own_is_used_as_it_is_and_never_replaced() -> None:
    wanted = KeyPair("SBG7", "laptop", "ssh-ed25519 AAAA")
    theirs = Found(wanted.key, "laptop", ours=False, values=wanted.wanted)
    assert [change.action for change in changes([wanted], [theirs])] == [Action.KEEP]
    assert [change.action for change in changes([replace(wanted, public_key="ssh-rsa B")], [theirs])] == [Action.REFUSE]
