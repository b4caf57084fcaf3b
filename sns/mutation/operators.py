"""Every kind of mistake that is made, by its name, and the mutants that they make of a site's files."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sns.mutation import objects, people, platform, rules, tunnels
from sns.mutation.mutant import Mutant, numbered
from sns.mutation.rules import Operator
from sns.mutation.tree import Tree

ON_ONE_MEMBER = frozenset({"hasync forgotten"})
"""Operators whose mistake stands on the active member alone."""

OPERATORS: Mapping[str, Operator] = {
    "rule deleted": rules.rule_deleted,
    "rule disabled": rules.rule_disabled,
    "rule moved": rules.rule_moved,
    "action reversed": rules.action_reversed,
    "pass-all left over": rules.all_passes,
    "source widened": rules.source_widened,
    "source narrowed": rules.source_narrowed,
    "source swapped": rules.source_swapped,
    "destination widened": rules.destination_widened,
    "destination narrowed": rules.destination_narrowed,
    "destination swapped": rules.destination_swapped,
    "service widened": rules.service_widened,
    "service swapped": rules.service_swapped,
    "interface forgotten": rules.interface_forgotten,
    "interface swapped": rules.interface_swapped,
    "tunnel forgotten": rules.tunnel_forgotten,
    "protocol forgotten": rules.protocol_forgotten,
    "name filter forgotten": rules.name_filter_forgotten,
    "translation swapped": rules.translation_swapped,
    "translated port swapped": rules.translated_port_swapped,
    "host off by one": objects.host_off_by_one,
    "network halved": objects.network_halved,
    "network doubled": objects.network_doubled,
    "network is the next": objects.network_next,
    "service off by one": objects.service_off_by_one,
    "group member missing": objects.member_missing,
    "group member added": objects.member_added,
    "Internet inverted": objects.internet_inverted,
    "implicit rule switched": platform.implicit_rule_switched,
    "slot wrong": platform.slot_wrong,
    "route missing": platform.route_missing,
    "route not black": platform.route_not_black,
    "route swapped": platform.route_swapped,
    "gateway wrong": platform.gateway_wrong,
    "interface wrong": platform.interface_wrong,
    "key wrong": tunnels.key_wrong,
    "key missing": tunnels.key_missing,
    "proposal weakened": tunnels.proposal_weakened,
    "proposal missing": tunnels.proposal_missing,
    "forward secrecy forgotten": tunnels.secrecy_forgotten,
    "lifetime longer": tunnels.lifetime_longer,
    "tunnel missing": tunnels.tunnel_missing,
    "tunnel off": tunnels.tunnel_off,
    "tunnel network swapped": tunnels.tunnel_network_swapped,
    "tunnel network widened": tunnels.tunnel_network_widened,
    "peer stale": tunnels.peer_stale,
    "peer setting wrong": tunnels.peer_setting_wrong,
    "SSL VPN setting wrong": people.ssl_vpn_setting_wrong,
    "pool wrong": people.pool_wrong,
    "right removed": people.right_removed,
    "right off": people.right_off,
    "right of all": people.right_of_all,
    "user removed": people.user_removed,
    "password changed": people.password_changed,
    "management widened": people.management_widened,
    "management narrowed": people.management_narrowed,
    "management setting wrong": people.management_setting_wrong,
    "name rule wrong": people.name_rule_wrong,
    "name misspelt": people.name_misspelt,
    "HA interface wrong": platform.ha_interface_wrong,
    "HA setting wrong": platform.ha_setting_wrong,
    "HA address wrong": platform.ha_address_wrong,
    "hasync forgotten": platform.hasync_forgotten,
}


def mutants(trees: Iterable[Tree], operators: Iterable[str] = OPERATORS) -> list[Mutant]:
    """All mutants of these sites by these operators, in order. Raises KeyError for an operator that there is not."""
    chosen = [(name, OPERATORS[name]) for name in operators]
    made = (
        Mutant(tree.site, name, what, edits, synchronised=name not in ON_ONE_MEMBER)
        for tree in trees
        for name, operator in chosen
        for what, edits in operator(tree)
        if changes(edits)
    )
    return numbered(made)


def changes(edits: Iterable[object]) -> bool:
    """Whether edits change anything: a line that becomes itself is no mistake."""
    return any(getattr(edit, "new", None) != (getattr(edit, "old", None),) for edit in edits)
