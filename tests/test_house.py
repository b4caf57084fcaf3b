"""The house rules that a test can hold: which way imports point, how large a module may grow, and what stays late."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import LABS, shared

ROOT = Path(__file__).parent.parent
PACKAGES = ("cli", "lab", "provisioning", "reports", "sns", "steps")

ALLOWED = {
    "sns": set(),
    "lab": {"sns"},
    "reports": {"sns"},
    "provisioning": {"lab", "sns"},
    "steps": {"provisioning", "lab", "sns", "reports"},
    "cli": {"provisioning", "lab", "sns", "reports", "steps"},
}


def _modules(package: str) -> list[Path]:
    return sorted((ROOT / package).rglob("*.py"))


def _imported(module: Path) -> set[str]:
    tree = ast.parse(module.read_text())
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {name.name.partition(".")[0] for name in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.partition(".")[0])
    return found


@pytest.mark.parametrize("package", PACKAGES)
def test_imports_point_one_way(package: str) -> None:
    ours = set(PACKAGES) - {package}
    wrong = {
        f"{module.relative_to(ROOT)} imports {name}"
        for module in _modules(package)
        for name in _imported(module) & ours - ALLOWED[package]
    }
    assert not wrong


def test_the_simulated_appliance_needs_nothing_but_the_standard_library() -> None:
    known = set(sys.stdlib_module_names) | {"lab", "sns"}
    foreign = {
        f"{module.relative_to(ROOT)} imports {name}"
        for module in _modules("lab/appliance")
        for name in _imported(module) - known
    }
    assert not foreign


def test_no_module_grows_beyond_400_lines() -> None:
    long = {
        str(module.relative_to(ROOT)): length
        for package in PACKAGES
        for module in _modules(package)
        if (length := len(module.read_text().splitlines())) > 400
    }
    assert not long


def test_one_worker_has_all_labs() -> None:
    marks = ("pytestmark = pytest.mark.lab\n", "@pytest.mark.lab\n")
    modules = {str(module.relative_to(ROOT)): module.read_text() for module in (ROOT / "tests").rglob("test_*.py")}
    with_a_lab = {name for name, text in modules.items() if any(mark in text for mark in marks)}
    assert "tests/lab/test_wire.py" in with_a_lab
    assert {name for name in with_a_lab if shared(name) != LABS} == set(), "named in tests/conftest.py"


@pytest.mark.parametrize("heavy", ["scapy", "docker", "testinfra", "openstack", "cryptography"])
def test_starting_the_command_imports_nothing_heavy(heavy: str) -> None:
    program = "import sys, cli.main; cli.main._parser(); print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()
    assert heavy not in {name.partition(".")[0] for name in loaded}
