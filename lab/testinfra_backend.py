"""testinfra over nsenter: the same ``Host`` API, 4 ms a command instead of 57 through the engine."""

from __future__ import annotations

from functools import cache
from typing import Any

from testinfra.backend.base import BaseBackend, CommandResult
from testinfra.host import Host

from lab.namespace import ENVIRONMENT, enter


class NamespaceBackend(BaseBackend):  # type: ignore[misc]  # testinfra has no types
    """Runs commands in all namespaces of a process."""

    NAME = "namespace"

    def __init__(self, pid: int, name: str, *args: Any, **kwargs: Any) -> None:
        self.pid = pid
        super().__init__(name, *args, **kwargs)

    def run(self, command: str, *args: str, **_: Any) -> CommandResult:
        """Run a shell command in the host; arguments are quoted."""
        environment = " ".join(f"{name}={value}" for name, value in ENVIRONMENT.items())
        line = self.get_command(command, *args)
        return self.run_local(f"{' '.join(enter(self.pid))} env -i {environment} /bin/sh -c %s", line)


@cache
def host_of(pid: int, name: str) -> Host:
    """The testinfra host of a process's namespaces."""
    return Host(NamespaceBackend(pid, name))
