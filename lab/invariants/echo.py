"""An echo server on a host of the lab that has none of its own: for sessions that end behind a firewall."""

from __future__ import annotations

import selectors
import socket
import threading
from contextlib import suppress
from types import TracebackType

from lab.host import LabHost

_WAKES_EVERY = 0.2  # s: it looks whether it is to end


class Echo:
    """Answers TCP and UDP on one port of a host, from entering the context to its end."""

    def __init__(self, host: LabHost, port: int) -> None:
        self._selector = selectors.DefaultSelector()
        self._datagrams = host.socket(kind=socket.SOCK_DGRAM)
        self._listener = host.socket(kind=socket.SOCK_STREAM)
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        for opened in (self._datagrams, self._listener):
            opened.bind(("", port))
            self._watch(opened)
        self._listener.listen()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"echo-{host.name}", daemon=True)

    def __enter__(self) -> Echo:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, why: BaseException | None, trace: TracebackType | None) -> None:
        self._over.set()
        self._thread.join()
        for key in list(self._selector.get_map().values()):
            key.fileobj.close()  # type: ignore[union-attr]
        self._selector.close()

    def _watch(self, opened: socket.socket) -> None:
        opened.setblocking(False)
        self._selector.register(opened, selectors.EVENT_READ)

    def _run(self) -> None:
        while not self._over.is_set():
            for key, _ in self._selector.select(_WAKES_EVERY):
                self._serve(key.fileobj)  # type: ignore[arg-type]

    def _serve(self, ready: socket.socket) -> None:
        with suppress(BlockingIOError):
            if ready is self._listener:
                self._watch(ready.accept()[0])
            elif ready is self._datagrams:
                data, origin = ready.recvfrom(4096)
                with suppress(OSError):  # its way back is gone
                    ready.sendto(data, origin)
            else:
                self._echo(ready)

    def _echo(self, session: socket.socket) -> None:
        try:
            data = session.recv(4096)
            if data:
                session.sendall(data)  # a few bytes at a time: they find room, or the session is over anyway
                return
        except BlockingIOError:
            return
        except OSError:
            pass  # reset, or gone
        self._selector.unregister(session)
        session.close()
