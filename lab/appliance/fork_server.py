"""The appliance's fork server: one process that has imported everything, of which commands and programs are forked.

It is forked from the boot. A command (:mod:`lab.appliance.command`) lives as long as whoever gave it; a program, as the HA
agent, goes on alone. The server holds no thread and no state but its children's process ids, so a fork of it is as good as a
process that was started by itself.
"""

from __future__ import annotations

import gc
import importlib
import os
import selectors
import signal
import socket
import sys
import traceback
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import NoReturn

from lab.appliance import __main__ as commands
from lab.appliance import command, paths
from lab.appliance.command import COMMAND, READY, SOCKET, STALE

_LOG = paths.LOG / "l_fork_server"
_LONGEST = 1 << 18  # bytes of a request: more than the kernel lets anybody send at once
_BACKLOG = 32
_MOST_FILES = 1 << 16
_OURS = ("lab.", "sns.")
_PROGRAMS = ("lab.appliance.webpage",)
_OF_A_CLUSTER = ("lab.appliance.ha_agent", "lab.appliance.ha_worker")


def start(*, cluster: bool) -> None:
    """Import everything, and fork the server, unless one serves. Where it cannot listen, what is asked for runs by itself."""
    if (serving := command.connected()) is not None:
        serving.close()
        return
    for module in (*commands.modules(), *_PROGRAMS, *(_OF_A_CLUSTER if cluster else ())):
        importlib.import_module(module)
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
        Path(SOCKET).unlink(missing_ok=True)
        listener.bind(SOCKET)
        Path(SOCKET).chmod(0o600)
        listener.listen(_BACKLOG)
        if os.fork() == 0:
            _end(partial(_serve, listener))


def _serve(listener: socket.socket) -> None:
    handles = [os.open(os.devnull, os.O_RDONLY), *2 * [os.open(_LOG, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o640)]]
    os.setsid()
    for number, handle in enumerate(handles):
        os.dup2(handle, number)
    _call_oneself("fork_server")
    gc.freeze()  # what is imported is never garbage: a fork that looked for some would copy every page of it
    _Server(listener).serve()


class _Server:
    """The server's loop."""

    def __init__(self, listener: socket.socket) -> None:
        self._listener = listener
        self._clients: dict[int, socket.socket] = {}  # who waits for a command's end, by the handle of its process
        self._files = [module.__file__ for name, module in sys.modules.items() if name.startswith(_OURS) and module.__file__]
        self._imported = self._stamps()
        self._selector = selectors.DefaultSelector()
        self._on(listener, self._accept)

    def serve(self) -> None:
        """Serve for ever."""
        while True:
            for key, _ in self._selector.select():
                if self._selector.get_map().get(key.fd) is key:  # else another event of this round has put it away
                    key.data()

    def _on(self, source: socket.socket | int, act: Callable[[], None]) -> None:
        self._selector.register(source, selectors.EVENT_READ, act)

    def _stamps(self) -> list[int]:
        with suppress(OSError):
            return [Path(file).stat().st_mtime_ns for file in self._files]
        return []

    def _accept(self) -> None:
        client, _ = self._listener.accept()
        self._on(client, partial(self._asked, client))
        with suppress(OSError):  # it has gone already, which is noticed when it is read from
            client.send(READY)

    def _asked(self, client: socket.socket) -> None:
        self._selector.unregister(client)
        message, descriptors = b"", list[int]()
        with suppress(OSError):
            message, descriptors, _, _ = socket.recv_fds(client, _LONGEST, 3)
        if not message:  # who waited too long has gone, and asked for nothing
            client.close()
        elif self._imported != self._stamps():
            _tell(client, STALE)
        else:
            self._fork(client, message.decode(errors="surrogateescape").split("\0"), descriptors)
        for descriptor in descriptors:
            os.close(descriptor)

    def _fork(self, client: socket.socket, message: list[str], descriptors: list[int]) -> None:
        kind, folder, count, *rest = message
        words, environment = rest[: int(count)], rest[int(count) :]
        pid = os.fork()
        if pid == 0:
            _become(descriptors, folder, environment)
            _end(partial(commands.main, words) if kind == COMMAND else partial(_run, *words))
        handle = os.pidfd_open(pid)
        self._on(handle, partial(self._ended, pid, handle))
        if kind == COMMAND:
            self._clients[handle] = client
            self._on(client, partial(self._left, pid, handle))
        else:
            _tell(client, str(pid).encode())

    def _ended(self, pid: int, handle: int) -> None:
        self._selector.unregister(handle)
        os.close(handle)
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        if (client := self._clients.pop(handle, None)) is not None:
            self._selector.unregister(client)
            _tell(client, str(code if code >= 0 else 128 - code).encode())

    def _left(self, pid: int, handle: int) -> None:
        """Who gave the command is gone: it ends, with all that it started and waits for."""
        client = self._clients.pop(handle)
        self._selector.unregister(client)
        client.close()
        signal.pidfd_send_signal(handle, signal.SIGKILL)
        with suppress(ProcessLookupError):  # it had not begun
            os.killpg(pid, signal.SIGKILL)


def _tell(client: socket.socket, what: bytes) -> None:
    with suppress(OSError), client:  # it may have gone meanwhile
        client.send(what)


def _become(descriptors: Sequence[int], folder: str, environment: Iterable[str]) -> None:
    """A fork becomes what would have been started by itself: a session, three open files, a folder, an environment."""
    os.setsid()
    for number, descriptor in enumerate(descriptors):
        os.dup2(descriptor, number)
    os.closerange(3, _MOST_FILES)
    os.chdir(folder)
    os.environ.clear()
    for name, _, value in (entry.partition("=") for entry in environment):
        os.environ[name] = value


def _run(module: str, *arguments: str) -> object:
    gc.enable()  # it stays
    _call_oneself(module.rpartition(".")[2])
    return importlib.import_module(module).main(list(arguments))


def _call_oneself(name: str) -> None:
    """What ``ps -o comm`` shows; its arguments remain those of the boot."""
    with suppress(OSError):
        Path("/proc/self/comm").write_text(name)


def _end(act: Callable[[], object]) -> NoReturn:
    """Do what a fork is for, and end as an interpreter does; it must not return into its server's loop."""
    code: object = 1
    try:
        code = act()
    except SystemExit as end:
        code = end.code
    except BaseException:  # nobody else tells it
        traceback.print_exc()
    finally:
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError):
                stream.flush()
        os._exit(code if isinstance(code, int) else code is not None)
