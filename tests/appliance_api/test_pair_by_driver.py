"""The driver on the pairs that commands made: it reads, compares, changes, and has a change that locks it out undo itself."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from provisioning.appliance.api import Api
from provisioning.appliance.differences import differences
from provisioning.appliance.errors import LoginRefused, Untrusted, WentBack
from provisioning.appliance.guard import guarded
from provisioning.appliance.shell import Shell
from provisioning.appliance.tree import Tree
from steps.eventually import eventually
from tests.appliance_api.conftest import Configured

SITE = "sbg7"
GOES_BACK = 15  # s until an unconfirmed change is undone: longer than it takes a busy machine to be locked out
BACK_WITHIN = GOES_BACK + 30.0  # s: and applied, on a busy machine

pytestmark = pytest.mark.lab
Inside = Callable[[Callable[[], object]], object]


@pytest.fixture
def inside(configured: Configured) -> Inside:
    return configured.environment.administrator.inside


@contextmanager
def changed(tree: Tree, folder: Path, file: str, old: str, new: str) -> Iterator[Tree]:
    """The same tree with a file changed."""
    copy = folder / "changed"
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(tree.root.parent, copy)
    path = copy / tree.root.name / file
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    yield Tree.of(copy / tree.root.name)


def test_both_ways_read_the_same_and_see_the_same(configured: Configured, inside: Inside) -> None:
    def act() -> None:
        access = configured.access(SITE)
        with Api(access) as api, Shell(access) as shell:
            with api.configuration() as one, shell.configuration() as other:
                assert differences(one, other) == []
                with changed(one, configured.folder, "Filter/05", "port http ->", "port https ->") as another:
                    assert differences(one, another) != []  # the control: it can tell
            assert [member.serial for member in api.members()] == [member.serial for member in shell.members()]
            assert {member.mode for member in api.members()} == {"active", "passive"}
            # Both ends may have begun at once, and both tunnels then stay (RFC 7296, 2.8.1).
            assert len(api.security_associations()) == len(shell.security_associations()) in (1, 2)
            assert api.counters().keys() == shell.counters().keys()
            assert api.vpn_sessions() == shell.vpn_sessions() == []
            ours = {"proto": "tcp", "src": "198.51.100.101", "dst": str(access.address), "dport": "22"}
            for connections in (api.connections(), shell.connections()):
                assert any(ours.items() <= one.items() for one in connections)

    inside(act)


def test_a_change_by_one_way_is_undone_by_the_other(configured: Configured, inside: Inside) -> None:
    def act() -> None:
        access = configured.access(SITE)
        with Api(access, force=True) as api, api.configuration() as before:
            published = "from internet on out to Firewall_out port http"
            narrower = published.replace("internet", "admin_client")
            with changed(before, configured.folder, "Filter/05", published, narrower) as wanted:
                told = api.write(wanted)
                with api.configuration() as running:
                    assert differences(running, wanted) == []
                    assert differences(running, before) != []
            assert told[-1] == "CONFIG SLOT ACTIVATE type=filter slot=5"
            with Shell(access) as shell:
                assert shell.write(before)[:1] == ["write Filter/05"]
            with api.configuration() as running:
                assert differences(running, before) == []
                assert api.write(before) == []

    inside(act)


def test_a_backup_puts_back_what_was_changed_since(configured: Configured, inside: Inside) -> None:
    file = configured.folder / "before.na"

    def act() -> None:
        with Api(configured.access(SITE), force=True) as api, api.configuration() as before:
            api.must(f"CONFIG BACKUP list=all > {file}")
            api.must("CONFIG SLOT ACTIVATE type=filter slot=1")
            api.restore(file)
            with api.configuration() as running:
                assert differences(running, before) == []

    inside(act)


def test_a_change_that_locks_the_administrator_out_undoes_itself(configured: Configured, inside: Inside) -> None:
    access = configured.access(SITE)

    def reached() -> bool:
        try:
            Api(access).close()
        except LoginRefused:
            return False
        return True

    def lock_out(shell: Shell) -> None:
        with guarded(shell, GOES_BACK, lambda: Api(access).close()), Api(access, force=True) as api:
            api.must("CONFIG WEBADMIN ACCESS ADD mirror")
            api.must("CONFIG WEBADMIN ACCESS REMOVE admin_client")
            api.must("CONFIG WEBADMIN ACTIVATE")

    def act() -> None:
        with Shell(access) as shell, pytest.raises(WentBack, match="goes back"):
            lock_out(shell)
        eventually(reached, within=BACK_WITHIN, phase="the administrator's way in")

    inside(act)


def test_a_change_that_is_confirmed_stays(configured: Configured, inside: Inside) -> None:
    def act() -> None:
        access = configured.access(SITE)
        with Shell(access) as shell, Api(access, force=True) as api:
            with guarded(shell, 60, lambda: Api(access).close()):
                api.must("CONFIG OBJECT HOST NEW name=confirmed ip=10.9.9.9")
                api.must("CONFIG OBJECT ACTIVATE")
            assert shell.run("ls -d /usr/Firewall/saved-* 2>/dev/null || true") == b""
            assert api.must("CONFIG OBJECT LIST type=host search=confirmed").lines["Object"]
            api.must("CONFIG OBJECT HOST DELETE name=confirmed")
            api.must("CONFIG OBJECT ACTIVATE")

    inside(act)


def test_another_host_key_than_the_expected_one_is_not_trusted(configured: Configured, inside: Inside) -> None:
    access = configured.access(SITE)
    with pytest.raises(Untrusted):
        inside(lambda: Shell(replace(access, host_key=configured.access("fw1-gra11").host_key)))
