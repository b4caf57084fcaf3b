"""Another configuration for a firewall of a running lab, in place: its files are exchanged and applied, the lab goes on."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from lab.cluster import Cluster
from lab.device import CONFIG, DATA, FIREWALL, Appliance, Snapshot
from lab.errors import CommandFailed, LabError
from provisioning.keys import Keys
from provisioning.secrets import SecretUnavailable

if TYPE_CHECKING:
    from provisioning.environment import LabEnvironment

Tree: TypeAlias = Path | Mapping[str, bytes]
"""A ConfigFiles folder, or all of its files by name (``Filter/05``). The directory's base lies beside the folder, and is
named from there (``Data/Ldapbase.ldif``)."""

_CONFIG, _DATA = (f"{folder}/".lstrip("/") for folder in (CONFIG, DATA))


class ApplyRefused(LabError):
    """The appliance refused a configuration, and runs the one that it had. ``reasons`` are its words, with file and line."""

    def __init__(self, site: str, reasons: tuple[str, ...]) -> None:
        self.site = site
        self.reasons = reasons
        super().__init__("\n  ".join([f"{site}: the configuration was not applied:", *reasons]))


@dataclass(frozen=True, slots=True)
class Applied:
    """What an exchange took: the files that differed, the commands that these needed, and the time (s) of it all."""

    site: str
    files: tuple[str, ...]
    commands: tuple[str, ...]
    seconds: float
    _cluster: Cluster = field(repr=False)
    _before: tuple[Snapshot, ...] = field(repr=False)
    _running: Collection[str] | None = field(repr=False)

    def undo(self) -> float:
        """Put back the configuration that was there before, and apply it; the time in seconds. Raises CommandFailed."""
        began = time.monotonic()
        _restore(self._cluster, self._before, self._running)
        return time.monotonic() - began


def apply(
    environment: LabEnvironment,
    site: str,
    tree: Tree,
    *,
    members: Collection[str] | None = None,
    running: Collection[str] | None = None,
) -> Applied:
    """Make a site's running firewall run another ConfigFiles tree, and return when it does.

    Only files that differ are written, and only commands that these need are run, on all members side by side, as
    ``hasync`` leaves them; with ``members`` on those alone, as when it was forgotten. With ``running`` only those run
    commands: a passive member that nobody will make active until the undoing needs none. Secrets of the deployment are
    filled in, and what the lab itself made (certificates, keys) stays. Of ``Data`` only files that the tree has are looked
    at. Connections that the new policy allows go on.

    Raises ApplyRefused when the appliance refuses a file or a secret is missing: the earlier files are then back, and
    applied. Raises LabError for a member that does not answer.
    """
    began = time.monotonic()
    cluster = environment.cluster(site)
    wanted = _filled(environment, site, tree)
    chosen = [member for member in cluster.members if members is None or member.name in members]
    before = cluster.snapshot()
    now = {member.name: snapshot.files for member, snapshot in zip(cluster.members, before, strict=True)}
    edits = {member.name: _edits(now[member.name], wanted) for member in chosen}
    differing = sorted({_named(path) for edit in edits.values() for path in edit})

    def one(member: Appliance) -> tuple[list[str], str]:
        member.replace(edits[member.name])
        if running is not None and member.name not in running:
            return [], ""
        try:
            return member.apply_changes(edits[member.name]), ""
        except CommandFailed as why:
            return [], why.output.strip()

    with ThreadPoolExecutor() as pool:
        done = list(pool.map(one, chosen))
    if refusals := dict.fromkeys(line for _, refusal in done for line in refusal.splitlines()):
        _restore(cluster, before, running)
        raise ApplyRefused(site, tuple(refusals))
    commands = max((commands for commands, _ in done), key=len, default=[])
    return Applied(site, tuple(differing), tuple(commands), time.monotonic() - began, cluster, before, running)


def _restore(cluster: Cluster, before: tuple[Snapshot, ...], running: Collection[str] | None) -> None:
    """Put the configurations back, and apply them where they run."""
    if running is None:
        cluster.restore(before)
        return
    for member, snapshot in zip(cluster.members, before, strict=True):
        if member.name in running:
            member.restore(snapshot)
        else:
            member.put_back(snapshot)


def files(folder: Path) -> dict[str, bytes]:
    """All files of a ConfigFiles folder, and of the directory's base beside it, by name, as they stand there."""
    found = {}
    for root, prefix in ((folder, ""), (folder.parent / "Data", "Data/")):
        for path in sorted(root.rglob("*")) if root.is_dir() else ():
            if path.is_file():
                found[f"{prefix}{path.relative_to(root).as_posix()}"] = path.read_bytes()
    return found


def _filled(environment: LabEnvironment, site: str, tree: Tree) -> dict[str, bytes]:
    """The files as they are installed: path below the root -> content."""
    wanted: dict[str, bytes] = {}
    try:
        for name, content in (tree if isinstance(tree, Mapping) else files(tree)).items():
            path = f"{FIREWALL}/{name}" if name.startswith("Data/") else f"{CONFIG}/{name}"
            if b"${secret:" in content:
                content = environment.secrets.fill(content.decode()).encode()
            wanted[path.lstrip("/")] = content
    except SecretUnavailable as why:
        raise ApplyRefused(site, (str(why),)) from None
    made = Keys(environment.deployment, environment.secrets).firewall(environment.deployment.site(site))
    return {**wanted, **{path.lstrip("/"): content for path, (content, _) in made.items()}}


def _edits(now: Mapping[str, bytes], wanted: Mapping[str, bytes]) -> dict[str, bytes | None]:
    """What to write, and what to remove (None). Nothing of ``Data`` is removed: the appliance keeps more than ours there."""
    gone = {path for path in now if path not in wanted and not path.startswith(_DATA)}
    edits: dict[str, bytes | None] = {path: content for path, content in wanted.items() if now.get(path) != content}
    return {**edits, **dict.fromkeys(gone)}


def _named(path: str) -> str:
    return path.removeprefix(_CONFIG).removeprefix(f"{FIREWALL}/".lstrip("/"))
