"""Which small servers a host runs; the program itself is ``listeners``."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from importlib.resources import files
from ipaddress import IPv4Address
from typing import Literal

from lab.roles.boot import Service, command

LOG = "/var/log/listeners.log"
PROGRAM = "/usr/local/lib/lab-listeners.py"

ANYWHERE = IPv4Address("0.0.0.0")  # noqa: S104 - all addresses of a container that is on lab segments only


@dataclass(frozen=True, slots=True)
class Listener:
    """One small server; ``address`` is the one it answers on.

    A UDP listener of a host with several addresses must name its address: one that listens anywhere answers from the
    interface's first.
    """

    kind: Literal["echo", "greet", "tick"]
    protocol: Literal["tcp", "udp"]
    port: int
    address: IPv4Address = ANYWHERE


def listening(wanted: Iterable[Listener]) -> Service:
    """The program and its listeners, in one process; nothing at all when there are none."""
    words = [f"{one.kind}:{one.protocol}:{one.address}:{one.port}" for one in wanted]
    if not words:
        return Service()
    program = files("lab.roles").joinpath("listeners.py").read_bytes()
    return Service(
        files={PROGRAM: (program, 0o644)},
        start=(command("run", "listeners", LOG, "python3", "-I", "-S", PROGRAM, LOG, *words),),
    )
