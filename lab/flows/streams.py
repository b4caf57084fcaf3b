"""Flows that are a connection: a TCP session between two hosts, and an SSH session. One that breaks is opened again."""

from __future__ import annotations

import os
import select
import socket
import subprocess
from collections.abc import Callable
from contextlib import suppress

from lab import namespace
from lab.flows.ends import FAR_PORT, End, Instrument
from lab.flows.message import LEAST, TOS, Reader, decode, encode, prepare, received
from lab.flows.plan import BACK, THERE, Flow

_AGAIN = 100_000_000  # ns between two attempts to open a connection
_PATIENCE = 3_000_000_000  # ns for one attempt: the kernel's own second SYN is sent after one
_GREETING = 0xFFFF  # as a direction: the first message of a session says only whose it is
_CHUNK = 1 << 16


class Outlet:
    """The sending half of a byte stream: a message that does not fit whole is finished before the next one begins."""

    def __init__(self) -> None:
        self.waiting = b""

    def flush(self, write: Callable[[bytes], int]) -> bool:
        """Send what waits; whether nothing waits any more. Raises OSError when the stream is broken."""
        if self.waiting:
            with suppress(BlockingIOError):
                self.waiting = self.waiting[write(self.waiting) :]
        return not self.waiting


class Gatehouse:
    """Where sessions arrive at a far host: the first message of each says which flow it belongs to."""

    def __init__(self, instrument: Instrument, far: int) -> None:
        self._instrument = instrument
        self._streams: dict[int, Stream] = {}
        self.socket = namespace.inside(far, lambda: socket.socket(socket.AF_INET, socket.SOCK_STREAM))
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(("", FAR_PORT))
        self.socket.listen(64)
        self.socket.setblocking(False)
        instrument.listen(self.socket.fileno(), self._accept)

    def expect(self, stream: Stream) -> None:
        """A flow whose sessions will come."""
        self._streams[stream.number] = stream

    def _accept(self) -> None:
        try:
            opened = prepare(self.socket.accept()[0])
        except OSError:
            return
        self._instrument.listen(opened.fileno(), lambda: self._greeted(opened))

    def _greeted(self, opened: socket.socket) -> None:
        self._instrument.forget(opened.fileno())
        try:
            found = decode(opened.recv(LEAST))
        except OSError:
            found = None
        if found is None or found[0] not in self._streams:
            opened.close()
            return
        self._streams[found[0]].meet(opened)


class Half:
    """One end of a session, with what it has still to send and what of a message has come."""

    def __init__(self, opened: socket.socket, size: int) -> None:
        self.socket = opened
        self.outlet = Outlet()
        self.reader = Reader(size)
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


