"""``rempart lab``: bring a lab up and leave it running, look at it, work in it, take it down."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from cli import called, fault
from lab.errors import LabError, LabNotFound

if TYPE_CHECKING:
    from provisioning.environment import LabEnvironment


class WrongUse(Exception):
    """Arguments that do not go together."""


def run_verb(given: argparse.Namespace) -> int:
    """Do what ``rempart lab VERB`` asks; the exit code. Raises LabError, DeploymentError and WrongUse."""
    from lab.ownership import require_root

    require_root()
    from cli import api, torture

    verbs = {"up": _up, "status": _status, "shell": _shell, "exec": _exec, "capture": _capture, "api": api.run,
             "fault": fault.run, "torture": torture.run, "down": _down}  # fmt: skip
    return verbs[given.verb](given)


def _progress(text: str) -> None:
    print(f"  {text}", file=sys.stderr, flush=True)


def _up(given: argparse.Namespace) -> int:
    from provisioning.deployment import load

    if given.cloud:
        return _cloud_up(given)
    from provisioning.environment import lab_up

    began = time.monotonic()
    environment = lab_up(load(given.deployment), keep=True, progress=_progress, factory=given.factory)
    print(f"lab {environment.lab.run} is up after {time.monotonic() - began:.1f} s\n")
    print(_drawn(environment))
    print(f"{called.beside()} lab shell HOST | exec HOST CMD | capture SEGMENT | status | down")
    return 0


def _cloud_up(given: argparse.Namespace) -> int:
    from provisioning.deployment import load
    from provisioning.lab_cloud.bringing_up import CLOUD, cloud_up

    if given.factory:
        raise WrongUse("lab up --cloud: on a cloud every appliance is as delivered: leave --factory out")
    began = time.monotonic()
    up = cloud_up(load(given.deployment), keep=True, progress=_progress)
    print(f"lab {up.run} is up after {time.monotonic() - began:.1f} s: a cloud without servers, called {CLOUD!r}\n")
    print(f"export OS_CLIENT_CONFIG_FILE={up.clouds}")
    rempart, pytest = called.beside(), called.beside("pytest")
    print(f"{rempart} cloud apply {given.deployment} --cloud {CLOUD}")
    print(f"{rempart} cloud configure {given.deployment} --cloud {CLOUD} --reach {up.reach}")
    print(f"{pytest} features/ --deployment {given.deployment} --target openstack --cloud {CLOUD} --reach {up.reach}")
    return 0


def _status(given: argparse.Namespace) -> int:
    from lab.ownership import KEPT, running

    labs = running()
    if given.run and given.run not in labs:
        raise LabNotFound(f"lab {given.run} is not running")
    if not labs:
        print("no lab is running; `rempart lab up` starts one")
        return 0
    broken = 0
    for run in [given.run] if given.run else sorted(labs):
        try:
            environment = _attach(run)
        except LabError as why:
            owner = labs[run]
            broken += owner == KEPT
            print(f"lab {run}: {why}" if owner == KEPT else f"lab {run}: in use by process {owner.partition(':')[0]}\n")
            continue
        print(f"lab {run}: {environment.deployment.title} (simulated)\n")
        print(_drawn(environment))
    return 1 if broken else 0


def _drawn(environment: LabEnvironment) -> str:
    from cli.drawing import Live, draw
    from lab.addresses import by_interface

    lab = environment.lab
    addresses: dict[tuple[str, str], list[str]] = {}
    for host in lab.hosts.values():
        for interface, own in by_interface(host.pid, where=host.name).items():
            # An address on an interface inside a trunk port is drawn at the port.
            nic = interface if any(nic.name == interface for nic in host.spec.nics) else host.spec.nics[0].name
            addresses.setdefault((host.name, nic), []).extend(map(str, own))
    return draw(lab.topology, Live(addresses, environment.notes()))


def _attach(run: str | None) -> LabEnvironment:
    from provisioning.environment import lab_attach

    return lab_attach(run)


def _shell(given: argparse.Namespace) -> int:
    from lab.namespace import ENVIRONMENT, enter

    host = _attach(given.run).lab.host(given.host)
    environment = {**ENVIRONMENT, "TERM": os.environ.get("TERM", "dumb"), "PS1": f"{host.name}# "}
    return subprocess.call([*enter(host.pid), "bash", "--norc"], env=environment, cwd="/")


def _exec(given: argparse.Namespace) -> int:
    from lab.namespace import ENVIRONMENT, enter

    if not given.arguments:
        raise WrongUse("lab exec HOST CMD ...: no command given")
    host = _attach(given.run).lab.host(given.host)
    return subprocess.call([*enter(host.pid), *given.arguments], env=ENVIRONMENT, cwd="/")


def _capture(given: argparse.Namespace) -> int:
    from lab.namespace import ENVIRONMENT

    environment = _attach(given.run)
    fabric = environment.lab.fabric
    interface = _interface(environment, given.segment)
    # tcpdump is the fabric's own; only its network and mount namespaces are entered, so a file lands with the caller. It
    # takes each packet at once: left to gather them, it would lose those of the second before Ctrl-C.
    tcpdump = ["tcpdump", "-n", "-i", interface, "-U", "--immediate-mode"]
    command = ["nsenter", f"--target={fabric.pid}", "--net", "--mount", "--", *tcpdump]
    if given.write is None:
        return subprocess.call([*command, "-l"], env=ENVIRONMENT, cwd="/")
    with Path(given.write).open("wb") as file:
        return subprocess.call([*command, "-w", "-"], env=ENVIRONMENT, cwd="/", stdout=file)


def _interface(environment: LabEnvironment, named: str) -> str:
    """The fabric's interface for a segment, or for a host's end of a wire (``HOST:eth0``)."""
    lab = environment.lab
    if ":" in named:
        host, _, nic = named.partition(":")
        try:
            return lab.fabric.port(host, nic)
        except KeyError:
            raise LabNotFound(f"no interface {named}; `rempart lab status` shows them") from None
    plain = [segment.name for segment in lab.topology.segments if segment.vlan is None]
    if named in plain:
        return lab.fabric.bridge(named)
    # A VLAN of the vRack has no interface of its own: the firewall's port on it sees all that matters there.
    for plugged in lab.topology.hosts:
        for one in plugged.nics:
            if one.segment == named and not one.trunk:
                return lab.fabric.port(plugged.name, one.name)
    known = ", ".join(segment.name for segment in lab.topology.segments)
    raise LabNotFound(f"no segment {named}; this lab has {known}, and HOST:eth0 for one end of a wire")


def _down(given: argparse.Namespace) -> int:
    from lab.ownership import KEPT, remove, remove_abandoned, running, wipe

    if given.image and not given.all:
        raise WrongUse("lab down --image: say --all too; the image can go only when no lab is left")
    kept = [run for run, owner in running().items() if owner == KEPT]
    runs = [given.run] if given.run else sorted(kept)
    if len(runs) > 1 and not given.all:
        raise LabError(f"several labs run: {', '.join(runs)}; name one with --run, or take --all")
    for run in runs:
        count = remove(run)
        print(f"lab {run}: {count} hosts removed" if count else f"lab {run} is not running")
    if not runs:
        print("no lab is running")
    if given.all and (abandoned := remove_abandoned()):
        print(f"removed what killed runs left: {', '.join(abandoned)}")
    if given.image:
        wipe()
        print("the image is removed, and all that labs share; the next `rempart lab up` builds it anew")
    return 0
