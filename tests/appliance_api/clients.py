"""The vendor's own clients, run as an administrator runs them: from a host of the lab, against an appliance of it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from lab import namespace
from lab.host import LabHost
from provisioning.appliance.driver import Access

SNSCLI = Path(sys.executable).with_name("snscli")
TRAPS = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
"""Variables that make the library forget the authority that it was given (sns.md 4); who runs snscli unsets them."""


@dataclass(frozen=True)
class Said:
    """What ``snscli`` said to each command of a script, in order."""

    answers: tuple[tuple[str, str], ...]
    status: int
    output: str

    def refused(self) -> list[str]:
        """The commands that were not carried out, with why."""
        return [f"{command}: {answer}" for command, answer in self.answers if answer[:1] != "1"]


def snscli(host: LabHost, to: Access, script: str, folder: Path) -> Said:
    """Run a script of commands with ``snscli`` in a host's network."""
    file = folder / f"{to.name}.script"
    file.write_text(script)
    command = [
        str(SNSCLI), "-h", to.name, "-i", str(to.address), "-u", to.user, "-p", to.password, "-C", str(to.authority),
        "--timeout", "90", "-q", "-s", str(file),
    ]  # fmt: skip
    done = subprocess.run(
        [*namespace.enter(host.pid, everything=False), *command],
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
        env={**{name: value for name, value in os.environ.items() if name not in TRAPS}, "NO_COLOR": "1"},
    )
    output = done.stdout + done.stderr
    return Said(tuple(_answers(script, output)), done.returncode, output)


def _answers(script: str, output: str) -> Iterator[tuple[str, str]]:
    """Each command with the last line of its answer: what stands before the next command."""
    lines = [line.replace("\x1b[0m", "").replace("\x1b[31m", "") for line in output.splitlines()]
    commands = [line for line in script.splitlines() if line.strip() and not line.startswith("#")]
    at = 0
    for place, command in enumerate(commands):
        if command not in lines[at:]:
            yield command, "not carried out"
            continue
        start = lines.index(command, at) + 1
        following = commands[place + 1] if place + 1 < len(commands) else None
        end = lines.index(following, start) if following is not None and following in lines[start:] else len(lines)
        said = [line for line in lines[start:end] if line]
        yield command, said[-1] if said else "no answer"
        at = end


@contextmanager
def variables(values: Mapping[str, str]) -> Iterator[None]:
    """The environment with these variables, for a while."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
