"""The one image of all roles: made by mmdebstrap from the machine's apt sources, imported once, keyed by its recipe.

A fat image wins over a base and layers (measured: about 40 s to build, 5 s to import, once per machine). Our own code
is mounted, never baked in, so a change of code needs no new image.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

from lab.engine import Engine
from lab.errors import ImageFailed, LabError
from lab.state import locked, state_folder

SUITE = "bookworm"
REPOSITORY = "rempart/lab"

PACKAGES = (
    # what every host has
    "iproute2", "iputils-ping", "procps", "python3", "curl", "openssl", "ca-certificates", "ethtool", "tcpdump",
    "openssh-server", "openssh-client", "vim-tiny", "sudo",
    # servers and clients of the roles
    "nginx-light", "dnsmasq-base", "udhcpc", "openvswitch-switch",
    # the simulated appliance
    "nftables", "conntrack", "conntrackd", "strongswan-swanctl", "strongswan-charon", "libcharon-extra-plugins",
    "libstrongswan-standard-plugins", "libstrongswan-extra-plugins", "openvpn", "slapd", "ldap-utils",
    "squid-openssl", "ulogd2",
)  # fmt: skip

EXCLUDED = ("/usr/share/doc/*", "/usr/share/man/*", "/usr/share/locale/*")
NEEDED_SPACE = 1_500_000_000  # bytes: archive, its import and the build tree at once, with a margin


def recipe_key() -> str:
    """A hash of everything that decides what is in the image; part of its name."""
    recipe = "\n".join((SUITE, *PACKAGES, *EXCLUDED))
    return hashlib.sha256(recipe.encode()).hexdigest()[:12]


def reference() -> str:
    """The image's name for this version of the recipe."""
    return f"{REPOSITORY}:{recipe_key()}"


def ensure(engine: Engine, progress: Callable[[str], None] = lambda _: None) -> str:
    """The image's reference, built and imported first where the engine lacks it.

    Safe to call from several processes: one builds, the others wait. Raises ImageFailed.
    """
    name = reference()
    if engine.has_image(name):
        return name
    with locked("image"):
        if engine.has_image(name):
            return name
        progress("building the lab's image (once per machine, about a minute)")
        archive = _build(state_folder() / "image")
        progress("importing the image")
        try:
            engine.import_image(archive, name)
        except (LabError, OSError) as why:
            raise ImageFailed(f"the image could not be imported: {why}") from why
        finally:
            archive.unlink(missing_ok=True)
        for old in engine.images(REPOSITORY):
            if old != name:
                engine.remove_image(old)
    return name


def apt_sources() -> str:
    """This machine's apt sources, in either syntax, as mmdebstrap reads them from standard input."""
    files = [Path("/etc/apt/sources.list")]
    for pattern in ("*.sources", "*.list"):
        files.extend(sorted(Path("/etc/apt/sources.list.d").glob(pattern)))
    return "\n\n".join(path.read_text() for path in files if path.is_file())


def _build(folder: Path) -> Path:
    """The archive of the root file system. A build that was cut off leaves only ``*.part`` files, removed here."""
    if shutil.which("mmdebstrap") is None:
        raise ImageFailed("mmdebstrap is not installed: apt-get install mmdebstrap")
    folder.mkdir(parents=True, exist_ok=True)
    for part in folder.iterdir():
        shutil.rmtree(part) if part.is_dir() else part.unlink()
    free = shutil.disk_usage(folder).free
    if free < NEEDED_SPACE:
        raise ImageFailed(f"{folder} has {free // 1_000_000} MB free; the build needs {NEEDED_SPACE // 1_000_000} MB")
    part = folder / "root.part"
    command = [
        "mmdebstrap", "--quiet", "--variant=minbase", "--format=tar", f"--include={','.join(PACKAGES)}",
        '--aptopt=APT::Install-Recommends "false"', *(f"--dpkgopt=path-exclude={path}" for path in EXCLUDED),
        SUITE, str(part), "-",
    ]  # fmt: skip
    build = subprocess.run(
        command,
        input=apt_sources(),
        text=True,
        capture_output=True,
        check=False,
        env={**os.environ, "TMPDIR": str(folder), "DEBIAN_FRONTEND": "noninteractive"},
    )
    if build.returncode != 0:
        tail = "\n".join(f"    {line}" for line in build.stderr.strip().splitlines()[-12:])
        raise ImageFailed(f"mmdebstrap ended with status {build.returncode}; nothing was imported:\n{tail}")
    return part.rename(folder / "root.tar")
