"""Files that are no files, no text, or much too much: told with file, line and field; never a trace, never a wait."""

from __future__ import annotations

import os
import random
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from provisioning.deployment import DeploymentError, load
from provisioning.environment import refuse_broken
from tests.provisioning.plans import GUIDE, change, copy_of

ROOT = Path(__file__).resolve().parents[2]
PLAN = "deployment.toml"
TREE = "sbg7/ConfigFiles"
GARBAGE = random.Random(1).randbytes(4096)  # noqa: S311 - the same garbage every time

Spoil = Callable[[Path], object]

FINDING = re.compile(r"[^:\n]+:\d+: \S[^:]*: .+")  # file:line: field: message
LONGEST = 1000  # characters of one finding, the path of a temporary folder included


def becomes(content: bytes) -> Spoil:
    return lambda path: path.write_bytes(content)


def is_cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:40])


def _emptied(path: Path) -> None:
    shutil.rmtree(path) if path.is_dir() else path.unlink()


def a_folder(path: Path) -> None:
    _emptied(path)
    path.mkdir()


def a_link_to_itself(path: Path) -> None:
    _emptied(path)
    path.symlink_to(path.name)


def a_pipe(path: Path) -> None:
    _emptied(path)
    os.mkfifo(path)


def an_endless_device(path: Path) -> None:
    _emptied(path)
    path.symlink_to("/dev/zero")


def gone(path: Path) -> None:
    _emptied(path)


ANYTHING: dict[str, Spoil] = {
    "garbage": becomes(GARBAGE),
    "zeros": becomes(bytes(100)),
    "UTF-16": becomes("[Global]\nActive=5\n".encode("utf-16")),
    "Latin-1": becomes("[Hôte]\nété=10.0.0.1\n".encode("latin-1")),
    "terminal commands": becomes(b"\x1b]0;owned\x07\x1b[2J\n"),
    "a folder": a_folder,
    "a link to itself": a_link_to_itself,
    "a pipe": a_pipe,
    "an endless device": an_endless_device,
}
"""What no file of a deployment may be."""


def _refused(folder: Path) -> list[str]:
    with pytest.raises(DeploymentError) as refused:
        refuse_broken(load(folder))
    lines = str(refused.value).splitlines()
    assert lines
    for line in lines:
        assert FINDING.fullmatch(line), line
        assert len(line) < LONGEST
        assert line.isprintable(), "what a file holds may not command the terminal"
    return lines


@pytest.mark.parametrize("spoil", ANYTHING.values(), ids=ANYTHING)
@pytest.mark.parametrize(
    "file", ["object", "network", "Filter/05", "Filter/slotinfo", "VPN/peer", "uac", "../Data/Ldapbase.ldif"]
)
def test_a_configuration_file_that_is_none(file: str, spoil: Spoil, tmp_path: Path) -> None:
    folder = copy_of(GUIDE, tmp_path)
    path = (folder / TREE / file).resolve()
    spoil(path)

    lines = _refused(folder)

    assert any(str(path) in line for line in lines), lines


@pytest.mark.parametrize(
    "file", ["object", "network", "route", "Filter/05", "VPN/01", "Openvpn/openvpn", "HA/highavailability"]
)
@pytest.mark.parametrize(
    "spoil", [becomes(b""), becomes(b"[x]\n" + b"A" * 3_000_000), is_cut], ids=["empty", "huge", "cut short"]
)
def test_a_configuration_file_without_its_content(file: str, spoil: Spoil, tmp_path: Path) -> None:
    folder = copy_of(GUIDE, tmp_path)
    spoil(folder / TREE / file)

    assert _refused(folder)


@pytest.mark.parametrize("spoil", [gone, a_link_to_itself, a_folder], ids=["gone", "a link to itself", "empty"])
@pytest.mark.parametrize("tree", ["sbg7", TREE, f"{TREE}/Filter"])
def test_a_configuration_folder_that_is_none(tree: str, spoil: Spoil, tmp_path: Path) -> None:
    folder = copy_of(GUIDE, tmp_path)
    spoil(folder / tree)

    assert any("sbg7" in line for line in _refused(folder))


