"""What the appliance's commands and its boot do not import: most of what a short command takes is its imports."""

from __future__ import annotations

import subprocess
import sys

import pytest

from lab.appliance.__main__ import COMMANDS

MODEL = ("sns.model", "sns.reader", "sns.resolution")
COSTLY = ("dataclasses", "inspect", "typing", "subprocess")
CLUSTER = ("lab.appliance.ha_cluster", "lab.appliance.ha_state", "lab.appliance.ha_wire", "hashlib")


def imported(module: str) -> set[str]:
    program = f"import sys, lab.appliance.__main__, {module}; print(*sys.modules)"
    return set(subprocess.run([sys.executable, "-S", "-c", program], capture_output=True, text=True, check=True).stdout.split())


@pytest.mark.parametrize(
    ("command", "spared"),
    [
        ("hainfo", (*MODEL, *COSTLY, *(name for name in CLUSTER if name != "hashlib"))),
        ("slotinfo", (*MODEL, *COSTLY, *CLUSTER)),
        ("getconf", (*MODEL, *COSTLY, *CLUSTER)),
        ("setconf", (*MODEL, *COSTLY, *CLUSTER)),
        ("fwpasswd", (*MODEL, *CLUSTER)),
        ("enfilter", CLUSTER),
        ("envpn", CLUSTER),
    ],
)
def test_a_command_does_not_import(command: str, spared: tuple[str, ...]) -> None:
    module, _, _ = COMMANDS[command].partition(":")
    assert imported(module) & set(spared) == set()


def test_who_asks_the_fork_server_imports_next_to_nothing() -> None:
    alone = "import sys, lab.appliance.command; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-S", "-c", alone], capture_output=True, text=True, check=True)
    costly = {*MODEL, *COSTLY, "enum", "importlib", "json", "pathlib", "re", "selectors", "socket"}
    assert {*done.stdout.split()} & costly == set()


def test_applying_changes_imports_what_the_changes_need_and_no_more() -> None:
    assert imported("lab.appliance.changes") & {*MODEL, *COSTLY, *CLUSTER} == set()


def test_to_start_the_agent_nothing_of_it_is_imported() -> None:
    agents = {"lab.appliance.ha_agent", "lab.appliance.ha_worker", "multiprocessing", "ssl"}
    assert imported("lab.appliance.boot, lab.appliance.ha_service") & agents == set()
