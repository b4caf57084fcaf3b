"""Somebody at a terminal: what is typed into a program, and what it shows."""

from __future__ import annotations

import os
import select
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress

WITHIN = 20.0  # s for what a terminal shows: a busy machine's whole hasync
CTRL_C, CTRL_D = "\x03", "\x04"


class Terminal:
    """A program that somebody types into. What it shows is kept from one look to the next."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str]) -> None:
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={**environment, "TERM": "vt100"},
        )
        self._shown = ""

    def __enter__(self) -> Terminal:
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(BrokenPipeError):  # it has ended by itself
            self.type("exit")
        try:
            self._process.wait(WITHIN)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            assert stream is not None
            with suppress(BrokenPipeError):
                stream.close()

    def type(self, line: str) -> None:
        """Type a line and press the key that ends it."""
        self.press(f"{line}\r")

    def press(self, keys: str) -> None:
        """Press keys, and no other."""
        assert self._process.stdin is not None
        self._process.stdin.write(keys.encode())
        self._process.stdin.flush()

    def end(self) -> tuple[int, str]:
        """Wait for the program's own end: its status, and what it has shown since the last look."""
        assert self._process.stdout is not None
        while select.select([self._process.stdout], [], [], WITHIN)[0]:
            if not (data := os.read(self._process.stdout.fileno(), 65536)):
                return self._process.wait(WITHIN), self._shown
            self._shown += data.decode(errors="replace")
        raise AssertionError(f"it did not end: {self._shown}")

    def until(self, text: str) -> str:
        """What it shows, up to this text."""
        deadline, output = time.monotonic() + WITHIN, self._process.stdout
        assert output is not None
        while text not in self._shown:
            left = deadline - time.monotonic()
            data = os.read(output.fileno(), 65536) if select.select([output], [], [], max(0.0, left))[0] else b""
            assert data, f"no {text!r} in what it shows: {self._shown}"
            self._shown += data.decode(errors="replace")
        before, _, self._shown = self._shown.partition(text)
        return before
