"""Gates: what a deployment asks a person to have seen, and what is said of each that is open."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from provisioning.deployment import DeploymentError, load
from provisioning.live.gates import needed, passed
from tests.provisioning.plans import GUIDE, MINIMAL, line_of

TODAY = date(2026, 11, 26)
PAGE = Path(__file__).resolve().parents[3] / "docs/going-live.md"


def written(folder: Path, *left_out: str, **changed: str) -> Path:
    """All gates of the guide's deployment, but for what is left out or written otherwise."""
    file = folder / "gates.toml"
    entries = {name: f'who = "Ada"\nwhen = 2026-11-20\nsaw = "{name}"' for name in needed(load(GUIDE)) if name not in left_out}
    file.write_text("".join(f"[{name}]\n{text}\n\n" for name, text in {**entries, **changed}.items()))
    return file


def open_gates(file: Path, deployment: Path = GUIDE) -> list[str]:
    with pytest.raises(DeploymentError) as failure:
        passed(load(deployment), file, TODAY)
    return [str(finding) for finding in failure.value.findings]


def test_all_that_were_passed_are_told_with_who_when_and_what(tmp_path: Path) -> None:
    gates = passed(load(GUIDE), written(tmp_path), TODAY)
    assert [gate.id for gate in gates] == list(needed(load(GUIDE)))
    assert (gates[0].who, gates[0].day, gates[0].saw) == ("Ada", date(2026, 11, 20), "vrack")


def test_without_a_file_every_gate_is_open(tmp_path: Path) -> None:
    told = open_gates(tmp_path / "gates.toml")
    assert len(told) == len(needed(load(GUIDE)))
    assert told[0] == (
        f"{tmp_path}/gates.toml:1: vrack: open: the project and 147.135.161.152/29 and 203.0.113.152/29 are in the same vRack"
        " (Control Panel, vRack) (when it was seen, write [vrack] with who, when and saw)"
    )


@pytest.mark.parametrize(
    ("change", "where", "message"),
    [
        ('who = "Ada"\nwhen = 2026-11-20', "[vrack]", "vrack.saw: missing (add saw)"),
        ('who = ""\nwhen = 2026-11-20\nsaw = "x"', "who", "vrack.who: must be a text, between quotes"),
        (
            'who = "A"\nwhen = "2026-11-20"\nsaw = "x"',
            "when",
            "vrack.when: must be a day, without quotes, such as 2027-01-31",
        ),
        (
            'who = "A"\nwhen = 2026-11-27\nsaw = "x"',
            "when",
            "vrack.when: 2026-11-27 is still to come (write the day on which it was seen)",
        ),
        ('who = "A"\nwhen = 2026-11-20\nsaw = "x"\nby = 1', "by", "vrack.by: unknown key (known: saw, when, who)"),
    ],
)
def test_a_gate_that_is_only_half_passed_is_open(change: str, where: str, message: str, tmp_path: Path) -> None:
    file = tmp_path / "gates.toml"
    others = written(tmp_path, "vrack").read_text()
    file.write_text(f"[vrack]\n{change}\n\n{others}")
    assert open_gates(file) == [f"{file}:{line_of(file, where)}: {message}"]


def test_a_gate_that_nobody_asked_for_is_a_mistake(tmp_path: Path) -> None:
    assert "unknown key" in open_gates(written(tmp_path, vrak='who = "A"'))[0]


@pytest.mark.parametrize(
    "content, told",
    [
        (b"\n[vrack\n", "2: TOML: "),
        (b"a = " + b"[" * 10_000, "1: TOML: brackets are nested too deeply (two levels are enough)"),
        (b"\nvlan = " + b"9" * 5000, "2: TOML: a number has too many digits (write a smaller one)"),
        ("[vrack]\nwho = 'André'\n".encode("latin-1"), "2: encoding: is not UTF-8 (save the file as UTF-8)"),
    ],
    ids=["a bracket", "ten thousand brackets", "a number of 5000 digits", "Latin-1"],
)
def test_a_file_that_is_no_toml_is_told(content: bytes, told: str, tmp_path: Path) -> None:
    file = tmp_path / "gates.toml"
    file.write_bytes(content)
    (line,) = open_gates(file)
    assert line.startswith(f"{file}:{told}")


def test_a_file_that_is_none_is_told(tmp_path: Path) -> None:
    file = tmp_path / "gates.toml"
    file.mkdir()
    assert open_gates(file) == [f"{file}:1: gates: is no file (see docs/going-live.md)"]
    file.rmdir()
    file.symlink_to(file.name)
    assert open_gates(file) == [f"{file}:1: gates: cannot be read: Too many levels of symbolic links (see docs/going-live.md)"]


def test_a_single_appliance_has_nothing_to_join() -> None:
    assert set(needed(load(GUIDE))) - set(needed(load(MINIMAL))) == {"join", "released"}


def test_every_gate_is_on_the_page() -> None:
    assert [name for name in needed(load(GUIDE)) if f"| `{name}` |" not in PAGE.read_text()] == []
