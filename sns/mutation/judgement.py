"""What a mutant changes by the model: nothing at all (proved), something, what nobody meets, or what no appliance would take.

Equivalence is never assumed: no packet of any kind may meet another fate (:mod:`sns.comparison`) or be logged otherwise, and
no other value of the configuration may differ.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

from sns.comparison import Comparison, compare
from sns.errors import ResolutionError
from sns.identity import BASE_FILE
from sns.logging_changed import logging_changed
from sns.model import Configuration, Finding, Severity
from sns.mutation.latent import flows_unmet, settings_unmet
from sns.mutation.mutant import Mutant, applied
from sns.resolution import Resolver
from sns.settings_changed import SettingChanged, settings_changed
from sns.wording import Wording

Kind = Literal["differs", "latent", "equivalent", "invalid"]
Reader = Callable[[Path], Configuration]
"""Reads a ConfigFiles tree as the site's own is read: with its label and its leases."""

_ROOT = "ConfigFiles"
_ALSO = ("interfaces", "routing")
"""What neither packets nor the settings that people look at tell all of: hardware addresses, an unused route."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """A mutant's kind, and what it changes: packets, settings, or the findings for which it would be refused.

    ``flows`` are the differing packets in words, one difference a line; ``examples`` one packet of each. ``unmet`` is why
    nobody meets what a latent one changes.
    """

    kind: Kind
    configuration: Configuration
    flows: tuple[str, ...] = ()
    examples: tuple[str, ...] = ()
    settings: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()
    unmet: tuple[str, ...] = ()
    places: frozenset[str] = frozenset()
    """The rules that decide the differing packets on the original, with its name (``sbg7/Filter/05:14``)."""

    @property
    def only_settings(self) -> bool:
        """Whether no packet meets another fate."""
        return not self.flows


class Judge:
    """Judges the mutants of one site against its original; one copy of its files is changed and put back each time."""

    def __init__(self, files: Mapping[str, str], original: Configuration, folder: Path, read: Reader) -> None:
        self._files, self._original, self._folder, self._read = files, original, folder, read
        for file, text in files.items():
            self._write(file, text)

    def __call__(self, mutant: Mutant) -> Judgement:
        """What a mutant changes. Raises DoesNotFit."""
        for file, text in applied(mutant, self._files).items():
            self._write(file, text)
        try:
            return judge(self._original, self._read(self._folder / _ROOT), synchronised=mutant.synchronised)
        finally:
            for file in mutant.files:
                self._write(file, self._files[file])

    def _write(self, file: str, text: str) -> None:
        path = self._folder / (file if file == BASE_FILE else f"{_ROOT}/{file}")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


@contextmanager
def judging(files: Mapping[str, str], original: Configuration, read: Reader) -> Iterator[Judge]:
    """A judge whose copy of the site's files goes with the context."""
    with TemporaryDirectory(prefix="rempart-mutants-") as folder:
        yield Judge(files, original, Path(folder), read)


def judge(original: Configuration, mutated: Configuration, *, synchronised: bool = True) -> Judgement:
    """What becomes another by a change of configuration. One that stands on one member alone is no equivalent one."""
    if refused := _new_errors(original, mutated):
        return Judgement("invalid", mutated, refused=refused)
    comparison = compare(original, mutated)
    words = Wording(mutated, comparison.space)
    flows = tuple(
        f"{one.kind} {words.box(one.boxes[0])}: it {words.fate(one.before)}, by {one.was}; "
        f"now it {words.fate(one.after)}, by {one.now}"
        for one in comparison.differences
    )
    changes = list(_settings(original, mutated))
    others = (*_meanings_changed(original, mutated), *logging_changed(original, mutated, apart_from=comparison.differences))
    if not synchronised:
        others = (*others, "the members' files: were the same, now differ")
    settings = (*map(str, changes), *others)
    unmet = [*flows_unmet(mutated, comparison.differences, comparison.space), *settings_unmet(original, mutated, changes)]
    examples = tuple(str(comparison.space.example(one.boxes[0])) for one in comparison.differences)
    kind: Kind = "equivalent" if not flows and not settings else "latent" if all(unmet) and not others else "differs"
    told = tuple(dict.fromkeys(unmet)) if kind == "latent" else ()
    return Judgement(kind, mutated, flows, examples, settings, unmet=told, places=_places(comparison))


def _meanings_changed(original: Configuration, mutated: Configuration) -> Iterator[str]:
    """Names used beside the rules that stand for something else now: a gateway, a peer, a pool."""
    before, after = dict(_meanings(original)), dict(_meanings(mutated))
    for where, meaning in after.items():
        if where in before and before[where] != meaning:
            yield f"{where}: was {before[where]}, now {meaning}"


def _meanings(configuration: Configuration) -> Iterator[tuple[str, str]]:
    """What each name stands for that another part than the filter and NAT slot uses, by where it is used."""
    resolver, vpn, remote = Resolver(configuration), configuration.vpn, configuration.ssl_vpn
    named = [("the default gateway", configuration.routing.default)]
    for route in configuration.routing.static:
        named += [(f"the route at {route.location}", route.destination), (f"its gateway, {route.location}", route.gateway)]
    for peer in vpn.peers.values():
        named += [(f"peer {peer.name}, remote", peer.remote), (f"peer {peer.name}, local", peer.local)]
    for tunnel in vpn.tunnels:
        named += [(f"tunnel {tunnel.number}, local", tunnel.local), (f"tunnel {tunnel.number}, remote", tunnel.remote)]
    named += [("the SSL VPN's route", remote.route), ("its TCP pool", remote.pool), ("its UDP pool", remote.udp_pool)]
    named += [(f"administrator {name}", name) for name, _ in configuration.management.web_access]
    for where, name in named:
        if name and resolver.knows(name):
            yield where, str(resolver.resolved(name))
    ports = [("the SSL VPN's TCP port", remote.port), ("its UDP port", remote.udp_port)]
    ports += [("the administration's port", configuration.management.web_port), ("SSH's", configuration.management.ssh_port)]
    for where, service in ports:
        with suppress(ResolutionError):
            yield where, ", ".join(f"{port.protocol}/{port.first}-{port.last}" for port in resolver.services(service))


def _new_errors(original: Configuration, mutated: Configuration) -> tuple[str, ...]:
    known = {_error(finding) for finding in original.findings}
    return tuple(
        f"{mutated.where(finding.location)}: {finding.field}: {finding.message}"
        for finding in mutated.findings
        if finding.severity is not Severity.WARNING and _error(finding) not in known
    )


def _error(finding: Finding) -> tuple[str, str]:
    return finding.field, finding.message


def _settings(original: Configuration, mutated: Configuration) -> Iterator[SettingChanged]:
    yield from settings_changed(original, mutated)
    yield from settings_changed(original, mutated, _ALSO)


def _places(comparison: Comparison) -> frozenset[str]:
    return frozenset(str(one.was.location) for one in comparison.differences if one.was.location is not None)
