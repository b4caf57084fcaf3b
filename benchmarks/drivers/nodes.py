"""A peer's hosts become ours: the same addresses, files and boot scripts, each host with folders of its own.

Peers share the machine's root file system between hosts. Our services write to the same paths on each host, so each gets
overlays of the folders that are written to, as a peer's user would with private folders.
"""

from __future__ import annotations

import base64
import io
import json
import shlex
import subprocess
import tarfile
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby
from pathlib import Path
from typing import Any

from benchmarks.drivers import processes

SCRATCH = Path("/scratch")
PRIVATE = ("etc", "var", "usr/Firewall", "log", "root", "home")
ENVIRONMENT = {
    "PATH": "/usr/Firewall/sbin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME": "/root",
    "LANG": "C.UTF-8",
    "PYTHONPATH": "/opt/rempart",
    "PYTHONPYCACHEPREFIX": "/opt/pycache",
}
READY_WITHIN = 60.0  # s
_SERVES = '"sessions adopted"'  # what an elected member logs last; see lab.on_duty

START_SWITCH = """
set -e
mkdir -p /run/openvswitch /etc/openvswitch
ovsdb-tool create /etc/openvswitch/conf.db /usr/share/openvswitch/vswitch.ovsschema
ovsdb-server /etc/openvswitch/conf.db --remote=punix:/run/openvswitch/db.sock --detach --pidfile --no-chdir \
  --log-file=/var/log/ovsdb-server.log 2>/dev/null
ovs-vsctl --no-wait init
ovs-vswitchd --detach --pidfile --no-chdir --disable-system --log-file=/var/log/ovs-vswitchd.log 2>/dev/null
"""

Start = Callable[..., "subprocess.Popen[bytes]"]
"""How a peer starts a program on one of its hosts: arguments, then ``Popen``'s own."""


class Failed(Exception):
    """A host did not do what was asked, with what it said."""


class Node:
    """One host of a peer, made to be the host of the same name of the plan."""

    def __init__(self, host: Mapping[str, Any], start: Start) -> None:
        self.host = host
        self._start = start

    @property
    def name(self) -> str:
        """Its name in the plan."""
        return str(self.host["name"])

    def run(self, *command: str, given: bytes | None = None) -> tuple[int, str]:
        """Run a program; its status and what it said."""
        process = self._start(
            list(command),
            stdin=subprocess.DEVNULL if given is None else subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=ENVIRONMENT,
            encoding=None,  # munet would choose text
        )
        said, _ = process.communicate(given)
        return process.returncode, said.decode(errors="replace")

    def must(self, *command: str, given: bytes | None = None) -> None:
        """Run a program that has to work. Raises Failed."""
        status, said = self.run(*command, given=given)
        if status != 0:
            raise Failed(f"{self.name}: {' '.join(command)[:60]}: status {status}: {said[-2000:]}")

    def prepare(self, *, services: bool) -> None:
        """Interfaces, addresses and settings as planned; with services, folders of its own and the files in them."""
        script = "set -e\n" + "".join(f"{line}\n" for line in (*self._wires(), *(self._folders() if services else ())))
        if files := self.host["files"]:
            self.must("sh", "-c", f"{script}tar -x -p --no-same-owner -C / -f -\n", given=_archive(files))
        else:
            self.must("sh", "-c", script)

    def boot(self) -> None:
        """Run its boot script."""
        if self.host["boot"]:
            self.must("sh", "-c", self.host["boot"])

    def _wires(self) -> list[str]:
        lines = [
            f"echo {shlex.quote(value)} >/proc/sys/{name.replace('.', '/')}" for name, value in self.host["sysctls"].items()
        ]
        batch = ["link set lo up"]
        for nic in self.host["nics"]:
            batch += [f"link set {nic['name']} down", f"link set {nic['name']} address {nic['mac']} up"]
            if nic["address"]:
                batch.append(f"address replace {nic['address']} dev {nic['name']}")
            lines.append(f"ethtool -K {nic['name']} tx off tso off gso off gro off >/dev/null")
            lines.append(f"echo {self.host['arp_retry_ms']} >/proc/sys/net/ipv4/neigh/{nic['name']}/retrans_time_ms")
        return ["ip -batch - <<'end'", *batch, "end", *lines]

    def _folders(self) -> list[str]:
        own = SCRATCH / self.name
        lines = ["mkdir -p " + " ".join(f"{own}/{folder}/upper {own}/{folder}/work" for folder in PRIVATE)]
        for folder in PRIVATE:
            options = f"lowerdir=/{folder},upperdir={own}/{folder}/upper,workdir={own}/{folder}/work"
            lines.append(f"mount -t overlay -o {options} overlay /{folder}")
        return [*lines, "mount -t tmpfs tmpfs /run", "mount -t tmpfs tmpfs /tmp"]


def read_plan() -> dict[str, Any]:
    """The plan that the benchmark left for the driver."""
    plan: dict[str, Any] = json.loads((SCRATCH / "plan.json").read_text())
    return plan


def bring_up(nodes: Sequence[Node], plan: Mapping[str, Any]) -> dict[str, float]:
    """Prepare and boot all hosts, those of one order side by side, and await the probe; how long each phase took."""
    began = time.monotonic()
    services = bool(plan["services"])
    with ThreadPoolExecutor(max_workers=8) as pool:
        list(pool.map(lambda node: node.prepare(services=services), nodes))
        prepared = time.monotonic()
        ordered = sorted(nodes, key=lambda node: int(node.host["order"]))
        for _, group in groupby(ordered, key=lambda node: int(node.host["order"])):
            list(pool.map(Node.boot, group))
    booted = time.monotonic()
    await_ready({node.name: node for node in nodes}, plan)
    return {"hosts prepared": prepared - began, "boot": booted - prepared, "ready": time.monotonic() - booted}


def await_ready(nodes: Mapping[str, Node], plan: Mapping[str, Any]) -> None:
    """Return once a member of each cluster serves and the last site's server reaches the Internet. Raises Failed."""
    deadline = time.monotonic() + READY_WITHIN
    for members in plan["clusters"] if plan["services"] else ():
        while not any(_serves(member) for member in members):
            if time.monotonic() > deadline:
                raise Failed(f"no member of {members} serves")
            time.sleep(0.02)
    probe = plan["probe"]
    while nodes[probe["from"]].run("ping", "-c", "1", "-W", "0.2", probe["to"])[0] != 0:
        if time.monotonic() > deadline:
            raise Failed(f"{probe['from']} does not reach {probe['to']}")
        time.sleep(0.02)


def _serves(member: str) -> bool:
    try:
        return _SERVES in (SCRATCH / member / "log/upper/l_ha").read_text()
    except OSError:
        return False


def _archive(files: Mapping[str, tuple[str, int]]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for path, (content, mode) in files.items():
            data = base64.b64decode(content)
            entry = tarfile.TarInfo(path.lstrip("/"))
            entry.size, entry.mode = len(data), mode
            archive.addfile(entry, io.BytesIO(data))
    return buffer.getvalue()


def memory(driver: int) -> dict[str, float]:
    """Memory of every process of the peer's world but its first one, which waits, and the driver."""
    return processes.by_program(pid for pid in processes.pids() if pid not in (1, driver))
