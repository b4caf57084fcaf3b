"""All ways to fail, by name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from lab.errors import LabError
from lab.faults import daemons, disk, links, moments, power, wires
from lab.faults.fault import BadParameter, Fault, Kind

_FAMILIES = (power, links, wires, daemons, disk, moments)
KINDS: Mapping[str, Kind] = {kind.name: kind for family in _FAMILIES for kind in family.KINDS}


class NoSuchFault(LabError):
    """A name that the catalogue does not have; the text lists those that it has."""


def kind(name: str) -> Kind:
    """The kind of this name. Raises NoSuchFault."""
    try:
        return KINDS[name]
    except KeyError:
        raise NoSuchFault(f"no fault {name!r}; there are {', '.join(KINDS)}") from None


def read(name: str, parameters: Iterable[str] = ()) -> Fault:
    """The fault that a name and words ``parameter=value`` stand for. Raises NoSuchFault and BadParameter."""
    chosen, values = kind(name), {}
    for word in parameters:
        key, equals, value = word.partition("=")
        if not equals:
            raise BadParameter(f"{word!r} is no parameter: write parameter=value")
        values[key] = value
    return chosen.fault(**values)
