"""The slot as a whole: rules without any constraint, its last word, and the implicit rules beside it."""

from __future__ import annotations

from collections.abc import Iterator

from sns.first_match import FirstMatch
from sns.model import Configuration, Location, Rule

from .result import Check, Level, Result

ANY_TO_ANY = Check(
    "any-to-any",
    Level.WARNING,
    "A rule that lets everything pass",
    "A rule without source, destination, service and interface opens all that stands behind it.",
    ("ANSSI SNS R33", "ANSSI hygiene 22"),
)
NO_FINAL_BLOCK = Check(
    "no-final-block",
    Level.WARNING,
    "A slot that does not end with a logged refusal of the rest",
    "What no rule describes is refused without a trace: an attempt leaves nothing to look at.",
    ("ANSSI SNS R54", "ANSSI hygiene 36"),
)
IMPLICIT = Check(
    "implicit-rule",
    Level.NOTE,
    "An implicit rule that opens the firewall",
    "It stands above the slot, and who reads the slot does not see it. The one between members of a cluster is excepted.",
    ("ANSSI SNS R30",),
)

_EXCEPTED = frozenset({"HA", "FwDefault"})  # R30 of the v4.3 guide keeps the first; the second is what the firewall sends


def check(configuration: Configuration, policy: FirstMatch) -> Iterator[Result]:
    """Doubts about the active slot."""
    rules = [rule for rule in configuration.policy.filter if rule.enabled]
    for rule in rules:
        if rule.action == "pass" and _unconstrained(rule):
            message = f'"{rule.text}" lets everything pass'
            yield Result(ANY_TO_ANY, rule.location, "rule", message, "name who may reach what, by which service")
    last = rules[-1] if rules else None
    if last is None or last.action not in ("block", "reset") or not _unconstrained(last):
        location = last.location if last else Location(f"Filter/{configuration.active_policy:02d}", 1)
        message = "nothing behind it refuses the rest and logs it" if last else "has no rule"
        yield Result(NO_FINAL_BLOCK, location, "rule", message, 'end the slot with "block log from any to any"')
    elif not last.log:
        message = f'"{last.text}" refuses the rest, and does not log it'
        yield Result(NO_FINAL_BLOCK, last.location, "rule", message, 'write "block log from any to any"')
    told: set[str] = set()
    for layer in policy.hidden:
        hidden = layer.rule
        if hidden is None or isinstance(hidden, Rule) or hidden.token in _EXCEPTED | told or hidden.action != "pass":
            continue
        told.add(hidden.token)
        message = f"opens the firewall above the slot: {hidden.description}"
        remedy = f"set {hidden.token}=0, and write a rule for what is needed"
        yield Result(IMPLICIT, hidden.location, hidden.token, message, remedy)


def _unconstrained(rule: Rule) -> bool:
    ends = (rule.source, rule.destination, rule.source_port, rule.destination_port)
    narrowed = (rule.source_interface, rule.destination_interface, rule.via, rule.ip_protocol, rule.icmp_type)
    return all(end.is_any for end in ends) and all(value is None for value in narrowed) and not rule.unjudged
