"""A command of the appliance as its shell runs it: ``python3 -I -S …/command.py NAME ARGUMENT…``.

The appliance's fork server (:mod:`lab.appliance.fork_server`) has imported already what a command needs, which is more than
half of what most commands take. Where none answers, and where it says that its code is no longer the one on the disk, the
command runs in this very process. What this module imports is paid for each time: so it imports next to nothing, and speaks
to the socket by the module below :mod:`socket`.
"""

from __future__ import annotations

import _socket
import os
import sys

CODE = "/opt/rempart"
INSTALLED = f"{CODE}/lab/appliance/command.py"
"""Where it is on an appliance."""

SOCKET = "/var/lib/sns/run/commands"
COMMAND, PROGRAM = "command", "program"
READY, STALE = b"ready", b"stale"
_READY_WITHIN = 0.5  # s: it accepts in a millisecond; one that is frozen never does, and commands must not wait for it


def connected() -> _socket.socket | None:
    """A connection to the fork server that is ready to be asked; None when none is."""
    connection = _socket.socket(_socket.AF_UNIX, _socket.SOCK_SEQPACKET)
    connection.settimeout(_READY_WITHIN)
    try:
        connection.connect(SOCKET)
        if connection.recv(16) == READY:
            connection.settimeout(None)
            return connection
    except OSError:  # nobody listens, or nobody answers
        pass
    connection.close()
    return None


def ask(kind: str, words: list[str], descriptors: tuple[int, int, int], environment: list[str]) -> _socket.socket | None:
    """The connection on which the fork server answers what it was asked for; None when it was not asked.

    It is told the ``kind`` (:data:`COMMAND` or :data:`PROGRAM`), the words, the environment (``NAME=value``) and where to read,
    write and complain, and answers with a number: of a command its exit status, of a program its process id.
    """
    connection = connected()
    if connection is not None:
        rights = b"".join(descriptor.to_bytes(4, sys.byteorder) for descriptor in descriptors)
        try:
            folder = os.getcwd()  # noqa: PTH109  # pathlib would cost as much as all the rest
            message = "\0".join([kind, folder, str(len(words)), *words, *environment]).encode(errors="surrogateescape")
            connection.sendmsg([message], [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, rights)])
        except OSError:  # it has ended, the message is too long, a stream is closed or the folder is gone
            connection.close()
            return None
    return connection


def answer(connection: _socket.socket | None) -> int | None:
    """The server's answer; None when nothing was begun. Raises OSError when it ended before it answered."""
    if connection is None:
        return None
    told = connection.recv(16)
    connection.close()
    if not told:
        raise OSError("the appliance's fork server has ended")
    return None if told == STALE else int(told)


def main(words: list[str]) -> int:
    """Run a command; its exit status, 128 and the signal when one ended it."""
    try:
        status = answer(ask(COMMAND, words, (0, 1, 2), [f"{name}={value}" for name, value in os.environ.items()]))
    except OSError as error:
        print(f"{words[0] if words else 'command'}: {error}", file=sys.stderr)
        return 1
    if status is None:
        environment = {**os.environ, "PYTHONPATH": CODE, "PYTHONPYCACHEPREFIX": "/opt/pycache"}
        os.execve("/usr/bin/python3", ["python3", "-S", "-m", "lab.appliance", *words], environment)  # noqa: S606
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
