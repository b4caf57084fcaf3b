"""Addresses by DHCP: busybox's client asks once per interface; what it was given is kept for all commands to see.

``/var/lib/sns/leases`` holds ``eth2 192.168.2.3/29`` a line. OpenStack's leases last a day, longer than a lab, so none
is renewed.
"""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import IPv4Address, IPv4Interface
from pathlib import Path

from lab.appliance import devices, paths, programs

_FOLDER = paths.STATE / "dhcp"
_SCRIPT = """\
#!/bin/sh
# Called by udhcpc with what happened in $1 and the lease in variables.
case $1 in bound | renew) ;; *) exit 0 ;; esac
printf '%s/%s\\n%s\\n' "$ip" "$mask" "${router%% *}" >FOLDER/"$interface"
"""
_TRIES = 5  # one second apart


def ask(device: str) -> IPv4Interface:
    """Ask the subnet's DHCP service for the device's address and keep it. Raises ProgramFailed when nobody answers."""
    _FOLDER.mkdir(parents=True, exist_ok=True)
    script = _FOLDER / ".script"
    script.write_text(_SCRIPT.replace("FOLDER", str(_FOLDER)))
    script.chmod(0o755)
    programs.run(("udhcpc", "-f", "-q", "-n", "-t", str(_TRIES), "-T", "1", "-s", str(script), "-i", device), within=15)
    given = {entry.name: entry for entry in _FOLDER.iterdir() if not entry.name.startswith(".")}
    paths.LEASES.write_text("".join(f"{name} {_lines(given[name])[0]}\n" for name in sorted(given)))
    return IPv4Interface(_lines(given[device])[0])


def forget_all() -> None:
    """At boot: no device has its address any more."""
    for device in list(held()):
        forget(device)


def forget(device: str) -> None:
    """The device has no address by DHCP any more."""
    if (_FOLDER / device).exists():
        (_FOLDER / device).unlink()
        kept = [f"{name} {address}\n" for name, address in held().items() if name != device]
        paths.LEASES.write_text("".join(kept))


def held() -> Mapping[str, IPv4Interface]:
    """The addresses given, by device."""
    if not paths.LEASES.exists():
        return {}
    pairs = (line.split() for line in paths.LEASES.read_text().splitlines())
    return {pair[0]: IPv4Interface(pair[1]) for pair in pairs if len(pair) == 2}


def by_section() -> Mapping[str, IPv4Interface]:
    """The addresses given, by section of ``network``, as :func:`sns.reader.read` wants them."""
    return {devices.section(device): address for device, address in held().items()}


def router(device: str) -> IPv4Address | None:
    """The gateway that came with the device's address, None when there was none."""
    lines = _lines(_FOLDER / device) if (_FOLDER / device).exists() else []
    return IPv4Address(lines[1]) if len(lines) > 1 and lines[1] else None


def _lines(lease: Path) -> list[str]:
    return lease.read_text().splitlines()
