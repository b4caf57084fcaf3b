"""The typed model of one appliance's configuration: what a ConfigFiles tree says, with file and line on every element.

Nothing here reads files or resolves names; see :mod:`sns.reader` for the first and :mod:`sns.resolution` for the
second. Names and meanings are the product's; where the file syntax is not confirmed by the vendor,
``docs/fidelity.md`` says so.
"""

from __future__ import annotations

from sns.model.configuration import Configuration, SilentSetting, Unmodelled
from sns.model.filter import ImplicitOptions, NameFilterRule, Operand, Policy, Rule, Separator, Translation
from sns.model.findings import Finding, Location, Severity
from sns.model.ha import HaMember, HighAvailability
from sns.model.identity import AccessRights, AccessRule, Directory, DirectoryUser, Management
from sns.model.network import Interface, Routing, StaticRoute
from sns.model.objects import Group, HostObject, InternetObject, NetworkObject, Objects, ProtocolObject, Router, ServiceObject
from sns.model.vpn import CryptoProfile, Peer, Proposal, SslVpn, Tunnel, Vpn, VpnSlot

__all__ = [
    "AccessRights",
    "AccessRule",
    "Configuration",
    "CryptoProfile",
    "Directory",
    "DirectoryUser",
    "Finding",
    "Group",
    "HaMember",
    "HighAvailability",
    "HostObject",
    "ImplicitOptions",
    "Interface",
    "InternetObject",
    "Location",
    "Management",
    "NameFilterRule",
    "NetworkObject",
    "Objects",
    "Operand",
    "Peer",
    "Policy",
    "Proposal",
    "ProtocolObject",
    "Router",
    "Routing",
    "Rule",
    "Separator",
    "ServiceObject",
    "Severity",
    "SilentSetting",
    "SslVpn",
    "StaticRoute",
    "Translation",
    "Tunnel",
    "Unmodelled",
    "Vpn",
    "VpnSlot",
]
