"""Mistakes in ``Token=Value`` settings: each a file, a token, and what it wrongly says; one table per subject."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address

from sns.mutation.rules import Found, Operator
from sns.mutation.tree import Setting, Tree

Wrong = Callable[[Tree, Setting], str | None]
"""The wrong value of a setting; None where there is none to be had."""


@dataclass(frozen=True, slots=True)
class Slip:
    """A token of a file that is given a wrong value. ``section`` is the only one looked at, if any is given."""

    file: str
    token: str
    wrong: Wrong
    section: str = ""


def slips(said: str, *wanted: Slip) -> Operator:
    """The operator that makes each of these, wherever the token stands; ``said`` is what it does in words."""

    def make(tree: Tree) -> Iterator[Found]:
        for slip in wanted:
            for one in tree.tokens(slip.file, slip.token, section=slip.section):
                value = slip.wrong(tree, one)
                if value is not None and value != one.value:
                    yield f"{_named(one)}{one.token} is {value or 'empty'}, not {shown(one.value)}", one.set(value)

    make.__doc__ = said
    return make


def lines_missing(said: str, *files: str) -> Operator:
    """The operator that deletes one line of these files; ``said`` is what it does in words."""

    def make(tree: Tree) -> Iterator[Found]:
        for file in files:
            for one in tree.settings(file):
                yield f"{_named(one)}the line {one.token!r} is missing", one.becomes()

    make.__doc__ = said
    return make


def shown(value: str) -> str:
    """A value in a message; a secret's is not for reading."""
    return "what it was" if value.startswith("${secret:") else value or "empty"


def _named(one: Setting) -> str:
    return f"[{one.section}] " if one.section else ""


# Wrong values -------------------------------------------------------------------------------------------------------


def to(value: str) -> Wrong:
    """A certain value."""
    return lambda tree, one: value  # noqa: ARG005 - the form of a wrong value


def flipped(tree: Tree, one: Setting) -> str | None:  # noqa: ARG001
    """0 for 1, 1 for 0."""
    return {"0": "1", "1": "0"}.get(one.value)


def next_address(tree: Tree, one: Setting) -> str | None:  # noqa: ARG001
    """The next address."""
    try:
        return str(IPv4Address(one.value) + 1)
    except ValueError:
        return None


def other_host(tree: Tree, one: Setting) -> str | None:
    """The next host object."""
    return _other([host.name for host in tree.configuration.objects.hosts.values()], one.value)


def other_network(tree: Tree, one: Setting) -> str | None:
    """The next network object."""
    return _other([network.name for network in tree.configuration.objects.networks.values()], one.value)


def other_service(tree: Tree, one: Setting) -> str | None:
    """The next service object."""
    return _other([service.name for service in tree.configuration.objects.services.values()], one.value)


def other_interface(tree: Tree, one: Setting) -> str | None:
    """The next interface."""
    return _other([interface.name for interface in tree.configuration.interfaces], one.value)


def _other(names: Sequence[str], name: str) -> str | None:
    lower = [one.lower() for one in names]
    if name.lower() not in lower or len(names) < 2:
        return None
    return names[(lower.index(name.lower()) + 1) % len(names)]
