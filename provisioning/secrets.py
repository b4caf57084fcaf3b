"""The secrets of a deployment: found or made when first asked for, put into installed files, never printed."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from lab.errors import LabError
from lab.state import writing
from provisioning.deployment_model import SecretReference
from provisioning.redaction import Redaction

REFERENCE = re.compile(r"\$\{secret:([^}\s]*)\}")
"""How a committed ConfigFiles tree speaks of a secret: ``OVH_REMOTE_FW=${secret:ipsec_sbg7_gra11}``."""

PUBLIC = "public:"
"""What names begin with that are kept beside the secrets, and are none: certificates, public keys."""
_LENGTH = 24  # letters and digits: 140 bits, and nothing that a configuration file could misread
_ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789"


class SecretUnavailable(Exception):
    """A secret that has no source, or whose source has nothing. The message names it, and says what to do."""

    def __init__(self, reason: str, name: str = "") -> None:
        super().__init__(f"secret {name!r}: {reason}" if name else reason)
        self.reason = reason


class StoreDamaged(LabError):
    """What a lab keeps of its own secrets cannot be read; the text names the file, and says what to do."""


class Secrets:
    """The secrets of one deployment and one lab, by name.

    Values that the lab made are kept in ``store`` (readable by its owner only) when one is given, so that another
    process that attaches to the same lab knows them. ``redaction`` knows every value that was asked for or made.
    """

    def __init__(
        self,
        references: Mapping[str, SecretReference],
        folder: Path,
        store: Path | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._references = references
        self._folder = folder
        self._store = store
        self._environment = os.environ if environment is None else environment
        self._made: dict[str, str] = _stored(store)
        self._values: dict[str, str] = {}
        self.redaction = Redaction()
        self._hide(self._made)

    def __repr__(self) -> str:
        return f"Secrets({', '.join(self._references)})"

    def value(self, name: str) -> str:
        """The secret of this name. Raises SecretUnavailable when there is none."""
        if name not in self._values:
            self._values[name] = self._look_up(name)
            self.redaction.learn(self._values[name])
        return self._values[name]

    def fill(self, text: str) -> str:
        """The text with every ``${secret:NAME}`` replaced by its value. Raises SecretUnavailable."""
        return REFERENCE.sub(lambda found: self.value(found[1]), text)

    def keep(self, made: Mapping[str, str]) -> None:
        """Remember what the lab made itself: keys, which are hidden too, and ``PUBLIC`` names, which are not."""
        self._made.update(made)
        self._hide(made)
        self._save()

    def kept(self, group: str) -> dict[str, str]:
        """What the lab made earlier under names that begin with ``GROUP/``, by the rest of the name."""
        found = {}
        for name, value in self._made.items():
            head, slash, rest = name.removeprefix(PUBLIC).partition("/")
            if slash and head == group:
                found[rest] = value
        return found

    def unavailable(self) -> dict[str, str]:
        """Each declared secret that cannot be had, and why."""
        reasons = {}
        for name in self._references:
            try:
                self.value(name)
            except SecretUnavailable as error:
                reasons[name] = error.reason
        return reasons

    def _hide(self, made: Mapping[str, str]) -> None:
        self.redaction.learn(*(value for name, value in made.items() if not name.startswith(PUBLIC)))

    def _look_up(self, name: str) -> str:
        reference = self._references.get(name)
        if reference is None:
            if name in self._made:
                return self._made[name]
            raise SecretUnavailable("has no source: add it to [secrets] of deployment.toml", name)
        match reference.kind:
            case "env":
                return self._from_environment(reference)
            case "file":
                return self._from_file(reference)
            case _:
                if name not in self._made:
                    self.keep({name: _new()})
                return self._made[name]

    def _from_environment(self, reference: SecretReference) -> str:
        value = self._environment.get(reference.source)
        if not value:
            raise SecretUnavailable(f"set the environment variable {reference.source}", reference.name)
        return value

    def _from_file(self, reference: SecretReference) -> str:
        path = self._folder / reference.source
        try:
            value = path.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise SecretUnavailable(f"{path} cannot be read: {error}", reference.name) from None
        if not value:
            raise SecretUnavailable(f"{path} is empty", reference.name)
        return value

    def _save(self) -> None:
        if self._store is None:
            return
        with writing(self._store):
            self._write(self._store)

    def _write(self, store: Path) -> None:
        store.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        # Written beside and moved over: another process reads the old one or the new one, never half of one.
        fresh = store.with_name(f"{store.name}.{os.getpid()}")
        with suppress(FileNotFoundError):
            fresh.unlink()
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(self._made, file)
        fresh.replace(store)


def _stored(store: Path | None) -> dict[str, str]:
    """What is kept there; nothing when there is no store yet. Raises StoreDamaged."""
    if store is None:
        return {}
    try:
        values = json.loads(store.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise StoreDamaged(f"the lab's secrets in {store} cannot be read: {error}; take the lab down and up again") from None
    if not isinstance(values, dict):
        raise StoreDamaged(f"the lab's secrets in {store} are no table of names; take the lab down and up again")
    return {str(name): str(value) for name, value in values.items()}


def _new() -> str:
    from secrets import choice

    return "".join(choice(_ALPHABET) for _ in range(_LENGTH))
