"""The factory configuration (``ConfigFiles``, beside this): what an appliance without one starts with, all by DHCP."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from lab.appliance import devices, network, paths

_TREE = Path(__file__).with_name("ConfigFiles")
_NAMES = ("out", "in")  # then dmz1, dmz2, …
_PROTECTED = ("in",)


def install_if_empty() -> None:
    """Put the factory configuration in place on an appliance that has no ``network`` file; certificates and data stay."""
    if (paths.CONFIG / "network").exists():
        return
    write(paths.CONFIG, sorted(name for name in network.links() if name.startswith("eth")))
    paths.DATA.mkdir(exist_ok=True)


def write(root: Path, found: Sequence[str]) -> None:
    """Write the factory's ConfigFiles for an appliance with these devices."""
    shutil.copytree(_TREE, root, dirs_exist_ok=True, copy_function=shutil.copyfile)
    (root / "network").write_text(_interfaces(found))


def _interfaces(found: Sequence[str]) -> str:
    """``network``, in the product's order of names: ``out``, ``in``, ``dmz1``, …"""
    lines = ["[Config]", "IPv6State=0", "IPv6Ready=0", ""]
    for place, device in enumerate(found):
        name = _NAMES[place] if place < len(_NAMES) else f"dmz{place - len(_NAMES) + 1}"
        lines += [f"[{devices.section(device)}]", "State=1", f"Name={name}"]
        lines += ["Protected=1"] if name in _PROTECTED else []
        lines += ["Media=0", "EEE=0", "Address=DHCP", ""]
    return "\n".join(lines)
