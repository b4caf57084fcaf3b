"""Peers in a world of their own: a root file system with their packages, entered by fresh namespaces.

Nothing is installed on the machine or in the project's environment: Mininet (Debian's) and every service that our image has
are in a root file system made by mmdebstrap, munet (PyPI's, pinned) in a folder beside it. Each run gets fresh network,
mount and pid namespaces on an overlay of that, so whatever a peer does ends with its first process and never meets the
machine's own network.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PEER_PACKAGES = ("mininet", "bridge-utils")
REQUIREMENTS = Path(__file__).with_name("peers.txt")

# Runs as the first process of the pid namespace. The peer's driver is its child, so that orphans have who reaps them.
_ENTER = """
set -e
exec 3<&0  # what runs in the background would read from nowhere
root=$1 own=$2 repository=$3 munet=$4 pycache=$5
shift 5
mount -t overlay -o "lowerdir=$root,upperdir=$own/upper,workdir=$own/work" overlay "$own/merged"
cd "$own/merged"
mkdir -p .machine scratch log usr/Firewall opt/munet opt/pycache opt/rempart/lab opt/rempart/sns opt/rempart/benchmarks
mount -t proc proc proc
mount -t sysfs sysfs sys
mount --rbind /dev dev
mount -t tmpfs tmpfs tmp
mount -t tmpfs tmpfs run
mount --bind "$own/scratch" scratch
mount --bind "$munet" opt/munet
mount --bind "$pycache" opt/pycache
for package in lab sns benchmarks; do mount --bind "$repository/$package" "opt/rempart/$package"; done
# munet asks pgrep for a child that nsenter may not have forked yet, and gives up when there is none: it is told a little later.
mkdir -p usr/local/bin
cat >usr/local/bin/pgrep <<'pgrep'
#!/bin/sh
for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19; do /usr/bin/pgrep "$@" && exit; sleep 0.02; done
exec /usr/bin/pgrep "$@"
pgrep
chmod 755 usr/local/bin/pgrep
# Mininet raises limits of the whole machine when it can.
mount --bind proc/sys/kernel proc/sys/kernel
mount -o remount,bind,ro proc/sys/kernel
pivot_root . .machine
umount -l /.machine
cd /
ip link set lo up
"$@" <&3 3<&- &
exec 3<&-
wait $!
"""

Progress = Callable[[str], None]


def packages() -> tuple[str, ...]:
    """What the peers' root file system holds: all of our image's, and Mininet."""
    from lab import image

    return (*image.PACKAGES, *PEER_PACKAGES)


def installed(build: Path, progress: Progress) -> Path:
    """The folder with the peers' root file system and munet, made when missing. Raises CalledProcessError."""
    from lab import image

    recipe = "\n".join((image.SUITE, *packages(), REQUIREMENTS.read_text(), platform_tag()))
    folder = build / f"peers-{hashlib.sha256(recipe.encode()).hexdigest()[:12]}"
    if folder.exists():
        return folder
    half = build / "peers-unfinished"
    shutil.rmtree(half, ignore_errors=True)
    half.mkdir(parents=True)
    progress("making the peers' root file system (once, about a minute)")
    command = [
        "mmdebstrap", "--quiet", "--variant=minbase", "--format=directory", f"--include={','.join(packages())}",
        '--aptopt=APT::Install-Recommends "false"', *(f"--dpkgopt=path-exclude={path}" for path in image.EXCLUDED),
        image.SUITE, str(half / "root"), "-",
    ]  # fmt: skip
    subprocess.run(command, input=image.apt_sources(), text=True, check=True, env={**os.environ, "TMPDIR": str(half)})
    progress("installing munet")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes"]
    subprocess.run([*pip, "--target", str(half / "munet"), "-r", str(REQUIREMENTS)], check=True)
    (half / "pycache").mkdir()
    half.rename(folder)
    return folder


def platform_tag() -> str:
    """What munet's compiled parts depend on: this Python must be the root file system's, Debian's own."""
    return f"python {sys.version_info.major}.{sys.version_info.minor}"


def command(installation: Path, own: Path, module: str) -> list[str]:
    """The command that runs a driver in a world of its own; ``own`` holds what that world writes."""
    for name in ("upper", "work", "merged", "scratch"):
        (own / name).mkdir(parents=True, exist_ok=True)
    return [
        "unshare", "--net", "--mount", "--pid", "--uts", "--ipc", "--fork", "--kill-child=KILL", "--propagation=private",
        "sh", "-c", _ENTER, "enter", str(installation / "root"), str(own), str(ROOT), str(installation / "munet"),
        str(installation / "pycache"),
        "/usr/bin/env", "-i", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root",
        "LANG=C.UTF-8", "PYTHONPATH=/opt/rempart:/opt/munet", "PYTHONPYCACHEPREFIX=/opt/pycache",
        "/usr/bin/python3", "-m", module,
    ]  # fmt: skip
