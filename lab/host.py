"""A host of a running lab: boot it, run commands in it, move files, open its sockets."""

from __future__ import annotations

import os
import shlex
import socket
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from lab import namespace
from lab.commands import Commanded
from lab.errors import CommandFailed, HostFailed
from lab.journal import Journal, entry
from lab.namespace import Completed
from lab.topology import Host, Nic

if TYPE_CHECKING:
    from testinfra.host import Host as TestinfraHost

    from lab.fabric import Fabric

T = TypeVar("T")

BOOT_WITHIN = 60.0  # s: a boot takes under a second; of sixteen appliances on a busy machine eight boot side by side

# kill(-1) from inside spares only pid 1, which is the reaper and holds the namespaces; beside it are its sleep and we. A
# process that closes a tunnel's device takes its time to die, and would be taken for one that runs.
_KILL = "kill -KILL -1; for look in $(seq 200); do set -- /proc/[0-9]*; [ $# -le 3 ] && exit; sleep 0.005; done"


class LabHost(Commanded):
    """A running host. ``pid`` is its first process, as the machine numbers it."""

    def __init__(self, spec: Host, pid: int, fabric: Fabric) -> None:
        self.spec = spec
        self.pid = pid
        self.fabric = fabric
        self.journal: Journal | None = None
        """Where the commands are told that are run here; None when nobody listens."""

    def __repr__(self) -> str:
        return f"<host {self.name}>"

    @property
    def name(self) -> str:
        """The host's name, also its host name."""
        return self.spec.name

    @property
    def site(self) -> str:
        """The site it stands in; empty for hosts of the Internet."""
        return self.spec.site

    def nic(self, name: str) -> Nic:
        """Its interface of this name. Raises KeyError."""
        for nic in self.spec.nics:
            if nic.name == name:
                return nic
        raise KeyError(name)

    def run(self, *command: str, timeout: float = 30.0, stdin: bytes | None = None) -> Completed:
        """Run a program; its status is for the caller to judge. Raises CommandFailed only for a time-out (seconds)."""
        with entry(self.journal, self.name, shlex.join(command)) as ended:
            done = namespace.run(self.pid, command, timeout=timeout, stdin=stdin, where=self.name)
            ended(done.status, done.stdout, done.stderr)
        return done

    @property
    def facts(self) -> TestinfraHost:
        """The host as testinfra sees it: ``facts.socket(...)``, ``facts.service(...)``, ``facts.file(...)``."""
        from lab.testinfra_backend import host_of

        host = host_of(self.pid, self.name)
        host.backend.journal = self.journal
        return host

    def path(self, inside: str) -> Path:
        """Where the machine sees a path of the host."""
        return Path(f"/proc/{self.pid}/root/{inside.lstrip('/')}")

    def size(self, inside: str) -> int:
        """How long a file of the host is, in bytes. Raises OSError."""
        return os.stat(f"/proc/{self.pid}/root/{inside.lstrip('/')}").st_size  # noqa: PTH116 - a Path costs thrice as much

    def boot(self) -> None:
        """Write its files and run its boot script. Raises HostFailed with the end of the logs."""
        self.write(self.spec.files)
        if not self.spec.boot:
            return
        try:
            done = self.run("sh", "-c", self.spec.boot, timeout=BOOT_WITHIN)
        except CommandFailed as late:
            raise HostFailed(self.name, f"its boot did not end within {BOOT_WITHIN:g} s", self.logs()) from late
        if not done.ok:
            # A boot names the service that failed, with the end of its log; all logs are for one that says nothing.
            output = "\n".join(part for part in (done.stdout, done.stderr) if part.strip()) or self.logs()
            raise HostFailed(self.name, f"its boot ended with status {done.status}", output)

    def logs(self, lines: int = 12) -> str:
        """The last lines of the host's own logs."""
        if not self.spec.logs:
            return ""
        return self.run("tail", "-n", str(lines), *self.spec.logs).stdout

    def inside(self, act: Callable[[], T]) -> T:
        """The result of ``act`` called in the host's network namespace (sockets opened there stay there)."""
        return namespace.inside(self.pid, act, where=self.name)

    def socket(self, family: int = socket.AF_INET, kind: int = socket.SOCK_STREAM, protocol: int = 0) -> socket.socket:
        """A socket of this host."""
        return self.inside(lambda: socket.socket(family, kind, protocol))

    def freeze_everything(self) -> None:
        """Every process but the namespace's first stops where it is; nothing is closed, nobody is told."""
        self.run("sh", "-c", "kill -STOP -1")

    def thaw_everything(self) -> None:
        """Frozen processes go on where they were; others do not notice."""
        self.run("sh", "-c", "kill -CONT -1")
        namespace.resume_commands(self.pid)

    def kill_everything(self) -> None:
        """What a power cut does to software: every process but the namespace's first dies at once; on return all are gone."""
        self.run("sh", "-c", _KILL)
        namespace.resume_commands(self.pid)
