"""A firewall of the deployment itself: its running configuration, fetched over SSH and held against the one under test."""

from __future__ import annotations

import hashlib
import io
import tarfile
import tempfile
from base64 import b64decode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Interface
from pathlib import Path

from provisioning.appliance.differences import differences
from provisioning.appliance.tree import Tree
from provisioning.live.errors import NotAsIntended, Unreachable
from provisioning.live.hosts import Machine
from sns.model import Configuration
from sns.reader import read

FIREWALL = "/usr/Firewall"
_FOLDERS = ("ConfigFiles", "Data")
# An archive as text: what carries commands carries text. base64 is not on every system, openssl is on the product's.
_FETCH = f"cd {FIREWALL} && tar -cf - $(ls -d {' '.join(_FOLDERS)} 2>/dev/null) | openssl base64"


@dataclass(frozen=True, slots=True)
class Running:
    """What a firewall has among its configuration files. ``files`` are their contents by path below ``/usr/Firewall``."""

    firewall: str
    files: Mapping[str, bytes]

    def hashes(self) -> Mapping[str, str]:
        """The SHA-256 of each file by its path on the appliance."""
        return {f"{FIREWALL}/{path}": hashlib.sha256(content).hexdigest() for path, content in sorted(self.files.items())}

    def configuration(self, label: str, leases: Mapping[str, IPv4Interface]) -> Configuration:
        """The files read, as those of a site."""
        with tempfile.TemporaryDirectory(prefix="rempart-") as folder:
            for path, content in self.files.items():
                target = Path(folder) / path
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(content)
            return read(Path(folder) / "ConfigFiles", label=label, leases=dict(leases))


def fetch(firewall: Machine) -> Running:
    """The firewall's configuration as it is now. Raises Unreachable, also when what comes is no configuration."""
    text = firewall.must("sh", "-c", _FETCH)
    try:
        with tarfile.open(fileobj=io.BytesIO(b64decode(text))) as archive:
            files = dict(_plain(archive))
    except (ValueError, tarfile.TarError) as why:
        raise Unreachable(f"{firewall.name}: what it gives for its configuration cannot be read: {why}") from None
    return Running(firewall.name, files)


def _plain(archive: tarfile.TarFile) -> Iterator[tuple[str, bytes]]:
    for entry in archive:
        content = archive.extractfile(entry) if entry.isreg() and ".." not in Path(entry.name).parts else None
        if content is not None:
            yield entry.name, content.read()


def refuse_another(firewall: str, running: Configuration, intended: Configuration) -> None:
    """Raise NotAsIntended with every set of packets and every setting that the running configuration treats otherwise.

    The files need not be the same: comments, order and names that change nothing are no difference. Of secrets nothing is
    compared here: the plan has references where the appliance has values.
    """
    nowhere = Path()  # only what was read of the trees is compared
    try:
        told = differences(Tree(nowhere, running), Tree(nowhere, intended))
    except KeyError as slot:
        told = [f"slot {slot} is active and has no file"]
    if told := [line for line in told if "(secret)" not in line]:
        raise NotAsIntended(firewall, told)
