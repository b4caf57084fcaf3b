"""Memory of processes, as the kernel shares it out: PSS counts a page that N processes map as 1/N for each."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

PROC = Path("/proc")


def pids() -> list[int]:
    """All processes of this pid namespace and of those below it."""
    return [int(entry.name) for entry in PROC.iterdir() if entry.name.isdigit()]


def pss(pid: int) -> float:
    """A process's share of memory in MiB; 0 for one that has ended, and for a kernel thread."""
    try:
        for line in (PROC / str(pid) / "smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) / 1024
    except OSError:
        pass
    return 0.0


def name(pid: int) -> str:
    """What it runs; a Python program by its module."""
    try:
        words = (PROC / str(pid) / "cmdline").read_bytes().decode(errors="replace").split("\0")[:-1]
    except OSError:
        return "ended"
    program = words[0].rpartition("/")[2].partition(":")[0] if words else "kernel"
    if program.startswith("python") and "-m" in words:
        return f"python {' '.join(words[words.index('-m') + 1 :][:2])}"
    if program.startswith("python"):
        return f"python {next((word.rpartition('/')[2] for word in words[1:] if not word.startswith('-')), '')}".strip()
    return program


def by_program(chosen: Iterable[int]) -> dict[str, float]:
    """MiB by program, and how many processes as ``processes``."""
    parts: dict[str, float] = {}
    count = 0
    for pid in chosen:
        if size := pss(pid):
            count += 1
            program = name(pid)
            parts[program] = parts.get(program, 0.0) + size
    return {**parts, "processes": count}
