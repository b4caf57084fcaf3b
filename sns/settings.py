"""A section of ``Token=Value`` settings: typed access, with a finding for everything that is wrong or not known."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from .ini import Line, Section
from .model import Location, SilentSetting
from .reading import Reading


class Settings:
    """The tokens of a section, looked up without regard to case.

    ``modelled`` are the tokens that the caller reads; ``silent`` are documented ones that change nothing in the model;
    ``neutral`` maps documented tokens that the model cannot honour to the values at which they change nothing.
    """

    def __init__(
        self,
        reading: Reading,
        section: Section,
        modelled: Iterable[str],
        silent: Collection[str] = (),
        neutral: Mapping[str, Collection[str]] | None = None,
    ) -> None:
        self._reading = reading
        self.location = section.location
        self._values: dict[str, tuple[str, Line]] = {}
        self._written: dict[str, str] = {}  # the tokens as the file spells them, for messages
        self._section = section.name
        self._silent = {token.lower() for token in silent}
        known = {token.lower() for token in modelled} | self._silent
        neutral = {token.lower(): values for token, values in (neutral or {}).items()}
        for line in section.lines:
            self._take(line, known, neutral)

    def _take(self, line: Line, known: Collection[str], neutral: Mapping[str, Collection[str]]) -> None:
        assignment = line.assignment()
        if assignment is None:
            self._reading.error(line.location, "line", f'"{line.text}" is not Token=Value')
            return
        token, value = assignment
        key = token.lower()
        if key in self._values:
            earlier = self._values[key][1].location.line
            self._reading.error(line.location, token, f"is given twice, first on line {earlier}", "keep one")
            return
        self._values[key] = (value, line)
        self._written[key] = token
        if key in neutral:
            if value.lower() not in neutral[key]:
                self._reading.unsupported(line.location, token, f'"{value}" is not modelled here')
        elif key in self._silent:
            self._reading.silent.append(SilentSetting(line.location, self._section, token, value))
        elif key not in known:
            self._reading.unsupported(line.location, token, "is not a known token of this section")

    def __contains__(self, token: str) -> bool:
        return token.lower() in self._values

    def where(self, token: str) -> Location:
        """The line of a token; the section's own when the token is absent."""
        found = self._values.get(token.lower())
        return found[1].location if found else self.location

    def _refuse(self, token: str, message: str) -> None:
        self._reading.error(self.where(token), self._written.get(token.lower(), token), message)

    def text(self, token: str, default: str = "") -> str:
        """The value as written, without quotes; ``default`` when absent or empty."""
        found = self._values.get(token.lower())
        return (found[0] if found else "") or default

    def flag(self, token: str, default: bool) -> bool:
        """A 0|1 (or off|on) token."""
        value = self.text(token).lower()
        if value in ("1", "on", "true"):
            return True
        if value in ("0", "off", "false"):
            return False
        if value:
            self._refuse(token, f'"{value}" is neither 0 nor 1')
        return default

    def number(self, token: str, default: int, low: int, high: int) -> int:
        """A decimal integer from ``low`` to ``high``."""
        value = self.text(token)
        if not value:
            return default
        if value.isascii() and value.isdigit() and low <= int(value) <= high:
            return int(value)
        self._refuse(token, f'"{value}" is not a number from {low} to {high}')
        return default

    def choice(self, token: str, default: str, allowed: Collection[str]) -> str:
        """One word of ``allowed`` (lower case), returned in lower case."""
        value = self.text(token, default).lower()
        if value in allowed:
            return value
        self._refuse(token, f'"{value}" is not one of {", ".join(sorted(allowed))}')
        return default
