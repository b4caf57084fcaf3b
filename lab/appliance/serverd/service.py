"""serverd itself: the commands there are, and what becomes of a line that a session gives."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from functools import cached_property
from importlib import import_module

from lab.appliance import configuration as configurations
from lab.appliance import paths
from lab.appliance.errors import ApplianceError
from lab.appliance.inifile import get
from lab.appliance.serverd.clone import Clone
from lab.appliance.serverd.command import Call, Command
from lab.appliance.serverd.grammar import parse
from lab.appliance.serverd.replies import FAILED, Refusal, Reply, UnknownCommand
from lab.appliance.serverd.sessions import Guard, Session, Sessions
from sns.errors import ResolutionError
from sns.model import Configuration

_GROUPS = (
    "console", "objects", "interfaces", "policy", "slots", "tunnels", "remote_access", "people", "administration",
    "cluster", "backup", "monitor",
)  # fmt: skip
_NUMBERS = {"BruteforceState": 1, "NbAttempt": 3, "TriesTime": 60, "TimeoutBanned": 60, "IdleTimeout": 300}


class Serverd:
    """One appliance's management server. Its sessions and what they edit live as long as it does."""

    def __init__(self) -> None:
        self.clone = Clone()
        self.changing = threading.RLock()
        self.sessions = Sessions()
        self.configure()

    def configure(self) -> None:
        """Take over what ``webadmin`` says of logins."""
        path = paths.CONFIG / "webadmin"
        text = path.read_text() if path.exists() else ""
        said = {token: get(text, "Config", token) or "" for token in _NUMBERS}
        number = {token: int(said[token]) if said[token].isdecimal() else default for token, default in _NUMBERS.items()}
        self.sessions.guard = Guard(
            bool(number["BruteforceState"]), number["NbAttempt"], number["TriesTime"], number["TimeoutBanned"]
        )
        self.sessions.idle = number["IdleTimeout"]

    @cached_property
    def commands(self) -> Mapping[str, Command]:
        """All commands by the words that call them."""
        found = [command for group in _GROUPS for command in import_module(f"lab.appliance.serverd.{group}").COMMANDS]
        return {command.path: command for command in found}

    def running(self) -> Configuration:
        """The configuration in ConfigFiles."""
        return configurations.load()

    def command(self, session: Session, text: str) -> Reply:
        """What a line answers. Raises UnknownCommand; Disconnected when the client leaves by it."""

        def called() -> Reply:
            line = parse(text)
            command, words = self._find(line.words)
            reply = command.call(Call(command, session, self, words, line.tokens))
            session.download, session.upload = reply.download, reply.upload
            return reply

        return _answered(called)

    def uploaded(self, session: Session, content: bytes) -> Reply:
        """What the command answers that waited for a file, now that it is there."""
        take, session.upload = session.upload, None
        if take is None:
            return Reply(ret=200, code=FAILED, msg="no command waits for a file")
        with self.changing:
            return _answered(lambda: take(content))

    def _find(self, words: tuple[str, ...]) -> tuple[Command, tuple[str, ...]]:
        """The command with the most words that the line begins with, and the words that follow."""
        for length in range(len(words), 0, -1):
            command = self.commands.get(" ".join(words[:length]).upper())
            if command is not None:
                return command, words[length:]
        raise UnknownCommand


def _answered(act: Callable[[], Reply]) -> Reply:
    """What it answers, a refusal included."""
    try:
        return act()
    except Refusal as refused:
        return Reply(ret=refused.ret, code=refused.code, msg=str(refused))
    except (ApplianceError, ResolutionError) as failed:
        return Reply(ret=200, code=FAILED, msg=str(failed))
