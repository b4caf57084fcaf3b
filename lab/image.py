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
from contextlib import closing, suppress
from pathlib import Path

from lab import engine as engines
from lab.errors import EngineFailed, ImageFailed
from lab.signals import Undisturbed
from lab.state import locked, state_folder, writing

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
_GONE_WITHIN = 10.0  # s: for all processes of a build that is cut off
NEEDED_SPACE = 1_500_000_000  # bytes: archive, its import and the build tree at once, with a margin


def recipe_key() -> str:
    """A hash of everything that decides what is in the image; part of its name."""
    recipe = "\n".join((SUITE, *PACKAGES, *EXCLUDED))
    return hashlib.sha256(recipe.encode()).hexdigest()[:12]


def reference() -> str:
    """The image's name for this version of the recipe."""
    return f"{REPOSITORY}:{recipe_key()}"


def make(progress: Callable[[str], None] = lambda _: None) -> None:
    """Build and import the image, unless another process just did. Raises ImageFailed, EngineUnavailable.

    Safe to call from several processes: one builds, the others wait. Half an image is never seen: the engine has it whole
    or not at all, and what a build that was cut off left in our folder is removed by the next.
    """
    with locked("image", waiting=lambda: progress("another run builds the lab's image; waiting for it")):
        if _is_there():
            return
        progress("building the lab's image (once per machine, about a minute)")
        folder = state_folder() / "image"
        try:
            archive = _build(folder)
            progress("importing the image")
            _import(archive)
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def _is_there() -> bool:
    with locked("engine"), closing(engines.connect()) as engine:
        return engine.has_image(reference())


def _import(archive: Path) -> None:
    """Hand the archive to the engine. The lock is held: another lab's end would stop the engine meanwhile."""
    with locked("engine"), closing(engines.connect()) as engine:
        try:
            engine.import_image(archive, reference())
        except (EngineFailed, OSError) as why:
            raise ImageFailed(f"the image could not be imported: {why}") from why
        for old in engine.images(REPOSITORY):
            if old != reference():
                engine.remove_image(old)


def apt_sources() -> str:
    """This machine's apt sources, in either syntax, as mmdebstrap reads them from standard input."""
    files = [Path("/etc/apt/sources.list")]
    for pattern in ("*.sources", "*.list"):
        files.extend(sorted(Path("/etc/apt/sources.list.d").glob(pattern)))
    return "\n\n".join(path.read_text() for path in files if path.is_file())


def _build(folder: Path) -> Path:
    """The archive of the root file system, made in a folder that is ours alone and empty before."""
    if shutil.which("mmdebstrap") is None:
        raise ImageFailed("mmdebstrap is not installed: apt-get install mmdebstrap")
    with writing(folder):
        if folder.exists():
            shutil.rmtree(folder)
        folder.mkdir(parents=True)
    free = shutil.disk_usage(folder).free
    if free < NEEDED_SPACE:
        raise ImageFailed(
            f"{folder} has {free // 1_000_000} MB free; the build needs {NEEDED_SPACE // 1_000_000} MB: make room, or have"
            " REMPART_STATE name a folder elsewhere"
        )
    archive = folder / "root.tar"
    command = [
        *_DIES_WITH_US,
        "mmdebstrap", "--quiet", "--variant=minbase", "--format=tar", f"--include={','.join(PACKAGES)}",
        '--aptopt=APT::Install-Recommends "false"', *(f"--dpkgopt=path-exclude={path}" for path in EXCLUDED),
        SUITE, str(archive), "-",
    ]  # fmt: skip
    environment = {**os.environ, "TMPDIR": str(folder), "DEBIAN_FRONTEND": "noninteractive"}
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        env=environment,
    ) as build:
        try:
            _, told = build.communicate(apt_sources())
        except BaseException:
            build.kill()
            with Undisturbed(), suppress(subprocess.TimeoutExpired):
                build.communicate(timeout=_GONE_WITHIN)  # ends with the last of its processes: each holds the pipe
            raise
    if build.returncode != 0:
        tail = "\n".join(f"    {line}" for line in told.strip().splitlines()[-12:])
        raise ImageFailed(f"mmdebstrap ended with status {build.returncode}; nothing was imported:\n{tail}")
    return archive


# A build is many processes: apt, dpkg, tar. In a pid namespace whose first process dies with us none outlives us, even
# when we are killed, and none can write into the folder of the next build.
_DIES_WITH_US = ("setpriv", "--pdeathsig=KILL", "--", "unshare", "--pid", "--fork", "--kill-child", "--mount-proc", "--")
