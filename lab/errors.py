"""What can go wrong with a lab, in words its user can act on.

LabError
├── NotRoot               only root may make namespaces and wires
├── StateUnavailable      the state folder cannot be written: disk full, read-only, no permission
├── EngineUnavailable     no Docker Engine answers and none can be started
├── EngineFailed          the engine refused what it was asked, or ended while it was asked
├── ImageFailed           the image could not be built or imported
├── HostFailed            a host did not boot; holds the end of its logs
├── HostGone              a host has ended under the lab, as with the engine that ran it
├── CommandFailed         a command that had to work did not
├── LabNotFound           no such lab is running
├── InstrumentFailed      what drives flows through the lab did not start, or ended by itself (lab.flows.instrument)
└── CaptureIncomplete     frames were lost before they could be read
"""

from __future__ import annotations

_SHOWN = 40  # lines of a host's log in a message: two services that failed at once, with 15 each


class LabError(Exception):
    """Anything that stops a lab; its text is for the user."""


class NotRoot(LabError):
    """The lab needs root, and we are not."""


class StateUnavailable(LabError):
    """The folder that holds what labs share cannot be written; the text names the file and the machine's reason."""


class EngineUnavailable(LabError):
    """No Docker Engine answers, and none can be started; the text says what to install or to run."""


class EngineFailed(LabError):
    """The engine refused something, with its own words, or no longer answers."""


class ImageFailed(LabError):
    """The lab's image could not be built or imported."""


class HostFailed(LabError):
    """A host did not boot. ``log`` is the end of what it wrote."""

    def __init__(self, host: str, what: str, log: str = "") -> None:
        self.host = host
        self.what = what
        self.log = log
        tail = "\n".join(f"    {line}" for line in log.strip().splitlines()[-_SHOWN:])
        super().__init__(f"{host}: {what}" + (f"\n{tail}" if tail else ""))


class HostGone(LabError):
    """A host's first process has ended, and all the others with it."""

    def __init__(self, host: str) -> None:
        super().__init__(
            f"{host} has stopped: its container has ended (was Docker restarted, or memory short?); this lab cannot go on,"
            " a new one can be started"
        )


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
