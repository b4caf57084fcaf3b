"""``enfilter``: apply a filter and NAT slot. Sessions that it allows go on, others end; a broken slot changes nothing."""

from __future__ import annotations

import sys
import time
from dataclasses import replace

from lab.appliance import configuration as configurations
from lab.appliance import counters, filterlog, nft, reassessment, ruleset, slots, webproxy
from lab.appliance.errors import ApplianceError, Misused, Refused
from lab.appliance.proxies import proxies_of
from sns.errors import ResolutionError
from sns.model import Configuration, Finding, Location, Severity
from sns.resolution import Resolver

_USAGE = "enfilter [NN | on | off | -u]"
_SHARED = frozenset({
    *configurations.NETWORK_FILES, "servicegroup", "urlgroup", "cngroup", "Filter/filter", "Filter/slotinfo",
})  # fmt: skip


def main(arguments: list[str]) -> int:
    """``enfilter``: activate slot NN, apply the active one again (``-u``, ``on``, none), or let all pass (``off``)."""
    if len(arguments) > 1:
        raise Misused(_USAGE)
    word = arguments[0] if arguments else "-u"
    with configurations.exclusive():
        if word == "off":
            nft.load_policy(ruleset.everything_passes())
            return 0
        if word in ("on", "-u"):
            apply(configurations.load())
        elif word.isdecimal():
            _activate(slots.number(word))
        else:
            raise Misused(_USAGE)
    print("No QoS rules, QoS disabled")
    return 0


def apply(configuration: Configuration) -> None:
    """Load the active slot, and keep a copy of all files as the running ones. Raises as :func:`load` does."""
    load(configuration)
    configurations.record()


def load(configuration: Configuration) -> None:
    """Check, translate and load the active slot of a configuration, and end the connections that it refuses.

    Raises Refused, with everything that is wrong; ServiceFailed when the web proxy or the log does not start.
    """
    check(configuration)
    try:
        text = ruleset.translate(configuration)
        proxies = proxies_of(configuration, Resolver(configuration))
    except ResolutionError as error:
        raise ApplianceError(f"the filter policy cannot be translated: {error}") from error
    filterlog.start()
    if proxies:
        webproxy.reload(configuration, proxies)
    nft.load_policy(f"{text}{_stamp()}")
    reassessment.reassess(configuration)
    if not proxies:
        webproxy.reload(configuration, ())


def _stamp() -> str:
    """What tells this application from every other: who follows the counters must know that they began again."""
    return f"add counter ip sns {counters.APPLIED} {{ packets {time.time_ns() // 1_000_000} bytes 0 }}\n"


def check(configuration: Configuration) -> None:
    """Refuse what the filter cannot work with: errors in its files, other slots aside. Raises Refused."""
    slot = f"Filter/{configuration.active_policy:02d}"

    def concerns(file: str) -> bool:
        return file in _SHARED or file == slot or file.partition("/")[0] in ("URLFiltering", "SSLFiltering")

    configurations.check(configuration, concerns)
    if not configuration.implicit.firewall_default:
        message = "what HA and the VPN send to their other ends passes without it, which no prediction knows"
        print(f"unsupported: {configuration.implicit.where('FwDefault')}: FwDefault: {message}", file=sys.stderr)
    for rule in configuration.policy.filter:
        if rule.enabled and rule.route:
            message = "the lab routes by its table, not by rules"
            print(f"unsupported: {rule.location}: route: {message}", file=sys.stderr)


def _activate(slot: int) -> None:
    configuration = configurations.load()
    if slot not in configuration.policies:
        location = Location(f"Filter/{slot:02d}", 1)
        remedy = "write it, or choose another"
        raise Refused((Finding(Severity.ERROR, location, "file", "there is no such slot", remedy),))
    left_is_missing = configuration.active_policy not in configuration.policies
    # What is wrong with the slot that is left does not matter any more.
    kept = tuple(f for f in configuration.findings if not (left_is_missing and f.location.file == "Filter/slotinfo"))
    apply(replace(configuration, active_policy=slot, findings=kept))
    slots.activate("filter", slot)
    configurations.record("Filter")
