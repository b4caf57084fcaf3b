"""``rempart compare`` as its users call it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cli.main import main
from tests.provisioning.plans import GUIDE, change, copy_of
from tests.sns import trees

LAST = "no packet and no setting is treated otherwise"


def test_a_deployment_and_itself(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", str(GUIDE), str(GUIDE)]) == 0
    assert capsys.readouterr().out.split("\n") == ["sbg7", f"  {LAST}", "gra11", f"  {LAST}", ""]


def test_a_change_is_told_for_its_site_with_the_rule_that_decided_and_the_one_that_decides(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = copy_of(GUIDE, tmp_path)
    change(folder / "sbg7/ConfigFiles/Filter/05", "port http -> to ubuntu-webserver", "port http|dns -> to ubuntu-webserver")
    change(folder / "gra11/ConfigFiles/VPN/peer", "DPDMode=high", "DPDMode=low")

    assert main(["compare", str(GUIDE), str(folder)]) == 1
    told = capsys.readouterr().out.splitlines()
    assert told[0] == "sbg7"
    assert told[1].endswith("-> Firewall_out, tcp/53, udp/53, in by out")
    assert told[2:5] == [
        '          was: is refused, by rule 7 "block log from any to firewall_all" (sbg7/Filter/05:13)',
        (
            "          now: passes by in to ubuntu-webserver:80, by rule 6"
            ' "pass log from internet on out to Firewall_out port http|dns -> to ubuntu-webserver port http"'
            " (sbg7/Filter/05:11)"
        ),
        "  1 opens, 0 closes, 0 changes; 0 settings",
    ]
    assert told[5:] == [
        "gra11",
        "  setting vpn.peers.ovh_sbg7.dpd_mode: was high, now low (VPN/peer:1)",
        "  0 opens, 0 closes, 0 changes; 1 settings",
    ]


def test_trees_alone_as_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one = trees.write(tmp_path / "one", trees.GUIDE)
    other = trees.write(tmp_path / "other", {**trees.GUIDE, "Filter/05": "[Filter]\npass from any to any\n"})

    assert main(["compare", str(one), str(other), "--format", "json"]) == 1
    (site,) = json.loads(capsys.readouterr().out).values()
    assert {change["kind"] for change in site["packets"]} == {"opens", "changes"}
    assert all(change["packets"] and change["example"] for change in site["packets"])


@pytest.mark.parametrize(
    "before, after, told",
    [
        ("nowhere", str(GUIDE), "rempart: nowhere: no such file or folder"),
        (str(GUIDE), f"{GUIDE}/sbg7/ConfigFiles", "rempart: the two are not of the same sites: a tree alone only in"),
    ],
)
def test_what_cannot_be_compared(before: str, after: str, told: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", before, after]) == 2
    assert told in capsys.readouterr().err


def test_an_active_slot_without_a_file_is_no_traceback(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tree = trees.write(tmp_path, {**trees.GUIDE, "Filter/slotinfo": "[Global]\nActive=7\n"})

    assert main(["compare", str(tree), str(tree)]) == 2
    assert "slot 7 is active and has no file" in capsys.readouterr().err
