"""What goes wrong with an appliance, in words that say which one, what was asked of it, what it said, and what to do."""

from __future__ import annotations

import re

_SECRET = re.compile(r'\b(password|psk|pswd)=("[^"]*"|\S+)|(SETPASSPHRASE)\s+\S+', re.IGNORECASE)


def hidden(command: str) -> str:
    """A command line without the secrets in it."""
    return _SECRET.sub(lambda found: f"{found[1] or found[3]}{'=' if found[1] else ' '}(secret)", command)


class ApplianceError(Exception):
    """Base of all of them. ``host`` is the appliance's address."""

    def __init__(self, host: str, what: str, remedy: str) -> None:
        super().__init__(f"{host}: {what} ({remedy})")
        self.host = host


class Unreachable(ApplianceError):
    """It does not answer, or not in time."""


class Untrusted(ApplianceError):
    """Whoever answers does not prove to be the appliance: certificate or host key are not the expected ones."""


class LoginRefused(ApplianceError):
    """It answers, and does not let us in."""


class CommandRefused(ApplianceError):
    """It did not carry out a command. ``ret`` is its class of error (sns.md 4), ``code`` its own number of it."""

    def __init__(self, host: str, command: str, ret: int, code: str, said: str) -> None:
        remedy = {
            202: "check user and password",
            204: "another administrator has the privilege: MODIFY ON FORCE takes it",
            205: "log in with the privilege, or take it with MODIFY ON",
            206: "the licence does not allow it",
        }.get(ret, "correct the command")
        super().__init__(host, f"{hidden(command)}: {ret} code={code} {said}", remedy)
        self.command, self.ret, self.code = command, ret, code


class NotAsIntended(ApplianceError):
    """It runs another configuration than the intended one. ``differences`` say in what."""

    def __init__(self, host: str, differences: list[str]) -> None:
        listed = "\n  ".join(differences)
        super().__init__(
            host, f"runs another configuration than the intended one:\n  {listed}\n", "apply it, or correct the plan"
        )
        self.differences = tuple(differences)


class WentBack(ApplianceError):
    """A change cut the way to the appliance, which goes back, or went back, to what it had."""
