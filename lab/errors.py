"""What can go wrong with a lab, in words its user can act on.

LabError
├── EngineUnavailable     no Docker Engine answers and none can be started
├── ImageFailed           the image could not be built or imported
├── HostFailed            a host did not boot; holds the end of its logs
├── CommandFailed         a command that had to work did not
├── LabNotFound           no such lab is running
└── CaptureIncomplete     frames were lost before they could be read
"""

from __future__ import annotations


class LabError(Exception):
    """Anything that stops a lab; its text is for the user."""


class EngineUnavailable(LabError):
    """No Docker Engine answers, and none can be started; the text says what to install or to run."""


class ImageFailed(LabError):
    """The lab's image could not be built or imported."""


class HostFailed(LabError):
    """A host did not boot. ``log`` is the end of what it wrote."""

    def __init__(self, host: str, what: str, log: str = "") -> None:
        self.host = host
        self.what = what
        self.log = log
        tail = "\n".join(f"    {line}" for line in log.strip().splitlines()[-20:])
        super().__init__(f"{host}: {what}" + (f"\n{tail}" if tail else ""))


class CommandFailed(LabError):
    """A command that the lab needs failed."""

    def __init__(self, where: str, command: str, status: int, output: str) -> None:
        self.status = status
        self.output = output
        super().__init__(f"{where}: {command!r} ended with status {status}: {output.strip()[-600:] or 'no output'}")


class LabNotFound(LabError):
    """The named lab is not running."""


class CaptureIncomplete(LabError):
    """The kernel dropped frames that a capture should have held; its count is in the text."""
