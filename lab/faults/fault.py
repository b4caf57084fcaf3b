"""A fault as a value: which kind, with which parameters; and the member of a pair that it is done to.

A kind's ``undo`` looks at nothing but the target and the parameters, works however far ``apply`` came, and may be called
again: so a fault can be undone by another process than the one that made it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from lab.cluster import Cluster
from lab.device import Appliance
from lab.errors import LabError
from lab.fabric import Fabric
from lab.host import LabHost

Value = float | str


class BadParameter(LabError):
    """A parameter that the fault does not have, or a value that it does not take; the text says what it takes."""


@dataclass(frozen=True, slots=True)
class Number:
    """A parameter that is a number of ``unit``, from ``least`` to ``most``."""

    name: str
    means: str
    default: float
    least: float
    most: float
    unit: str = ""

    def read(self, text: str) -> Value:
        """The value that a text stands for. Raises BadParameter."""
        try:
            value = float(text)
        except ValueError:
            value = float("nan")
        if not self.least <= value <= self.most:
            raise BadParameter(f"{self.name}={text}: {self.takes}")
        return value

    @property
    def takes(self) -> str:
        """What it takes, for people."""
        return f"write a number from {self.least:g} to {self.most:g}" + (f" ({self.unit})" if self.unit else "")


@dataclass(frozen=True, slots=True)
class Choice:
    """A parameter that is one of some words."""

    name: str
    means: str
    default: str
    choices: tuple[str, ...]

    def read(self, text: str) -> Value:
        """The value that a text stands for. Raises BadParameter."""
        if text not in self.choices:
            raise BadParameter(f"{self.name}={text}: {self.takes}")
        return text

    @property
    def takes(self) -> str:
        """What it takes, for people."""
        return f"write one of {', '.join(self.choices)}"


Parameter = Number | Choice


@dataclass(frozen=True, slots=True)
class Values:
    """The parameters of one fault, each with its value."""

    given: Mapping[str, Value]

    def number(self, name: str) -> float:
        """The value of a numeric parameter. Raises KeyError when the kind has none of this name."""
        return float(self.given[name])

    def word(self, name: str) -> str:
        """The value of a parameter that is a word. Raises KeyError."""
        return str(self.given[name])


@dataclass(frozen=True, slots=True)
class Target:
    """A member of a pair. ``links`` are its interfaces by the role of their network: external, private, ha."""

    cluster: Cluster
    member: Appliance
    links: Mapping[str, tuple[str, ...]]

    @property
    def name(self) -> str:
        """The member's name."""
        return self.member.name

    @property
    def host(self) -> LabHost:
        """The member's machine."""
        return self.member.host

    @property
    def fabric(self) -> Fabric:
        """The wires that it is plugged into."""
        return self.member.host.fabric

    @property
    def all_nics(self) -> tuple[str, ...]:
        """All its interfaces."""
        return tuple(nic.name for nic in self.host.spec.nics)

    @property
    def peer(self) -> Target:
        """The other member. Raises LabError when the firewall stands alone."""
        for other in self.cluster.members:
            if other.name != self.name:
                return Target(self.cluster, other, self.links)
        raise LabError(f"{self.name} stands alone: this fault needs a pair")


Act = Callable[[Target, Values], None]
Occupied = Callable[[Target, Values], frozenset[str]]


@dataclass(frozen=True, slots=True)
class Kind:
    """A way to fail. ``does`` completes "the member …".

    ``occupies`` are the things (a cable, a member's power) that no second fault may touch at the same time. ``lasts``: it
    goes on until it is undone; else it is over by itself and undoing only makes sure of that.
    """

    name: str
    does: str
    apply: Act
    undo: Act
    occupies: Occupied
    parameters: tuple[Parameter, ...] = ()
    lasts: bool = True

    def fault(self, **values: Value) -> Fault:
        """A fault of this kind; parameters that are not given have their defaults. Raises BadParameter."""
        known = {parameter.name: parameter for parameter in self.parameters}
        if unknown := values.keys() - known.keys():
            takes = ", ".join(known) or "none"
            raise BadParameter(f"{self.name} has no parameter {', '.join(sorted(unknown))}; it has {takes}")
        given = {name: one.read(str(values[name])) if name in values else one.default for name, one in known.items()}
        return Fault(self, Values(given))


@dataclass(frozen=True, slots=True)
class Fault:
    """One way to fail, ready to be done to any member. Its text is what ``rempart lab fault`` takes."""

    kind: Kind
    values: Values = field(default_factory=lambda: Values({}))

    def __str__(self) -> str:
        words = (
            f"{name}={value:g}" if isinstance(value, float) else f"{name}={value}" for name, value in self.values.given.items()
        )
        return " ".join([self.kind.name, *words])
