"""``rempart doctor``: what this machine lacks for the lab, and how to get it."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

MEMORY_NEEDED = 2_000_000_000  # bytes available: the guide's lab takes about 0.7 GB, the image's build 1 GB
SPACE_NEEDED = 3_000_000_000  # bytes: image, its archive while it is built, and the engine's copy


@dataclass(frozen=True, slots=True)
class Check:
    """One thing looked at. ``needed_for`` says what does not work without it; ``remedy`` is empty when it is there."""

    what: str
    found: str
    remedy: str = ""
    needed_for: str = "the lab"


def doctor() -> int:
    """Print every check; 0 when nothing is missing."""
    missing = 0
    for check in checks():
        mark = "missing" if check.remedy else "ok"
        print(f"{mark:>8}  {check.what:<28}{check.found}")
        if check.remedy:
            missing += 1
            print(f"{'':>10}needed for {check.needed_for}: {check.remedy}")
    print()
    print("nothing is missing" if not missing else f"{missing} missing; `make setup` installs what packages can give")
    return 1 if missing else 0


def checks() -> Iterator[Check]:
    """All checks, in the order in which a missing one would stop a lab."""
    version = ".".join(str(part) for part in sys.version_info[:3])
    yield Check("Python 3.11 or later", version, "" if sys.version_info >= (3, 11) else "install Python 3.11 or later")
    yield _root()
    yield from (_program(*program) for program in _PROGRAMS)
    yield _engine()
    yield _image()
    yield from (_kernel(*feature) for feature in _KERNEL)
    yield _amount("memory available", _memory(), MEMORY_NEEDED)
    yield _amount("disk space for the image", _space(), SPACE_NEEDED)


_PROGRAMS = (
    ("nsenter", "util-linux"),
    ("unshare", "util-linux"),
    ("ip", "iproute2"),
    ("ssh-keygen", "openssh-client"),
    ("mmdebstrap", "mmdebstrap"),
    ("git", "git"),
)


def _root() -> Check:
    is_root = os.geteuid() == 0
    return Check(
        "root",
        "yes" if is_root else f"uid {os.geteuid()}",
        "" if is_root else "run with sudo: namespaces and wires need it",
    )


def _program(name: str, package: str) -> Check:
    path = shutil.which(name)
    return Check(name, path or "not found", "" if path else f"apt-get install {package}")


def _engine() -> Check:
    from lab import engine
    from lab.errors import EngineUnavailable

    try:
        found = engine.connect(start=False)
    except EngineUnavailable:
        if shutil.which("dockerd"):
            return Check("Docker Engine", "installed; a private one starts with the first lab")
        return Check("Docker Engine", "not found", "apt-get install docker.io")
    description = found.description
    found.close()
    return Check("Docker Engine", description)


def _image() -> Check:
    from lab import image
    from lab.state import state_folder

    return Check("the lab's image", f"{image.reference()}, kept in {state_folder()}; built by the first lab if need be")


def _present(path: str) -> Callable[[], bool]:
    return Path(path).exists


_KERNEL = (
    ("tun devices", _present("/dev/net/tun"), "modprobe tun", "IPsec, SSL VPN and the vRack"),
    ("network namespaces", _present("/proc/self/ns/net"), "a kernel with CONFIG_NET_NS", "the lab"),
    ("connection tracking", _present("/proc/sys/net/netfilter"), "modprobe nf_conntrack", "the firewalls"),
)


def _kernel(what: str, present: Callable[[], bool], remedy: str, needed_for: str) -> Check:
    there = present()
    return Check(what, "yes" if there else "no", "" if there else remedy, needed_for)


def _memory() -> int:
    for line in Path("/proc/meminfo").read_text().splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    return 0


def _space() -> int:
    from lab.state import state_folder

    folder = state_folder()
    while not folder.exists():
        folder = folder.parent
    return shutil.disk_usage(folder).free


def _amount(what: str, found: int, needed: int) -> Check:
    short = found < needed
    return Check(what, f"{found / 1e9:.1f} GB", f"at least {needed / 1e9:.1f} GB" if short else "")
