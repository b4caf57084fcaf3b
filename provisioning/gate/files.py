"""``gate.toml`` and ``expected-changes.toml``: what a change needs by its kind, and who answers for which change.

Everything that is wrong with a file is told at once, with line and field.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Literal, cast

from provisioning import toml_file
from provisioning.deployment import DeploymentError, located
from provisioning.toml_table import Findings, Table

POLICY, EXPECTED = "gate.toml", "expected-changes.toml"

Need = Literal["nothing", "approval", "refused"]
NEEDS: tuple[Need, ...] = ("nothing", "approval", "refused")
"""What a change can need, the gravest last."""

ORIGINS = ("internet", "tunnel", "vpn-user", "private", "ha", "firewall")
"""Where packets come from: an unprotected interface, another site, a VPN user, a protected interface, the members' own link,
the firewall itself."""

_SETTINGS = ("network", "vpn", "ssl-vpn", "directory", "access", "management", "ha")
_BY_ORIGIN: Mapping[str, Need] = dict.fromkeys(ORIGINS, "approval")
DEFAULTS: Mapping[str, Mapping[str, Need]] = {
    "opens": {**_BY_ORIGIN, "internet": "refused"},
    "closes": _BY_ORIGIN,
    "changes": _BY_ORIGIN,
    "settings": dict.fromkeys(_SETTINGS, "approval"),
    "findings": {"error": "refused", "warning": "approval", "note": "nothing"},
    "others": {"unmodelled": "approval", "logging": "approval", "inspection": "approval", "plan": "approval"},
}
"""What each kind of change (``opens.internet``) needs when the policy does not say."""


@dataclass(frozen=True, slots=True)
class Policy:
    """What changes need. ``file`` is where that stands, "" for the defaults."""

    needs: Mapping[str, Need]
    file: str = ""

    def need(self, kind: str) -> Need:
        """What a kind of change needs. Raises KeyError for no kind."""
        return self.needs[kind]


@dataclass(frozen=True, slots=True)
class Expected:
    """A change that somebody answers for until a day. ``source``, ``destination`` and ``service`` are as in a rule.

    ``site``, ``arrival`` and the others are None for any. With ``setting`` it is about settings whose path that pattern
    (``vpn.peers.*``) describes, and about no packets.
    """

    line: int
    kind: str  # opens closes changes settings
    site: str | None
    source: str | None
    destination: str | None
    service: str | None
    arrival: str | None
    setting: str | None
    owner: str
    reason: str
    expires: date

    def in_force(self, day: date) -> bool:
        """Whether it counts on this day: the last one included."""
        return day <= self.expires


def load_policy(path: Path | None) -> Policy:
    """The policy of a file; the defaults without one. Raises DeploymentError with everything that is wrong."""
    needs = {f"{group}.{name}": need for group, names in DEFAULTS.items() for name, need in names.items()}
    if path is None:
        return Policy(needs)
    table, findings = _table(path)
    for group, names in DEFAULTS.items():
        if (part := table.optional_table(group)) is None:
            continue
        for name in names:
            if part.has(name):
                needs[f"{group}.{name}"] = cast(Need, part.choice(name, NEEDS))
        part.close()
    _refuse(table, findings)
    return Policy(needs, str(path))


def load_expected(path: Path | None) -> tuple[Expected, ...]:
    """The expected changes of a file, in its order; none without one. Raises DeploymentError with everything that is wrong."""
    if path is None:
        return ()
    table, findings = _table(path)
    found = []
    for number, entry in enumerate(table.tables("expected")):
        found.append(_expected(entry, findings.line(("expected", number))))
        entry.close()
    _refuse(table, findings)
    return tuple(found)


def _expected(entry: Table, line: int) -> Expected:
    kind = entry.choice("kind", ("opens", "closes", "changes", "settings"))
    about = ("setting",) if kind == "settings" else ("from", "to", "service", "in")
    given = {name: entry.text(name) for name in about if entry.has(name)}
    if not given:
        wanted = "setting" if kind == "settings" else "from, to, service or in"
        entry.findings.add(entry.place, f"does not say which changes it is about: it has no {wanted}", "name them")
    return Expected(
        line=line,
        kind=kind,
        site=entry.text("site") if entry.has("site") else None,
        source=given.get("from"),
        destination=given.get("to"),
        service=given.get("service"),
        arrival=given.get("in"),
        setting=given.get("setting"),
        owner=entry.text("owner"),
        reason=entry.text("reason"),
        expires=entry.day("expires"),
    )


def _refuse(table: Table, findings: Findings) -> None:
    table.close()
    if findings:
        raise DeploymentError(located(findings.file, findings.lines()))


def _table(path: Path) -> tuple[Table, Findings]:
    values, lines = toml_file.read(path, remedy="see docs/gating.md")
    findings = Findings(str(path), lines)
    return Table(values, (), findings), findings
