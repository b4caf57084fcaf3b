"""A state folder of a test's own: its engine, its labs. Whatever a test kills there is nobody else's."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MINIMAL = ROOT / "deployments" / "minimal"
LIMIT = 60.0  # s: nothing here takes a fifth of it


@dataclass(frozen=True)
class Finished:
    """How a command ended, and all it said."""

    status: int
    output: str

    @property
    def run(self) -> str:
        """The lab that it brought up."""
        (line,) = (line for line in self.output.splitlines() if " is up after " in line)
        return line.split()[1]


@dataclass(frozen=True)
class Machine:
    """Commands that keep all they share in ``state``, and their temporary files in a folder that must be empty after."""

    state: Path
    environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def scratch(self) -> Path:
        return self.state / "scratch"

    def start(self, *command: str, under: Sequence[str] = (), **environment: str) -> subprocess.Popen[str]:
        self.scratch.mkdir(exist_ok=True, parents=True)
        return subprocess.Popen(
            [*under, sys.executable, "-m", *command],
            cwd=ROOT,
            env={
                **os.environ,
                "REMPART_STATE": str(self.state),
                "REMPART_ENGINE": "private",
                "TMPDIR": str(self.scratch),
                "PYTHONDONTWRITEBYTECODE": "1",
                "PYTHONFAULTHANDLER": "1",
                **self.environment,
                **environment,
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )

    def rempart(self, *arguments: str, under: Sequence[str] = (), **environment: str) -> Finished:
        return finish(self.start("cli.main", *arguments, under=under, **environment))

    def up(self, *arguments: str, **environment: str) -> Finished:
        return self.rempart("lab", "up", "--deployment", str(MINIMAL), *arguments, **environment)

    def start_up(self, **environment: str) -> subprocess.Popen[str]:
        return self.start("cli.main", "lab", "up", "--deployment", str(MINIMAL), **environment)

    def features(self, *arguments: str) -> subprocess.Popen[str]:
        runs = str(self.state / "runs")
        options = ("-v", "-p", "no:cacheprovider", "--runs", runs, "--deployment", str(MINIMAL))
        return self.start("pytest", "features/publication.feature", *options, *arguments)

    def pid(self, run: str, host: str) -> int:
        """The first process of a host."""
        from lab import engine

        with self.here(), closing(engine.connect(start=False)) as connected:
            for summary in connected.containers(run):
                if summary["Labels"]["rempart.host"] == host:
                    return connected.pid(summary["Id"])
        raise AssertionError(f"lab {run} has no {host}")

    def engine_pid(self) -> int:
        return int((self.state / "engine/dockerd.pid").read_text())

    @contextmanager
    def here(self) -> Iterator[None]:
        """This process itself uses the state folder."""
        before = {name: os.environ.get(name) for name in ("REMPART_STATE", "REMPART_ENGINE")}
        os.environ.update(REMPART_STATE=str(self.state), REMPART_ENGINE="private")
        try:
            yield
        finally:
            for name, value in before.items():
                os.environ.pop(name)
                if value is not None:
                    os.environ[name] = value

    def left(self) -> list[str]:
        """All that there is of labs: processes, mounts, labs' folders, temporary files, interfaces of the machine."""
        return [*self._processes(), *self._mounts(), *self._files(), *self._interfaces()]

    def _processes(self) -> Iterator[str]:
        for process in Path("/proc").glob("[0-9]*"):
            try:
                command = (process / "cmdline").read_bytes()
                state = (process / "stat").read_text().rpartition(")")[2].split()[0]
                mounts = (process / "mountinfo").read_text().splitlines()
            except OSError:
                continue
            home = str(self.state.parent)
            ours = home.encode() in command or any(home in line for line in mounts if line.split()[4] == "/")
            if ours and state not in "ZX" and int(process.name) != os.getpid():
                yield f"process {process.name}: {command.replace(bytes(1), b' ')[:100].decode(errors='replace')}"

    def _mounts(self) -> Iterator[str]:
        for line in Path("/proc/self/mountinfo").read_text().splitlines():
            if str(self.state) in line:
                yield f"mount {line.split()[4]}"

    def _files(self) -> Iterator[str]:
        for folder in ("labs", "image", "scratch"):
            if (self.state / folder).is_dir():
                yield from (f"file {path}" for path in (self.state / folder).iterdir())

    @staticmethod
    def _interfaces() -> Iterator[str]:
        for link in Path("/sys/class/net").iterdir():
            if link.name.startswith(("h", "d", "br-", "vrack", "veth", "docker")):
                yield f"interface {link.name}"


def finish(process: subprocess.Popen[str]) -> Finished:
    """Wait for the end of a command, never for ever."""
    try:
        output, _ = process.communicate(timeout=LIMIT)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGABRT)  # which makes it tell where each of its threads is
        output, _ = process.communicate()
        raise AssertionError(f"no end after {LIMIT:g} s:\n{output}") from None
    return Finished(process.returncode, output)


def interrupt(machine: Machine, process: subprocess.Popen[str]) -> Finished:
    """Ctrl-C: a command says that it was interrupted, without a trace of code, and leaves nothing."""
    os.killpg(process.pid, signal.SIGINT)
    done = finish(process)
    assert (done.status, machine.left()) == (130, []), done.output
    assert "Traceback" not in done.output
    return done


def let_run(process: subprocess.Popen[str], seconds: float) -> None:
    """Give a command that much time; it must not need it all."""
    try:
        process.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        return
    raise AssertionError(f"it ended by itself within {seconds:g} s:\n{finish(process).output}")


def read_until(process: subprocess.Popen[str], text: str) -> str:
    """What a command says up to and with a line that holds a text."""
    assert process.stdout is not None
    said = ""
    for line in process.stdout:
        said += line
        if text in line:
            return said
    raise AssertionError(f"it never said {text!r}:\n{said}")


@contextmanager
def own_machine(*, with_image: bool) -> Iterator[Machine]:
    """A machine of a test's own, with the image when asked; nothing of it stays."""
    # Short, and not below pytest's folder: an engine's socket has a path of 107 bytes at most.
    with tempfile.TemporaryDirectory(prefix="rempart-") as folder:
        machine = Machine(Path(folder) / "state")
        machine.scratch.mkdir(parents=True)
        if with_image:
            _give_image(machine)
        try:
            yield machine
        finally:
            done = machine.rempart("lab", "down", "--all", "--image")
            left = machine.left()
        assert done.status == 0, done
        assert left == []


def _give_image(machine: Machine) -> None:
    """Copy the image of the machine's usual engine: 5 s, where a build takes 45."""
    from lab import engine, image
    from lab.state import locked

    image.make()
    with locked("engine"), closing(engine.connect()) as source:
        with machine.here(), locked("engine"), closing(engine.connect()) as target:
            target._client.load_image(source._client.get_image(image.reference()))
            assert target.has_image(image.reference())
        with machine.here(), locked("engine"):
            engine.stop_private()
    with locked("engine"):
        engine.stop_private()
