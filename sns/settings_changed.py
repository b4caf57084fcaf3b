"""What a change of configuration changes beside the fate of packets: peers, proposals, rights, users, the pair's timers."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from .model import Configuration, Location

PARTS = ("vpn", "ssl_vpn", "directory", "access", "management", "ha")
"""The fields of a configuration that are looked at; of what others say packets tell."""


@dataclass(frozen=True, slots=True)
class SettingChanged:
    """A value of the configuration that is another. Secrets are never shown: both sides then say ``(secret)``."""

    path: str
    was: str
    now: str
    location: Location | None

    def __str__(self) -> str:
        where = f" ({self.location})" if self.location else ""
        return f"{self.path}: was {self.was}, now {self.now}{where}"


def settings_changed(before: Configuration, after: Configuration, parts: Iterable[str] = PARTS) -> list[SettingChanged]:
    """Every value of some fields of a configuration that differs, where it stands now (where it stood, when it is gone)."""
    return [change for part in parts for change in _changes(part, getattr(before, part), getattr(after, part), None, False)]


def _changes(path: str, was: object, now: object, near: Location | None, secret: bool) -> Iterator[SettingChanged]:
    near = getattr(now, "location", None) or getattr(was, "location", None) or near
    if isinstance(was, Location) and isinstance(now, Location):
        return  # where something stands is nothing that it does
    if isinstance(was, Mapping) and isinstance(now, Mapping):
        for key in sorted({*was, *now}, key=str):
            yield from _changes(f"{path}.{key}", was.get(key), now.get(key), near, secret)
    elif dataclasses.is_dataclass(was) and type(was) is type(now):
        for field in dataclasses.fields(was):
            if not isinstance(getattr(was, field.name), Location):
                ends = (getattr(was, field.name), getattr(now, field.name))
                yield from _changes(f"{path}.{field.name}", *ends, near, secret or not field.repr)
    elif isinstance(was, tuple) and isinstance(now, tuple) and _structured(was + now):
        for place in range(max(len(was), len(now))):
            ends = (was[place] if place < len(was) else None, now[place] if place < len(now) else None)
            yield from _changes(f"{path}[{place + 1}]", *ends, near, secret)
    elif was != now:
        shown = ("(secret)", "(secret)") if secret else (_shown(was), _shown(now))
        yield SettingChanged(path, *shown, near)


def _structured(items: tuple[object, ...]) -> bool:
    return any(dataclasses.is_dataclass(item) or isinstance(item, tuple) for item in items)


def _shown(value: object) -> str:
    if value is None:
        return "nothing"
    if dataclasses.is_dataclass(value):
        name = next((getattr(value, one) for one in ("name", "serial", "uid", "user") if getattr(value, one, None)), "")
        parts = (getattr(value, field.name) for field in dataclasses.fields(value) if field.repr)
        return str(name) or " ".join(str(part) for part in parts if part and not isinstance(part, Location))
    if isinstance(value, tuple):
        return " ".join(str(part) for part in value if not isinstance(part, Location)) or "nothing"
    return str(value) if value != "" else "nothing"
