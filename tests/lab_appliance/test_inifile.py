"""``setconf`` and ``getconf``: what they change, and that they change nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.appliance import inifile
from lab.appliance.errors import ApplianceError, Misused

FILE = """\
# The file's own words
[Config]
State=1\t# on
Name="out side" # quoted
HttpsPort=https

[Other]
State=0
"""


@pytest.mark.parametrize(
    ("section", "token", "value", "before", "after"),
    [
        pytest.param("Config", "State", "0", "State=1\t# on", "State=0\t# on", id="the comment stays"),
        pytest.param("config", "state", "0", "State=1", "State=0", id="case does not matter, spelling stays"),
        pytest.param("Other", "State", "1", "[Other]\nState=0", "[Other]\nState=1", id="in its own section"),
        pytest.param(
            "Config", "New", "x y", "HttpsPort=https\n", "HttpsPort=https\nNew=x y\n", id="a new token ends its section"
        ),
        pytest.param("Third", "A", "1", "State=0\n", "State=0\n\n[Third]\nA=1\n", id="a new section ends the file"),
    ],
)
def test_setting_changes_one_place(section: str, token: str, value: str, before: str, after: str) -> None:
    assert inifile.edited(FILE, section, token, value) == FILE.replace(before, after)


def test_setting_makes_a_missing_file(tmp_path: Path) -> None:
    inifile.set_token(tmp_path / "new", "Host", "gateway", "10.0.0.254")
    assert (tmp_path / "new").read_text() == "[Host]\ngateway=10.0.0.254\n"


def test_setting_keeps_the_files_mode(tmp_path: Path) -> None:
    path = tmp_path / "psk"
    path.write_text("[psk]\n")
    path.chmod(0o600)
    inifile.set_token(path, "psk", "peer", "x")
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(("token", "value"), [("State", "1"), ("name", "out side"), ("HttpsPort", "https"), ("Nothing", None)])
def test_getting_gives_the_bare_value(token: str, value: str | None) -> None:
    assert inifile.get(FILE, "CONFIG", token) == value


def test_a_section_is_dumped_under_its_header(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text(FILE)
    assert inifile.main_getconf([str(tmp_path / "file"), "Other"]) == 0
    assert capsys.readouterr().out == "[Other]\nState=0\n"


def test_what_is_not_there_is_not_printed(tmp_path: Path) -> None:
    (tmp_path / "file").write_text(FILE)
    assert inifile.main_getconf([str(tmp_path / "file"), "Config", "Nothing"]) == 1


def test_a_missing_file_is_said() -> None:
    with pytest.raises(ApplianceError, match="no such file"):
        inifile.main_getconf(["/nowhere/at/all", "Config"])


def test_wrong_use_is_said() -> None:
    with pytest.raises(Misused, match="setconf FILE SECTION TOKEN VALUE"):
        inifile.main_setconf(["one"])
