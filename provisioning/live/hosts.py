"""Hosts of the deployment itself: this machine, and those that are reached over SSH, the private ones through their firewall.

The user's own ``~/.ssh/config``, ``known_hosts`` and agent are used: no host key is taken on trust, and no password asked for.
Private servers are reached as OVHcloud's guide does, from the firewall's shell with the agent forwarded: whether the
product's SSH server lets connections through (``ssh -J``) is not known.
"""

from __future__ import annotations

import json
import re
import shlex
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib import resources
from ipaddress import IPv4Address

from lab.commands import Commanded
from lab.errors import CommandFailed
from lab.journal import Journal, entry
from lab.namespace import Completed
from lab.probe import Echoes, Outcome, Target
from provisioning.live.errors import NotHere, Unreachable

CONNECT_WITHIN = 10  # s for a connection; the guide's regions are 15 ms apart
_NOT_CONNECTED = 255  # ssh's own status: the remote command's is any other
OFTENEST = 0.2  # s, ping(8)
_ROUND_TRIP = re.compile(r" icmp_seq=(\d+) .*time=([\d.]+) ms")
OPTIONS = ("-o", "BatchMode=yes", "-o", f"ConnectTimeout={CONNECT_WITHIN}", "-o", "LogLevel=ERROR")


@dataclass
class Machine(Commanded):
    """The machine that the test runs on: the administrator's. ``prefix`` runs its commands somewhere else on it.

    With ``sudo`` they are root's.
    """

    name: str = "admin"
    prefix: tuple[str, ...] = ()
    sudo: bool = False
    journal: Journal | None = field(default=None, repr=False)

    def run(self, *command: str, timeout: float = 30.0, stdin: bytes | None = None) -> Completed:
        """Run a program; its status is for the caller to judge. Raises CommandFailed for a time-out (seconds)."""
        shown, words = shlex.join(command), ("sudo", "-n", *command) if self.sudo else command
        with entry(self.journal, self.name, shown) as ended:
            done = _run([*self.prefix, *self.words(words)], " ".join(command), self.name, timeout, stdin)
            ended(done.status, done.stdout, done.stderr)
        return done

    def connections(self, targets: Sequence[Target], within: float) -> dict[Target, Outcome]:
        """What becomes of TCP connections from there, by Python of its own. Raises CommandFailed."""
        asked = json.dumps([(str(target.address), target.port) for target in targets])
        program = resources.files("provisioning.live").joinpath("dialling.py").read_bytes()
        said = self.must("python3", "-I", "-", asked, f"{within:g}", stdin=program, timeout=30.0 + within)
        return {target: Outcome(word) for target, word in zip(targets, json.loads(said), strict=True)}

    def echoes(self, address: IPv4Address, count: int, interval: float, within: float) -> Echoes:
        """What becomes of pings from there. Nobody but root may send them closer together than OFTENEST."""
        pause = f"{max(interval, OFTENEST):g}"
        said = self.run("ping", "-n", "-c", str(count), "-i", pause, "-W", f"{within:g}", str(address), timeout=30.0 + count)
        return Echoes(count, {int(number): float(trip) / 1000 for number, trip in _ROUND_TRIP.findall(said.stdout)})

    def words(self, command: Sequence[str]) -> Sequence[str]:
        """What is run here to run a command there."""
        return command

    def __getattr__(self, name: str) -> object:
        """What handles of a lab's hosts have besides: sockets, packets, files, a kernel."""
        if name.startswith("_"):
            raise AttributeError(name)
        raise NotHere(f"{self.name} is reached over SSH alone: no {name.replace('_', ' ')}")


@dataclass
class SshHost(Machine):
    """A host that this machine reaches over SSH, at ``destination`` (``user@address``); ``through`` is the firewall before it.

    ``options`` are for the ``ssh`` that is run here.
    """

    destination: str = ""
    options: tuple[str, ...] = ()
    through: SshHost | None = None

    def words(self, command: Sequence[str]) -> Sequence[str]:
        """``ssh`` with the command as one word, as the other side's shell reads it."""
        if self.through is None:
            return ("ssh", *self.options, *OPTIONS, self.destination, shlex.join(command))
        there = ("ssh", *OPTIONS, self.destination, shlex.join(command))
        return ("ssh", "-A", *self.options, *OPTIONS, self.through.destination, shlex.join(there))

    def read(self, path: str) -> str:
        """A text file's content; of a private server as its root, which the user of a cloud's image may become."""
        return self.must("sudo", "-n", "cat", path) if self.through else super().read(path)

    def run(self, *command: str, timeout: float = 30.0, stdin: bytes | None = None) -> Completed:
        """Run a program there. Raises Unreachable, and CommandFailed for a time-out (seconds)."""
        done = super().run(*command, timeout=timeout, stdin=stdin)
        if done.status == _NOT_CONNECTED:
            way = f" through {self.through.name} ({self.through.destination})" if self.through else ""
            said = done.stderr.strip() or "no answer"
            raise Unreachable(
                f"{self.name} ({self.destination}{way}) does not let us in over SSH: {said}"
                " (try it by hand: its host key must be known, and your key in the agent)"
            )
        return done


def _run(words: Sequence[str], shown: str, where: str, timeout: float, stdin: bytes | None) -> Completed:
    try:
        process = subprocess.Popen(
            words,
            stdin=subprocess.DEVNULL if stdin is None else subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
    except FileNotFoundError as why:
        return Completed(shown, 127, "", str(why))
    with process:
        try:
            out, err = process.communicate(stdin, timeout=timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            raise CommandFailed(where, shown, 124, f"no end after {timeout:g} s") from None
        except BaseException:
            process.kill()
            raise
    return Completed(shown, process.returncode, out.decode(errors="replace"), err.decode(errors="replace"))
