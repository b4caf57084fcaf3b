"""The appliance's commands without a system under them: dispatch, slots, refusals."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from lab.appliance import __main__ as commands
from lab.appliance import configuration as configurations
from lab.appliance import filterlog, paths, programs, webproxy
from sns import rereading
from tests.sns.trees import GUIDE, write

FREE = "pass from any to any\n"


class Appliance:
    """A ConfigFiles tree where the commands look for it, what they gave to nft, and which connections they ended."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in ("STATE", "RUNNING", "LEASES", "RUN", "LOG"):
            monkeypatch.setattr(paths, name, folder / name.lower())
        self.root = write(folder, {**GUIDE, "Filter/10": f"[Filter]\n{FREE}[NAT]\n"})
        self.loaded: list[str] = []
        self.connections = ""
        self.ended: list[str] = []
        monkeypatch.setattr(paths, "CONFIG", self.root)
        monkeypatch.setattr(programs, "run", self._run)
        monkeypatch.setattr(filterlog, "start", lambda: None)
        monkeypatch.setattr(webproxy, "reload", lambda *_: None)

    def _run(self, arguments: Sequence[str], *, given: str | None = None, within: float = 0) -> str:
        match list(arguments):
            case ["conntrack", "-L"]:
                return self.connections
            case ["conntrack", "-R", "-"]:
                self.ended += (given or "").splitlines()
            case _:
                assert arguments[0] == "nft"
                self.loaded.append(given or "")
        return ""

    def edit(self, file: str, change: Callable[[str], str]) -> None:
        path = self.root / file
        path.write_text(change(path.read_text()))


@pytest.fixture
def appliance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Appliance:
    return Appliance(tmp_path, monkeypatch)


def test_slotinfo_tells_number_name_and_file(appliance: Appliance, capsys: pytest.CaptureFixture[str]) -> None:
    for option in ("-a", "-n", "-f"):
        assert commands.main(["slotinfo", option, "filter"]) == 0
    assert capsys.readouterr().out == f"05\nguide\n{appliance.root}/Filter/05\n"


def test_enfilter_loads_the_active_slot_and_keeps_a_copy(appliance: Appliance) -> None:
    assert commands.main(["enfilter"]) == 0
    assert "counter filter_05_3 { }" in appliance.loaded[-1]
    assert (paths.RUNNING / "Filter" / "05").read_text() == GUIDE["Filter/05"]


def test_the_files_are_read_once_by_commands_in_one_process_and_again_when_a_byte_or_an_address_differs(
    appliance: Appliance, monkeypatch: pytest.MonkeyPatch
) -> None:
    read, configuration = [], rereading.read
    monkeypatch.setattr(rereading, "read", lambda *one, **more: read.append(one) or configuration(*one, **more))
    before = configurations.load()
    assert configurations.load() is before
    appliance.edit("object", lambda text: text.replace("10.200.0.10", "10.200.0.11"))
    after = configurations.load()
    assert after.objects != before.objects
    (appliance.root.parent / "Data/Ldapbase.ldif").write_text("")
    assert configurations.load().directory != before.directory
    paths.LEASES.write_text("eth2 192.168.2.3/29\n")
    configurations.load()
    assert len(read) == 4


def test_enfilter_with_a_number_makes_that_slot_the_active_one(appliance: Appliance) -> None:
    assert commands.main(["enfilter", "10"]) == 0
    assert "counter filter_10_2 { }" in appliance.loaded[-1]
    assert "Active=10" in (appliance.root / "Filter/slotinfo").read_text()
    assert "Active=10" in (paths.RUNNING / "Filter/slotinfo").read_text()


@pytest.mark.parametrize(("slot", "ended"), [("05", 1), ("10", 0)])
def test_enfilter_ends_the_connections_that_its_slot_refuses(appliance: Appliance, slot: str, ended: int) -> None:
    """A stranger's on the firewall's SSH; what the firewall itself began is its own affair."""
    stranger, firewall = "198.51.100.77", "147.135.161.153"
    appliance.connections = "".join(
        f"tcp 6 100 ESTABLISHED src={one} dst={other} sport=40000 dport=22 src={other} dst={one} sport=22 dport=40000 use=1\n"
        for one, other in ((stranger, firewall), (firewall, stranger))
    )
    assert commands.main(["enfilter", slot]) == 0
    assert appliance.ended == [f"-D -p tcp --orig-src {stranger} --orig-dst {firewall} --sport 40000 --dport 22"] * ended


def test_enfilter_off_lets_everything_pass_and_leaves_the_slot(appliance: Appliance) -> None:
    assert commands.main(["enfilter", "off"]) == 0
    assert appliance.loaded == ["table ip sns\ndelete table ip sns\n"]
    assert "Active=5" in (appliance.root / "Filter/slotinfo").read_text()


def test_a_broken_slot_is_refused_with_every_line_and_nothing_is_loaded(
    appliance: Appliance, capsys: pytest.CaptureFixture[str]
) -> None:
    appliance.edit("Filter/05", lambda text: text.replace("from vlan200", "from vlan299").replace("ssh|", "shs|"))
    assert commands.main(["enfilter"]) == 1
    assert appliance.loaded == []
    told = capsys.readouterr().err.splitlines()
    assert [line.split(": ")[0] for line in told] == ["Filter/05:3", "Filter/05:5", "Filter/05:7", "Filter/05:12"]


def test_a_broken_slot_does_not_keep_another_one_from_being_activated(appliance: Appliance) -> None:
    appliance.edit("Filter/05", lambda text: text.replace("from vlan200", "from vlan299"))
    assert commands.main(["enfilter", "10"]) == 0


def test_a_mistake_of_the_vpn_is_not_the_filters_affair(appliance: Appliance) -> None:
    appliance.edit("VPN/peer", lambda text: text.replace("Remote=OVH_REMOTE_FW", "Remote=nobody"))
    assert commands.main(["enfilter"]) == 0


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["enfilter", "07"], 1, "Filter/07:1: file: there is no such slot (write it, or choose another)"),
        (["enfilter", "11"], 2, 'usage: "11" is not a slot (00 to 10)'),
        (["enfilter", "now"], 2, "usage: enfilter [NN | on | off | -u]"),
        (["slotinfo", "filter"], 2, "usage: slotinfo"),
        (["hasyn"], 2, "hasyn: unknown command; there are"),
        ([], 2, "no command: unknown command"),
    ],
)
def test_wrong_use_is_told_and_changes_nothing(
    appliance: Appliance, capsys: pytest.CaptureFixture[str], arguments: list[str], code: int, told: str
) -> None:
    assert commands.main(arguments) == code
    assert capsys.readouterr().err.startswith(told)
    assert appliance.loaded == []


def test_there_is_no_traceback_without_a_configuration(
    appliance: Appliance, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(paths, "CONFIG", tmp_path / "nowhere")
    assert commands.main(["enfilter"]) == 1
    assert "nowhere: not a ConfigFiles directory" in capsys.readouterr().err
