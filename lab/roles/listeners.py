"""Small TCP and UDP servers, so that a port which must be refused has something behind it.

Runs inside a host's container, on the standard library alone:
``python3 -I -S listeners.py LOG KIND:PROTOCOL:ADDRESS:PORT...``.
It returns once all sockets are open, and goes on in the background. The kinds:

``echo``   sends back what it gets.
``greet``  says ``PROTOCOL ADDRESS PORT`` of the peer, as the listener sees it, in one line; over TCP it then closes.
``tick``   over TCP: a numbered line every 10 ms until the peer closes, so that a gap in time is a gap in the network.
"""

from __future__ import annotations

import os
import selectors
import socket
import sys
import time

TICK = 0.01  # s between two lines
LONGEST = 1 << 20  # bytes kept for a peer that does not read; more ends the connection


class Connection:
    """One TCP peer: what it is still owed, and how many ticks it got."""

    def __init__(self, stream: socket.socket, kind: str) -> None:
        self.stream = stream
        self.kind = kind
        self.owed = b""
        self.ticks = 0
        self.closing = kind == "greet"


class Listeners:
    """All sockets of this process, served by one loop."""

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()
        self._ticking: set[Connection] = set()

    def open(self, kind: str, protocol: str, address: str, port: int) -> None:
        """Open one listener. Raises OSError when the address is not ours or the port is taken."""
        family = socket.SOCK_STREAM if protocol == "tcp" else socket.SOCK_DGRAM
        opened = socket.socket(socket.AF_INET, family)
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        opened.bind((address, port))
        opened.setblocking(False)
        if protocol == "tcp":
            opened.listen(512)
        self._selector.register(opened, selectors.EVENT_READ, kind)

    def serve(self) -> None:
        """Serve for ever."""
        due = time.monotonic()
        while True:
            wait = max(0.0, due - time.monotonic()) if self._ticking else None
            for key, events in self._selector.select(wait):
                opened = key.fileobj
                if isinstance(key.data, Connection):
                    self._converse(key.data, events)
                elif isinstance(opened, socket.socket) and opened.type == socket.SOCK_STREAM:
                    self._accept(opened, key.data)
                elif isinstance(opened, socket.socket):
                    self._answer(opened, key.data)
            now = time.monotonic()
            if self._ticking and now >= due:
                due = due + TICK if due + TICK > now else now + TICK  # what was missed is not made up for
                self._tick()

    def _accept(self, opened: socket.socket, kind: str) -> None:
        try:
            stream, (address, port) = opened.accept()
        except OSError:  # the peer has gone already, as port sweeps do
            return
        stream.setblocking(False)
        stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection = Connection(stream, kind)
        self._selector.register(stream, selectors.EVENT_READ, connection)
        if kind == "tick":
            self._ticking.add(connection)
        if kind == "greet":
            self._owe(connection, f"tcp {address} {port}\n".encode())

    def _answer(self, opened: socket.socket, kind: str) -> None:
        try:
            data, peer = opened.recvfrom(65535)
            opened.sendto(f"udp {peer[0]} {peer[1]}\n".encode() if kind == "greet" else data, peer)
        except OSError:  # an ICMP error of an earlier answer, or no way back
            return

    def _converse(self, connection: Connection, events: int) -> None:
        if events & selectors.EVENT_WRITE:
            self._owe(connection, b"")
        if not events & selectors.EVENT_READ or connection.stream.fileno() < 0:
            return
        try:
            data = connection.stream.recv(65536)
        except BlockingIOError:
            return
        except OSError:
            self._end(connection)
            return
        if not data:
            self._end(connection)
        elif connection.kind == "echo":
            self._owe(connection, data)

    def _tick(self) -> None:
        for connection in list(self._ticking):
            if not connection.owed:  # a full window is no reason to number lines that nobody gets in time
                connection.ticks += 1
                self._owe(connection, b"%08d\n" % connection.ticks)

    def _owe(self, connection: Connection, data: bytes) -> None:
        connection.owed += data
        try:
            sent = connection.stream.send(connection.owed) if connection.owed else 0
        except BlockingIOError:
            sent = 0
        except OSError:
            self._end(connection)
            return
        connection.owed = connection.owed[sent:]
        if len(connection.owed) > LONGEST:
            self._end(connection)
            return
        if connection.closing and not connection.owed:
            connection.closing = False
            try:
                connection.stream.shutdown(socket.SHUT_WR)  # the peer closes; a full close could lose the line
            except OSError:
                self._end(connection)
                return
        events = selectors.EVENT_READ | (selectors.EVENT_WRITE if connection.owed else 0)
        self._selector.modify(connection.stream, events, connection)

    def _end(self, connection: Connection) -> None:
        self._ticking.discard(connection)
        self._selector.unregister(connection.stream)
        connection.stream.close()


def main(arguments: list[str]) -> int:
    """Open all listeners, then go on in the background; 1 when one cannot be opened."""
    log, *wanted = arguments
    listeners = Listeners()
    for one in wanted:
        kind, protocol, address, port = one.split(":")
        try:
            listeners.open(kind, protocol, address, int(port))
        except OSError as error:
            sys.stderr.write(f"{one}: {error}\n")
            return 1
    if os.fork():
        return 0
    os.setsid()
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((nothing, 0), (output, 1), (output, 2)):
        os.dup2(source, target)
    listeners.serve()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
