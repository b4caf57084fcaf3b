"""The private Docker Engine: started when a lab needs one, in a network namespace of its own, gone with the last lab.

It restores live containers: when its daemon dies the labs on it go on, and the next command starts it again (0.2 s). All
functions that start or stop it are called with the ``engine`` lock held.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

from lab.errors import EngineUnavailable
from lab.state import process_identity, state_folder, writing

START_WITHIN = 15.0  # s: a start takes 0.1 to 0.5; a machine under load is given time
STOP_WITHIN = 10.0  # s: a stop takes 0.02

_LONGEST_SOCKET = "exec/containerd/containerd.sock.ttrpc"
_SOCKET_PATH = 107  # bytes in the kernel's sockaddr_un, its closing zero not counted

# Where daemons live, also when the caller's PATH is a plain user's.
_PROGRAMS = f"{os.environ.get('PATH', os.defpath)}:/usr/local/sbin:/usr/sbin:/sbin"


# The engine's own programs are short-lived or idle. To look for garbage at each doubling of so little was a seventh of what it
# costs to make containers (17: 3.4 s of CPU, 2.9 so); what they take of memory is the same.
_RARELY_COLLECTED = {"GOGC": "400"}


def folder() -> Path:
    """Where it keeps its data, its socket and its log."""
    return state_folder() / "engine"


def address() -> str:
    """Where it answers."""
    return f"unix://{folder()}/docker.sock"


def is_here() -> bool:
    """Whether it runs, or ran and left labs behind: then whoever looks for labs has to start it again."""
    return (folder() / "dockerd.pid").exists()


def launch() -> subprocess.Popen[bytes]:
    """Start the daemon, when none answers, and return at once.

    Raises EngineUnavailable when it is not installed, LabError without space.
    """
    program = shutil.which("dockerd", path=_PROGRAMS)
    if program is None:
        raise EngineUnavailable("no Docker Engine answers and dockerd is not installed: apt-get install docker.io")
    here = folder()
    if len(f"{here}/{_LONGEST_SOCKET}") > _SOCKET_PATH:
        raise EngineUnavailable(f"{here} is too long a path for the engine's sockets: have REMPART_STATE name a shorter one")
    with writing(here):
        _scratch().mkdir(parents=True, exist_ok=True)
        _end_the_silent()
        _forget_the_dead()
        (here / "empty.json").write_text("{}\n")
        name, _, value = _mark().partition("=")
        output = (here / "dockerd.log").open("wb")
    command = [
        "unshare", "--net", program, "--bridge=none", "--iptables=false", "--ip6tables=false", "--ip-forward=false",
        "--ip-masq=false", "--userland-proxy=false", "--live-restore", f"--data-root={here}/data",
        f"--exec-root={here}/exec", f"--pidfile={here}/dockerd.pid", f"--host={address()}",
        f"--config-file={here}/empty.json",
    ]  # fmt: skip
    with output:
        # Its own session: Ctrl-C at our terminal must not end the engine under another lab.
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            env={**_RARELY_COLLECTED, **os.environ, "PATH": _PROGRAMS, "TMPDIR": str(_scratch()), name: value},
        )


def end(daemon: subprocess.Popen[bytes]) -> None:
    """End a daemon that was launched and is not wanted. Labs that an earlier one left go on."""
    daemon.terminate()
    try:
        daemon.wait(timeout=STOP_WITHIN)
    except subprocess.TimeoutExpired:
        daemon.kill()
        daemon.wait()
    _end_the_silent()
    if not any(_of_this_engine(_SHIM)):
        _clear_up()


def did_not_start(daemon: subprocess.Popen[bytes]) -> EngineUnavailable:
    """End a daemon that does not answer; the error that tells why."""
    late = daemon.poll() is None
    end(daemon)
    what = f"did not answer within {START_WITHIN:g} s" if late else f"did not start (status {daemon.returncode})"
    log = folder() / "dockerd.log"
    return EngineUnavailable(f"the private Docker Engine {what}; the end of {log}:\n{_end_of(log)}")


def stop() -> None:
    """End the daemon, on which no container is left."""
    daemon = _pid(folder() / "dockerd.pid", "dockerd")
    if daemon is not None:
        os.kill(daemon, signal.SIGTERM)
        _wait_for_end(daemon, _has_shut_down)
        if _has_shut_down():
            # All that is left of it is a whole second's sleep before it looks whether containerd ended.
            with suppress(ProcessLookupError):
                os.kill(daemon, signal.SIGKILL)
            _wait_for_end(daemon)
    if daemon is None or process_identity(daemon) is None:
        _end_the_silent()
        _clear_up()


def wipe() -> None:
    """Remove the stopped engine with all its images. Raises LabError when something holds them."""
    _unmount(folder())
    with writing(folder()):
        if folder().exists():
            shutil.rmtree(folder())


def _scratch() -> Path:
    """For temporary files: a containerd that is hurried at its end writes its stacks to one, and leaves it."""
    return folder() / "tmp"


def _pid_files() -> dict[str, Path]:
    """Where its programs say who they are, the daemon first."""
    return {"dockerd": folder() / "dockerd.pid", "containerd": folder() / "exec/containerd/containerd.pid"}


def _end_the_silent() -> None:
    """End a daemon that lives and does not answer, as one whose starter was killed, and its containerd.

    That dies of its daemon's death, but a moment later: a daemon that starts in this moment would take it for its own, and
    wait for its answer in vain.
    """
    for program, file in _pid_files().items():
        if (pid := _pid(file, program)) is not None:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            _wait_for_end(pid)


def _pid(file: Path, program: str) -> int | None:
    """The process that a pid file names, when it lives and is the program of this very folder."""
    try:
        pid = int(file.read_text())
        command = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except (OSError, ValueError):
        return None
    ours = command[0].endswith(program.encode()) and str(folder()).encode() in b" ".join(command)
    return pid if ours and process_identity(pid) else None


def _clear_up() -> None:
    """Remove what a daemon that has gone leaves beside its data: processes, mounts, pids, its socket."""
    _end_helpers()
    _unmount(folder())
    _forget_the_dead()
    (folder() / "docker.sock").unlink(missing_ok=True)
    shutil.rmtree(_scratch(), ignore_errors=True)


def _end_helpers() -> None:
    """End what the daemon started and left: the keeper of a container that died while no containerd was there to tell
    would stay for ever, the unpacking of an image that nobody waits for any more would go on for a moment."""
    helpers = list(_of_this_engine(*_HELPERS))
    for pid in helpers:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    for pid in helpers:
        _wait_for_end(pid)


def _of_this_engine(*programs: bytes) -> Iterator[int]:
    """Processes that carry this engine's mark, and no others: a path or a name may be another machine's in a container."""
    mark = _mark().encode()
    for process in Path("/proc").glob("[0-9]*"):
        try:
            program = (process / "cmdline").read_bytes().partition(b"\0")[0]
            marked = mark in (process / "environ").read_bytes().split(b"\0")
        except OSError:
            continue
        if marked and program.rpartition(b"/")[2].startswith(programs):
            yield int(process.name)


def _mark() -> str:
    """What every process of this engine has in its environment: a variable with a value that was drawn for it once."""
    file = folder() / "identity"
    if not file.exists():
        file.write_text(secrets.token_hex(16))
    return f"REMPART_ENGINE_IDENTITY={file.read_text()}"


_SHIM = b"containerd-shim"
_HELPERS = (_SHIM, b"docker-")


def _forget_the_dead() -> None:
    """Remove pid files whose process is dead: each would stop the next start, as a zombie's pid or a stranger's does."""
    for program, file in _pid_files().items():
        if _pid(file, program) is None:
            file.unlink(missing_ok=True)


def _wait_for_end(pid: int, or_when: Callable[[], bool] = lambda: False) -> None:
    """Wait until a process has gone; a zombie counts as gone, since PID 1 may reap late."""
    deadline = time.monotonic() + STOP_WITHIN
    while time.monotonic() < deadline and process_identity(pid) and not or_when():
        time.sleep(0.005)


def _has_shut_down() -> bool:
    with (folder() / "dockerd.log").open("rb") as log:
        log.seek(max(0, log.seek(0, os.SEEK_END) - 8192))
        return b"Daemon shutdown complete" in log.read()


def _unmount(under: Path) -> None:
    """Undo the mounts that a daemon left: its data folder bound onto itself, file systems of killed containers."""
    points = [line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    ours = [point for point in points if Path(point).is_relative_to(under)]
    if ours:
        subprocess.run(["umount", "--lazy", *reversed(ours)], check=False, stderr=subprocess.DEVNULL)


def _end_of(log: Path) -> str:
    """The last lines of the daemon's log that say something: not those about its own connections."""
    lines = [line for line in log.read_text(errors="replace").splitlines() if "module=grpc" not in line]
    said = [_LOG_LINE.sub(r"\1: \2", line).replace('\\"', '"')[:300] for line in lines[-8:]]
    return "\n".join(f"    {line}" for line in said) or "    (nothing)"


_LOG_LINE = re.compile(r'time="[^"]*" level=(\w+) msg="((?:[^"\\]|\\.)*)"')
