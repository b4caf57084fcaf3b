"""A headless Chromium without any network, driven over a pipe: what a reader's browser makes of a page."""

from __future__ import annotations

import base64
import json
import os
import select
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

PATIENCE = 60.0  # s for an answer; a browser that starts on a busy machine takes a few

NAME = shutil.which("chromium") or shutil.which("chromium-browser") or ""
LOADED = "new Promise(done => document.readyState === 'complete' ? done(1) : addEventListener('load', () => done(1)))"
OPTIONS = ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--remote-debugging-pipe")


class Browser:
    """One tab. ``events`` are all that the browser told unasked, such as requests, console messages and violations."""

    def __init__(self, commands: int, answers: int) -> None:
        self._commands = commands
        self._answers = answers
        self._rest = b""
        self._number = 0
        self._session = ""
        self.events: list[dict[str, Any]] = []
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log", "Audits"):
            self.ask(f"{domain}.enable")

    def ask(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Send a command and wait for its answer."""
        self._number += 1
        message: dict[str, Any] = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._commands, json.dumps(message).encode() + b"\0")
        while (answer := self._next()).get("id") != self._number:
            self.events.append(answer)
        assert "error" not in answer, answer
        found: dict[str, Any] = answer["result"]
        return found

    def _next(self) -> dict[str, Any]:
        until = time.monotonic() + PATIENCE
        while b"\0" not in self._rest:
            assert select.select([self._answers], [], [], max(0.0, until - time.monotonic()))[0], "the browser is silent"
            read = os.read(self._answers, 1 << 20)
            assert read, "the browser has ended"
            self._rest += read
        line, _, self._rest = self._rest.partition(b"\0")
        message: dict[str, Any] = json.loads(line)
        return message

    def open(self, page: Path, *, width: int = 1280, height: int = 900, dark: bool = False, anchor: str = "") -> None:
        """Show a page in a window of a size, until it has loaded."""
        self.events.clear()
        self.ask("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 500)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.ask("Emulation.setEmulatedMedia", features=[scheme])
        self.ask("Page.navigate", url="about:blank")
        self.ask("Page.navigate", url=page.as_uri() + (f"#{anchor}" if anchor else ""))
        self.value(LOADED)

    def value(self, script: str) -> Any:
        """What a script in the page gives."""
        answer = self.ask("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def complaints(self) -> list[str]:
        """Everything on the console, every exception, and every violation of the page's own policy."""
        named = ("Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded", "Audits.issueAdded")
        return [json.dumps(event["params"]) for event in self.events if event.get("method") in named]

    def requests(self) -> list[str]:
        """The addresses that were asked for."""
        sent = (event for event in self.events if event.get("method") == "Network.requestWillBeSent")
        return [str(event["params"]["request"]["url"]) for event in sent]

    def picture(self, path: Path, *, whole: bool = True) -> bytes:
        """Keep a picture of the page; its bytes."""
        data = base64.b64decode(self.ask("Page.captureScreenshot", format="png", captureBeyondViewport=whole)["data"])
        path.write_bytes(data)
        return data


@contextmanager
def browser(profile: Path) -> Iterator[Browser]:
    """A browser in a network namespace of its own that has no interface up: nothing it asks for can leave."""
    alone = ["unshare", "--net"] if os.geteuid() == 0 else ["unshare", "--map-root-user", "--net"]
    (to_read, commands), (answers, to_write) = os.pipe(), os.pipe()
    arguments = [*alone, NAME, *OPTIONS, f"--user-data-dir={profile}", "about:blank"]

    def connect() -> None:  # the pipe's ends are 3 and 4 by the browser's own convention
        os.dup2(os.dup(to_read), 3)
        os.dup2(os.dup(to_write), 4)

    quiet = subprocess.DEVNULL
    process = subprocess.Popen(
        arguments, stdin=quiet, stdout=quiet, stderr=quiet, preexec_fn=connect, pass_fds=(3, 4), start_new_session=True
    )
    os.close(to_read)
    os.close(to_write)
    try:
        yield Browser(commands, answers)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        os.close(commands)
        os.close(answers)