PLANS: dict[str, tuple[Spoil, str]] = {
    "garbage": (becomes(GARBAGE), r":1: encoding: is not UTF-8 \(save the file as UTF-8\)"),
    "Latin-1 in its third line": (becomes("name = 'x'\n\ntitle = 'é'\n".encode("latin-1")), r":3: encoding: is not UTF-8"),
    "a byte order mark": (becomes(b"\xef\xbb\xbfname = 'x'\n"), r":1: encoding: begins with a byte order mark"),
    "zeros": (becomes(bytes(50)), r":1: TOML: Invalid statement"),
    "empty": (becomes(b""), r":1: internet: missing"),
    "a bracket": (becomes(b"\n[\n"), r":2: TOML: "),
    "ten thousand brackets": (becomes(b"a = " + b"[" * 10_000), r":1: TOML: brackets are nested too deeply"),
    "a number of 5000 digits": (becomes(b"name = 'x'\nvlan = " + b"9" * 5000), r":2: TOML: a number has too many digits"),
    "a folder": (a_folder, r":1: deployment: is no file"),
    "a pipe": (a_pipe, r":1: deployment: is no file"),
    "an endless device": (an_endless_device, r":1: deployment: is no file"),
    "a link to itself": (a_link_to_itself, r":1: deployment: cannot be read: Too many levels of symbolic links"),
    "gone": (gone, r":1: deployment: no such file \(name a folder like deployments/guide\)"),
}


@pytest.mark.parametrize("spoil, told", PLANS.values(), ids=PLANS)
def test_a_plan_that_is_none(spoil: Spoil, told: str, tmp_path: Path) -> None:
    folder = copy_of(GUIDE, tmp_path)
    spoil(folder / PLAN)

    assert any(re.search(re.escape(str(folder / PLAN)) + told, line) for line in _refused(folder))


@pytest.mark.parametrize(
    "name, told",
    [("nowhere", "no such folder"), (PLAN, "Not a directory"), ("x" * 300, "File name too long"), ("a\0b", "null byte")],
)
def test_a_folder_that_is_none(name: str, told: str, tmp_path: Path) -> None:
    folder = copy_of(GUIDE, tmp_path)

    (line,) = _refused(folder / name)

    assert told in line


VALUES: dict[str, tuple[str, str, str]] = {
    "a VLAN of 23 digits": ("vlan = 200", "vlan = 99999999999999999999999", "out of range (write a number from 0 to 4094)"),
    "a VLAN that is no number": ("vlan = 200", "vlan = nan", "vlan200.vlan: must be a whole number"),
    "a VLAN that is a list": ("vlan = 200", "vlan = [200]", "vlan200.vlan: must be a whole number"),
    "an endless way": (
        "distance_ms = 7",
        "distance_ms = inf",
        "distance_ms: inf is out of range (write a delay in milliseconds",
    ),
    "a way beyond the Earth": ("distance_ms = 7", "distance_ms = 1e300", "distance_ms: 1e+300 is out of range"),
    "a way that is no number": ("distance_ms = 7", "distance_ms = nan", "distance_ms: nan is out of range"),
    "a name that leads elsewhere": ('name = "guide"', 'name = "../../etc"', "name: '../../etc' is no name"),
    "an endless name": ('name = "guide"', f'name = "{"g" * 100_000}"', "…' is no name (use letters"),
    "a site whose name is a path": ("[sites.sbg7]", '[sites."../../x"]', "'../../x' is no site name"),
    "a site whose name is no line": ("[sites.sbg7]", '[sites."a\\nb"]', "is no site name"),
    "a site whose name fits no host name": ("[sites.sbg7]", f"[sites.{'s' * 60}]", "is no site name (use lower-case letters"),
}


@pytest.mark.parametrize("before, after, told", VALUES.values(), ids=VALUES)
def test_a_value_that_nothing_can_be_built_from(before: str, after: str, told: str, tmp_path: Path) -> None:
    folder = copy_of(GUIDE, tmp_path)
    change(folder / PLAN, before, after)

    assert any(told in line for line in _refused(folder)), str(_refused(folder))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become nobody")
@pytest.mark.parametrize(
    "denied",
    [".", PLAN, "sbg7", TREE, f"{TREE}/Filter", f"{TREE}/Filter/05", f"{TREE}/VPN/psk", "sbg7/Data", "sbg7/Data/Ldapbase.ldif"],
)
def test_what_may_not_be_read_is_told(denied: str, tmp_path: Path) -> None:
    folder = copy_of(GUIDE, tmp_path)
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
    (folder / denied).chmod(0)
    # Root may read everything: the process becomes nobody once all that it needs is loaded and the way there is open.
    program = (
        "import os, sys\n"
        "from provisioning.agreement import check\n"
        "from provisioning.deployment import DeploymentError, load\n"
        "from provisioning.environment import refuse_broken\n"
        "import sns.reader\n"
        "os.chdir(sys.argv[1])\n"
        "os.setgroups([]); os.setgid(65534); os.setuid(65534)\n"
        "try: refuse_broken(load('guide'))\n"
        "except DeploymentError as why: print(why)\n"
    )

    done = subprocess.run([sys.executable, "-c", program, str(tmp_path)], cwd=ROOT, capture_output=True, text=True, check=False)

    (folder / denied).chmod(0o755)
    assert done.stderr == ""
    assert "cannot be read: Permission denied" in done.stdout
    assert all(FINDING.fullmatch(line) for line in done.stdout.splitlines())
