"""A simulated appliance, from outside: its configuration files, its commands, its state, and how to put it all back."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property
from ipaddress import IPv4Interface
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lab import addresses, rule_counters
from lab.appliance import changes, command, ipsec, security_associations
from lab.appliance.ha_control import CONTROL
from lab.appliance.security_associations import Peer, SecurityAssociation
from lab.appliance.vici import Session, ViciError
from lab.errors import CommandFailed
from lab.host import LabHost
from lab.namespace import Completed
from lab.rule_counters import Counter

if TYPE_CHECKING:
    from sns.model import Configuration
    from sns.rereading import Rereader

FIREWALL = "/usr/Firewall"
CONFIG = f"{FIREWALL}/ConfigFiles"
DATA = f"{FIREWALL}/Data"
HA_ANSWERS_WITHIN = 1.0  # s: a dead agent refuses at once, a frozen one does not answer at all


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All configuration files of an appliance at one moment: path below its root -> content."""

    files: Mapping[str, bytes]


class Appliance:
    """One member of a site's firewall."""

    def __init__(self, host: LabHost, number: int) -> None:
        self.host = host
        self.number = number

    def __repr__(self) -> str:
        return f"<appliance {self.name}>"

    @property
    def name(self) -> str:
        """Its name in the lab (``fw1-sbg7``)."""
        return self.host.name

    @property
    def site(self) -> str:
        """The site it protects."""
        return self.host.site

    # Files: reached through the namespace's root, without a process

    def path(self, inside: str) -> Path:
        """Where the machine sees a path of the appliance."""
        return self.host.path(inside)

    def configuration(self) -> Configuration:
        """Its ConfigFiles as they are now, applied or not."""
        return self._reader.read(self.path(CONFIG), label=self.site, leases=self._leases())

    @cached_property
    def _reader(self) -> Rereader:
        from sns.rereading import Rereader

        return Rereader()

    def _leases(self) -> dict[str, IPv4Interface]:
        nics = {nic.name for nic in self.host.spec.nics}
        found = addresses.by_interface(self.host.pid, where=self.name)
        return {nic.replace("eth", "ethernet"): known[-1] for nic, known in found.items() if nic in nics}

    def read(self, file: str) -> str:
        """A configuration file, named as in findings (``Filter/05``)."""
        return self.path(f"{CONFIG}/{file}").read_text()

    def read_log(self, name: str) -> str:
        """A log of it (``l_ha``), all of it; empty when there is none."""
        path = self.path(f"/log/{name}")
        return path.read_text(errors="replace") if path.exists() else ""

    def write(self, file: str, text: str) -> None:
        """Replace a configuration file; nothing changes until a command applies it."""
        path = self.path(f"{CONFIG}/{file}")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def edit(self, file: str, change: Callable[[str], str]) -> None:
        """Change a configuration file. Raises ValueError when the change changes nothing: it would prove nothing."""
        before = self.read(file)
        after = change(before)
        if after == before:
            raise ValueError(f"{self.name}: the edit of {file} changed nothing")
        self.write(file, after)

    def snapshot(self) -> Snapshot:
        """All of its configuration, to be put back by :meth:`restore`."""
        return Snapshot(dict(self._files()))

    def restore(self, snapshot: Snapshot) -> None:
        """Put the configuration back and apply what differs. Raises CommandFailed when that does not work."""
        self.apply_changes(self.put_back(snapshot))

    def put_back(self, snapshot: Snapshot) -> set[str]:
        """Put the configuration back without applying it; the files (paths below the root) that differed."""
        now = dict(self._files())
        changed = {path for path in now.keys() | snapshot.files.keys() if now.get(path) != snapshot.files.get(path)}
        self.replace({path: snapshot.files.get(path) for path in changed})
        return changed

    def replace(self, files: Mapping[str, bytes | None]) -> None:
        """Replace files (paths below the root), or remove those without content; nothing changes until they are applied."""
        for path, content in files.items():
            target = self.path(path)
            if content is None:
                target.unlink(missing_ok=True)
            else:
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(content)

    def apply_changes(self, changed: Iterable[str]) -> list[str]:
        """Run the commands that make these changed files (paths below the root) count; which ones. Raises CommandFailed."""
        roots = (f"{CONFIG}/".lstrip("/"), f"{FIREWALL}/".lstrip("/"))
        wanted = changes.commands_for(path.removeprefix(roots[0]).removeprefix(roots[1]) for path in changed)
        if wanted:  # in one process: each command by itself costs another
            self.host.must("python3", "-I", "-S", command.INSTALLED, "changes", *wanted)
        return wanted

    def _files(self) -> Iterable[tuple[str, bytes]]:
        root = self.path("/")
        for folder in (CONFIG, DATA):
            for path in sorted(self.path(folder).rglob("*")):
                if path.is_file():
                    yield str(path.relative_to(root)), path.read_bytes()

    # Commands

    def run(self, *command: str, timeout: float = 30.0) -> Completed:
        """Run a command on the appliance; the caller judges its status."""
        return self.host.run(*command, timeout=timeout)

    def apply(self, command: str, *arguments: str) -> Completed:
        """Run a command that has to work (``enfilter``, ``envpn`` …). Raises CommandFailed."""
        done = self.run(command, *arguments)
        if not done.ok:
            raise CommandFailed(self.name, done.command, done.status, done.stderr or done.stdout)
        return done

    def ha_status(self) -> dict[str, Any] | None:
        """What its HA agent says (:func:`lab.appliance.ha_status.status`); None when it does not answer.

        Asked at its socket, in a millisecond: the command ``hainfo`` takes a process and is for people.
        """
        return ha_statuses([self])[self.name]

    def security_associations(self) -> list[SecurityAssociation]:
        """Those that its IKE daemon holds; none when it does not run. Asked at its socket, as :meth:`ha_status` is."""
        try:
            with Session(self.path(str(ipsec.SOCKET))) as session:
                return security_associations.read(session)
        except ViciError:
            return []

    def peers(self) -> list[Peer]:
        """The peers that its IKE daemon knows; none when it does not run."""
        try:
            with Session(self.path(str(ipsec.SOCKET))) as session:
                return security_associations.peers(session)
        except ViciError:
            return []

    def renew_tunnels(self) -> None:
        """Renew the keys of every IPsec tunnel now, as at the end of their lifetime. Raises CommandFailed."""
        self._tell_charon("rekey", security_associations.renew)

    def give_up_negotiations(self) -> None:
        """End what is being negotiated and stands nowhere yet. Raises CommandFailed."""
        self._tell_charon("terminate", security_associations.give_up)

    def _tell_charon(self, what: str, tell: Callable[[Session], None]) -> None:
        """The product has no command for it: its IKE daemon is told, at its socket."""
        try:
            with Session(self.path(str(ipsec.SOCKET))) as session:
                tell(session)
        except ViciError as why:
            raise CommandFailed(self.name, what, 1, str(why)) from why

    def call(self, statement: str) -> None:
        """Have the appliance's own code do what no command of it does. Raises CommandFailed."""
        self.host.must("python3", "-B", "-c", f"import sys; sys.path.insert(0, '/opt/rempart'); {statement}")

    def counters(self) -> dict[str, Counter]:
        """How often each rule matched, by its place (``Filter/05:14``) or implicit name. Raises LabError."""
        return self._counters.read()

    @cached_property
    def _counters(self) -> rule_counters.Reader:
        return rule_counters.Reader(self.host)


def ha_statuses(members: Iterable[Appliance]) -> dict[str, dict[str, Any] | None]:
    """What the HA agents of these members say, by their names, as :meth:`Appliance.ha_status`: all asked, and then heard."""
    with ExitStack() as opened:
        asked = {member.name: _asked(member, opened) for member in members}
        return {name: _heard(connection) if connection else None for name, connection in asked.items()}


def _asked(member: Appliance, opened: ExitStack) -> socket.socket | None:
    connection = opened.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
    try:
        connection.settimeout(HA_ANSWERS_WITHIN)
        connection.connect(str(member.path(str(CONTROL))))
        connection.sendall(b"status\n")
    except OSError:
        return None
    return connection


def _heard(connection: socket.socket) -> dict[str, Any] | None:
    try:
        with connection.makefile() as answer:
            told: dict[str, Any] = json.loads(answer.read())
    except (OSError, ValueError):
        return None
    return told


def differences(before: Mapping[str, Counter], after: Mapping[str, Counter]) -> dict[str, int]:
    """How many packets more each rule matched; rules without change are left out."""
    grown = {place: counter.packets - before.get(place, Counter(0, 0)).packets for place, counter in after.items()}
    return {place: packets for place, packets in grown.items() if packets}
