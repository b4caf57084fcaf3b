"""testinfra over nsenter: the same ``Host`` API, 4 ms a command instead of 57 through the engine."""

from __future__ import annotations

from functools import cache
from typing import Any

from testinfra.backend.base import BaseBackend, CommandResult
from testinfra.host import Host

from lab.errors import HostGone
from lab.journal import Journal, entry
from lab.namespace import ENVIRONMENT, enter, is_gone


class NamespaceBackend(BaseBackend):  # type: ignore[misc]  # testinfra has no types
    """Runs commands in all namespaces of a process."""

    NAME = "namespace"

    def __init__(self, pid: int, name: str, *args: Any, **kwargs: Any) -> None:
        self.pid, self.name = pid, name
        self.journal: Journal | None = None
        super().__init__(name, *args, **kwargs)

    def run(self, command: str, *args: str, **_: Any) -> CommandResult:
        """Run a shell command in the host; arguments are quoted. Raises HostGone."""
        environment = " ".join(f"{name}={value}" for name, value in ENVIRONMENT.items())
        line = self.get_command(command, *args)
        with entry(self.journal, self.name, line) as ended:
            result = self.run_local(f"{' '.join(enter(self.pid))} env -i {environment} /bin/sh -c %s", line)
            ended(result.rc, result.stdout, result.stderr)
        if result.rc != 0 and is_gone(self.pid):
            raise HostGone(self.name)
        return result


@cache
def host_of(pid: int, name: str) -> Host:
    """The testinfra host of a process's namespaces."""
    return Host(NamespaceBackend(pid, name))
