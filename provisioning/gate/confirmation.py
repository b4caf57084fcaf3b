"""What a lab says of the packets of a change, beside what the model says: each measured before, and after."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from ipaddress import IPv4Address
from typing import TYPE_CHECKING, TypeAlias

from lab.errors import LabError
from provisioning.gate.verdict import Confirmation
from provisioning.matrix.measured import Matrix
from provisioning.matrix.users import connected
from sns.paths import SSL_VPN
from sns.prediction import Flow

if TYPE_CHECKING:
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
    """What becomes of these packets in the lab now. VPN users are connected when any packet is one of theirs, and send it
    from the address that they were given. Raises LabError.
    """
    users: Sequence[tuple[Client, IPv4Address]] = ()
    why_not = "nothing in the lab can send it so"
    with ExitStack() as leaving:
        if any(flow.arrival == SSL_VPN for _, flow in flows.values()):
            try:
                users = leaving.enter_context(connected(environment))
            except LabError as why:
                why_not = f"no VPN user is connected: {why}"
        sent = {place: (site, _of_user(site, flow, users)) for place, (site, flow) in flows.items()}
        matrix = Matrix(environment, users)
        try:
            measured = {(one.site, one.flow): _told(one) for one in matrix.measure(sent.values())}
        finally:
            matrix.close()
    return {place: measured.get(asked) or Seen(unmeasured=why_not) for place, asked in sent.items()}


def _of_user(site: str, flow: Flow, users: Sequence[tuple[Client, IPv4Address]]) -> Flow:
    """The packet as a connected user of the site can send it."""
    own = [address for client, address in users if client.site == site]
    if flow.arrival != SSL_VPN or not own or flow.source in own:
        return flow
    return replace(flow, source=own[0])


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
