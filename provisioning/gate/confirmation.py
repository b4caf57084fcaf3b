"""What a lab says of the packets of a change, beside what the model says: each measured before, and after."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias

from lab.errors import LabError
from provisioning.gate.verdict import Confirmation
from provisioning.matrix.measured import measure
from provisioning.matrix.users import connected
from sns.paths import SSL_VPN
from sns.prediction import Flow

if TYPE_CHECKING:
    from ipaddress import IPv4Address

    from lab.matrix.stand import Client
    from provisioning.environment import LabEnvironment
    from provisioning.matrix.comparison import Compared

Flows: TypeAlias = Mapping[int, tuple[str, Flow]]
"""Packets by a number, each with the site at whose firewall it arrives."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What was seen of a packet under one configuration. ``wrong`` says how that is not what the model says.

    ``unmeasured`` says why nothing was seen: it could not be sent.
    """

    text: str = ""
    wrong: str = ""
    unmeasured: str = ""


def seen(environment: LabEnvironment, flows: Flows) -> dict[int, Seen]:
    """What becomes of these packets in the lab now; VPN users are connected when some are theirs. Raises LabError."""
    with ExitStack() as leaving:
        clients: Sequence[tuple[Client, IPv4Address]] = ()
        why = ""
        if any(flow.arrival == SSL_VPN for _, flow in flows.values()):
            try:
                clients = leaving.enter_context(connected(environment))
            except LabError as not_connected:
                why = str(not_connected)
        asked = _of_users(environment, flows, clients)
        measured = {(one.site, one.flow): _told(one) for one in measure(environment, asked.values(), clients)}
    return {place: measured.get(one) or Seen(unmeasured=_why_not(one[1], why)) for place, one in asked.items()}


def _of_users(environment: LabEnvironment, flows: Flows, clients: Sequence[tuple[Client, IPv4Address]]) -> Flows:
    """The same packets from the addresses that the users have: of two in a row the second may get another."""
    own = {
        (client.site, pool.first_user): address
        for client, address in clients
        for pool in environment.deployment.site(client.site).pools
        if pool.protocol == client.transport
    }
    return {
        place: (site, replace(flow, source=own.get((site, flow.source), flow.source))) for place, (site, flow) in flows.items()
    }


def _why_not(flow: Flow, no_user: str) -> str:
    return no_user if no_user and flow.arrival == SSL_VPN else "nothing in the lab can send it so"


def _told(compared: Compared) -> Seen:
    if compared.trace.lost:
        return Seen(unmeasured=f"the lab proved nothing: {compared.trace.lost}")
    last = compared.trace.last
    text = f"came out {last}" if last is not None else "arrived, and came out nowhere"
    return Seen(text, "; ".join(compared.disagreements))


def confirmed(before: Seen, after: Seen) -> Confirmation:
    """Both sides' sightings together; either that is not as predicted makes the whole not so."""
    wrong = "; ".join(f"{word} the change {one.wrong}" for word, one in (("before", before), ("after", after)) if one.wrong)
    return Confirmation(before.text, after.text, wrong, before.unmeasured or after.unmeasured)
