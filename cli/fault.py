"""``rempart lab fault``: what can be done to a firewall of a lab, done for a while and undone."""

from __future__ import annotations

import argparse
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from argparse import ArgumentParser, _SubParsersAction

    from lab.faults.fault import Kind
    from lab.faults.injection import InForce, Injection
    from provisioning.environment import LabEnvironment

DONE, FAILED = 0, 1
LONGEST = 600  # s that a fault may be asked to last
RETURNS_WITHIN = 15.0  # s for the member to be one of its pair again: a boot and an election take two


def register(verbs: _SubParsersAction[ArgumentParser]) -> None:
    """Add the verb and its arguments."""
    parser = verbs.add_parser(
        "fault",
        help="make a firewall fail for a while: fault list | fault NAME HOST [parameter=value ...] | fault undo",
        description="Make a firewall of a lab fail for a while. `list` tells the faults and those in force, `undo` ends those.",
    )
    parser.add_argument("name", metavar="NAME", help="a fault's name, or list, or undo")
    parser.add_argument(
        "host", metavar="HOST", nargs="?", help="the firewall; after undo: the number of a fault (default: all)"
    )
    parser.add_argument("parameters", metavar="parameter=value", nargs="*")
    parser.add_argument(
        "--for",
        dest="seconds",
        type=_seconds,
        default=30.0,
        metavar="SECONDS",
        help=f"until it is undone, up to {LONGEST} (30)",
    )
    parser.add_argument("--run", metavar="ID", help="which lab, when several run")


def _seconds(text: str) -> float:
    value = float(text)
    if not 0 < value <= LONGEST:
        raise argparse.ArgumentTypeError(f"write seconds up to {LONGEST}")
    return value


def run(given: argparse.Namespace) -> int:
    """List, do or undo; the exit code. Raises LabError."""
    from provisioning.environment import lab_attach

    if given.name == "list":
        return _list(given)
    environment = lab_attach(given.run)
    if given.name == "undo":
        return _undo(environment, given.host)
    return _do(environment, given)


def _list(given: argparse.Namespace) -> int:
    from lab import ownership
    from lab.errors import LabError
    from lab.faults.catalogue import KINDS
    from provisioning.environment import lab_attach

    for kind in KINDS.values():
        print("\n".join(_described(kind)))
    kept = [name for name, owner in ownership.running().items() if owner == ownership.KEPT]
    for name in [given.run] if given.run else sorted(kept):
        try:
            found = lab_attach(name).faults.in_force()
        except LabError as why:
            print(f"\nlab {name}: {why}")
            continue
        for one in found:
            print(f"\nin force in lab {name}: {_told(one)}")
    return DONE


def _described(kind: Kind) -> list[str]:
    from lab.faults.fault import Number

    lines = [f"{kind.name}", f"    the member {kind.does}" + ("" if kind.lasts else "; it is over by itself")]
    for one in kind.parameters:
        default, takes = (
            (f"{one.default:g} {one.unit}".strip(), f"{one.least:g} to {one.most:g}")
            if isinstance(one, Number)
            else (one.default, ", ".join(one.choices))
        )
        lines.append(f"    {f'{one.name}={default}':<20} {one.means} ({takes})")
    return lines


def _told(one: InForce) -> str:
    since = time.strftime("%H:%M:%S", time.localtime(one.since))
    return f"{one.number}  {one.fault} on {one.target.name}, since {since}"


def _undo(environment: LabEnvironment, number: str | None) -> int:
    from lab.errors import LabNotFound

    found = [one for one in reversed(environment.faults.in_force()) if number in (None, one.number)]
    if number is not None and not found:
        raise LabNotFound(f"no fault {number} is in force (`rempart lab fault list` shows those that are)")
    for one in found:
        environment.faults.undo(one)
        print(f"undone: {_told(one)}")
    if not found:
        print("no fault is in force")
    return DONE


def _do(environment: LabEnvironment, given: argparse.Namespace) -> int:
    from cli.lab import WrongUse
    from lab.faults import catalogue
    from lab.faults.fault import BadParameter
    from steps.eventually import watch

    if given.host is None:
        raise WrongUse(f"lab fault {given.name}: on which host?")
    try:
        fault = catalogue.read(given.name, given.parameters)
    except (catalogue.NoSuchFault, BadParameter) as why:
        raise WrongUse(str(why)) from None
    injection = environment.faults.injection(fault, given.host)
    with injection:
        if fault.kind.lasts:
            print(f"{given.host} {fault.kind.does}; for {given.seconds:g} s, or until Ctrl-C", flush=True)
            watch(lambda: injection.in_force, until=lambda still: not still, within=given.seconds)
    return _tell_return(injection)


def _tell_return(injection: Injection) -> int:
    from lab.cluster import missing
    from steps.eventually import watch

    target = injection.target
    lacks = watch(lambda: missing(target.member), until=lambda one: not one, within=RETURNS_WITHIN)
    if lacks.seen:
        print(f"undone, but {target.name} is not one of its pair after {RETURNS_WITHIN:g} s: {lacks.seen}")
        return FAILED
    states = target.cluster.states()
    print(f"undone after {lacks.seconds:.1f} s: " + ", ".join(f"{name} is {mode}" for name, mode in states.items()))
    return DONE
