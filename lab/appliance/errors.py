"""What the appliance's commands raise; ``__main__`` turns each into lines on standard error and an exit code."""

from __future__ import annotations

from collections.abc import Sequence

TYPE_CHECKING = False  # the model would be half of what the shortest commands take, typing itself a tenth
if TYPE_CHECKING:
    from sns.model import Finding


class ApplianceError(Exception):
    """Base of everything that a command of the appliance tells its user."""


class Refused(ApplianceError):
    """The configuration was not applied: each finding names file, line and field. The running configuration stays."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        self.findings = tuple(findings)
        super().__init__("\n".join(str(finding) for finding in self.findings))


class ServiceFailed(ApplianceError):
    """A daemon did not start or stop in time. ``log_tail`` holds the last lines that it wrote."""

    def __init__(self, name: str, log_tail: str) -> None:
        self.name = name
        self.log_tail = log_tail
        super().__init__(f"{name} did not start; the end of its log:\n{log_tail}" if log_tail else f"{name} did not start")


class Misused(ApplianceError):
    """The command line is not one that the command understands; the message says how it is written. Exit code 2."""


class ProgramFailed(ApplianceError):
    """A program of the system refused its task. ``said`` is its own message."""

    def __init__(self, arguments: Sequence[str], said: str) -> None:
        self.program = arguments[0]
        self.said = said
        super().__init__(f"{' '.join(arguments)}: {said or 'failed without a word'}")