class Stream(End):
    """A TCP session, opened from the near side to a port of the far one."""

    def __init__(self, instrument: Instrument, number: int, flow: Flow, gatehouse: Gatehouse) -> None:
        super().__init__(instrument, number, flow)
        self._near: Half | None = None
        self._far: Half | None = None
        self._opening: socket.socket | None = None
        self._since = 0
        gatehouse.expect(self)

    def send(self, now: int) -> None:
        """A message each way, unless the last one is not gone yet: TCP sends no more than it can."""
        if self._near is None:
            self._open(now)
        for half, direction in ((self._near, THERE), (self._far, BACK)):
            if half is not None and self.flow.sends(direction):
                self._speak(half, direction, now)
            elif self.flow.sends(direction):
                self.next_message(direction, now)  # due, and lost: there is no session

    def meet(self, opened: socket.socket) -> None:
        """The far end of our session, accepted and greeted."""
        self._drop(self._far)
        self._far = Half(opened, self.flow.size)
        self._listen(self._far)

    def _open(self, now: int) -> None:
        if self._opening is None:
            if now - self._since < _AGAIN:
                return
            self._since = now
            self._opening = prepare(namespace.inside(self.flow.near, socket.socket))
            self._opening.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, TOS)
            self._opening.connect_ex((self.flow.address, self.flow.port))
            return
        ready = select.select([], [self._opening], [], 0)[1]
        if not ready and now - self._since < _PATIENCE:
            return
        opened, self._opening = self._opening, None
        if not ready or opened.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            opened.close()
            return
        self._near = Half(opened, self.flow.size)
        self._near.outlet.waiting = encode(self.number, _GREETING, 0, LEAST)
        self._near.outlet.flush(opened.send)
        self._listen(self._near)
        self.instrument.tell(self.number, "opened")

    def _listen(self, half: Half) -> None:
        self.instrument.listen(half.socket.fileno(), lambda: self._read(half))

    def _speak(self, half: Half, direction: int, now: int) -> None:
        try:
            if half.outlet.flush(half.socket.send):
                half.outlet.waiting = self.next_message(direction, now)
                half.outlet.flush(half.socket.send)
        except OSError as why:
            self._broken(half, str(why))

    def _read(self, half: Half) -> None:
        try:
            for data, _, at in received(half.socket, _CHUNK):
                if not data:
                    self._broken(half, "closed by the other end")
                    return
                for message in half.reader.take(data):
                    self.take(message, at)
        except OSError as why:
            self._broken(half, str(why))

    def _broken(self, half: Half, why: str) -> None:
        # A far end that breaks takes the near one with it: the session is one.
        side = "near" if half is self._near else "far"
        self.instrument.tell(self.number, "broken", f"{why} (at its {side} end)")
        self._drop(self._near)
        self._drop(self._far)
        self._near = self._far = None

    def _drop(self, half: Half | None) -> None:
        if half is not None:
            self.instrument.forget(half.socket.fileno())
            half.socket.close()


class Shell(End):
    """A session of the near host's own SSH client: what is written to it comes back, and is timed round trip."""

    def __init__(self, instrument: Instrument, number: int, flow: Flow) -> None:
        super().__init__(instrument, number, flow)
        self._program: subprocess.Popen[bytes] | None = None
        self._outlet = Outlet()
        self._reader = Reader(flow.size)
        self._since = 0
        self._answers = False
        self._beat = 0

    def send(self, now: int) -> None:
        """A message to the program, every few beats; a program that has ended is started again."""
        self._beat = (self._beat + 1) % self.flow.beats
        if self._beat:
            return
        if self._program is None:
            self.next_message(THERE, now)  # due, and lost: there is no session
            if now - self._since >= _AGAIN:
                self._start(now)
            return
        try:
            if self._outlet.flush(self._write):
                self._outlet.waiting = self.next_message(THERE, now)
                self._outlet.flush(self._write)
        except OSError as why:
            self._broken(str(why))

    def _start(self, now: int) -> None:
        self._since, self._answers = now, False
        self._outlet, self._reader = Outlet(), Reader(self.flow.size)
        self._program = subprocess.Popen(
            [*namespace.enter(self.flow.near), *self.flow.command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=namespace.ENVIRONMENT,
            bufsize=0,
            start_new_session=True,  # for namespace.end
        )
        for stream in (self._program.stdin, self._program.stdout):
            os.set_blocking(stream.fileno(), False)  # type: ignore[union-attr]
        self.instrument.listen(self._program.stdout.fileno(), self._read)  # type: ignore[union-attr]

    def _write(self, data: bytes) -> int:
        return os.write(self._program.stdin.fileno(), data)  # type: ignore[union-attr]

    def _read(self) -> None:
        try:
            data = os.read(self._program.stdout.fileno(), _CHUNK)  # type: ignore[union-attr]
        except BlockingIOError:
            return
        if not data:
            self._broken("the session ended")
            return
        if not self._answers:
            self._answers = True
            self.instrument.tell(self.number, "opened")
        at = self.instrument.now()
        for message in self._reader.take(data):
            self.take(message, at)

    def _broken(self, why: str) -> None:
        program, self._program = self._program, None
        if program is None:
            return
        if self._answers:
            self.instrument.tell(self.number, "broken", why)
        self.instrument.forget(program.stdout.fileno())  # type: ignore[union-attr]
        namespace.end(program)
        for stream in (program.stdin, program.stdout):
            stream.close()  # type: ignore[union-attr]
        program.wait()

    def close(self) -> None:
        """End the session."""
        self._broken("closed")
