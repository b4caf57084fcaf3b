"""``envpn``: make an IPsec slot the running one (sns.md 3). A broken slot changes nothing."""

from __future__ import annotations

import json
from dataclasses import asdict, replace

from lab.appliance import charon, duty, ipsec, security_associations, slots, spd
from lab.appliance import configuration as configurations
from lab.appliance.errors import ApplianceError, Misused, Refused
from sns.errors import ResolutionError
from sns.model import Configuration, Finding, Location, Severity

_USAGE = "envpn [-u | on | off | NN] [--dry-run]"
_SHARED = frozenset({
    *configurations.NETWORK_FILES, "VPN/slotinfo", "VPN/peer", "VPN/psk", "VPN/ph1profile", "VPN/ph2profile",
})  # fmt: skip


def main_envpn(arguments: list[str]) -> int:
    """``envpn``: activate slot NN (00: none), apply the active one again (``-u``, ``on``), or stop all (``off``).

    Without an argument it only says which slot is active. With ``--dry-run`` everything is checked and nothing changed.
    """
    words = [word for word in arguments if word != "--dry-run"]
    dry_run = len(words) < len(arguments)
    if len(words) > 1 or "-h" in words:
        raise Misused(_USAGE)
    word = words[0] if words else ""
    with configurations.exclusive():
        if word == "off":
            print("Deactivating VPN tunnels...")
            if not dry_run:
                apply(_with_slot(configurations.load(), 0))
        elif word in ("on", "-u") or word.isdecimal():
            print("Activating new VPN tunnel...")
            _activate(slots.number(word) if word.isdecimal() else None, dry_run=dry_run)
        elif word:
            raise Misused(_USAGE)
    if word:
        print("Done.")
    _tell_slots()
    return 0


def main_showsad(arguments: list[str]) -> int:
    """``showSAD [--json]``: the security associations in place, and why the last negotiation failed if it did."""
    if arguments not in ([], ["--json"]):
        raise Misused("showSAD [--json]")
    found, failure = security_associations.security_associations(), charon.last_failure()
    if arguments:
        failed = asdict(failure) if failure else None
        print(json.dumps({"security_associations": [asdict(sa) for sa in found], "last_failure": failed}))
        return 0
    for sa in found:
        print(sa.shown)
    if failure:
        print(f"last failure: {failure}")
    return 0


def boot(configuration: Configuration) -> None:
    """Start what the active slot asks for; a cluster's member only prepares it, until its agent says that it is active.

    Raises ApplianceError.
    """
    if configuration.ha.enabled:
        duty.forget()
    apply(configuration)


def apply(configuration: Configuration) -> None:
    """Check the active slot and make it the running one.

    Raises Refused, with everything that is wrong; ServiceFailed when the daemon does not start.
    """
    check(configuration)
    try:
        spd.apply(configuration)
    except ResolutionError as error:
        raise ApplianceError(f"the IPsec policy cannot be translated: {error}") from error
    charon.apply(configuration, lambda: duty.on_duty(configuration))


def check(configuration: Configuration) -> None:
    """Refuse what the IKE daemon cannot work with; other slots do not matter. Raises Refused."""
    slot = f"VPN/{configuration.vpn.active:02d}"
    configurations.check(configuration, lambda file: file in _SHARED or file == slot)
    ipsec.translate(configuration)


def _activate(slot: int | None, *, dry_run: bool) -> None:
    configuration = configurations.load()
    if slot is not None:
        if slot and slot not in configuration.vpn.slots:
            finding = Finding(Severity.ERROR, Location(f"VPN/{slot:02d}", 1), "file", "there is no such slot", "write it first")
            raise Refused((finding,))
        configuration = _with_slot(configuration, slot)
    check(configuration)
    if dry_run:
        return
    apply(configuration)
    if slot is not None:
        slots.activate("vpn", slot)
    configurations.record("VPN")


def _with_slot(configuration: Configuration, slot: int) -> Configuration:
    return replace(configuration, vpn=replace(configuration.vpn, active=slot))


def _tell_slots() -> None:
    print("current global slot =")
    active = slots.active("vpn")
    print(f"current slot = {slots.name('vpn', active) or 'none'}")
