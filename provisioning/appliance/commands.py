"""The commands that bring an appliance from one configuration to another, in an order in which each can be carried out.

What only the present configuration has is left alone where nothing can tell (objects that nobody uses); policies, tunnels and
rights become the wanted ones. Secrets appear as they stand in the wanted tree: values, or ``${secret:NAME}``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from provisioning.appliance.tree import Tree
from sns import rule_tokens
from sns.model import CryptoProfile, Group, Location, Peer, Policy, Rule, Separator, Tunnel

_NOWHERE = Location("", 0)


def commands(present: Tree, wanted: Tree, *, directory_password: str = "") -> list[str]:
    """The commands, without those of high availability (:func:`cluster`). ``directory_password`` is for a directory that is
    made. Raises ValueError for a rule that no command can say."""
    return [
        *objects(present, wanted),
        *networks(present, wanted),
        *names(present, wanted),
        *policy(present, wanted),
        *tunnels(present, wanted),
        *people(present, wanted, directory_password),
        *remote_access(present, wanted),
        *administration(present, wanted),
    ]


def said(path: str, *words: str, **tokens: object) -> str:
    """A command line. What holds a blank is quoted; a quote inside, which no line can hold, becomes an apostrophe."""
    parts = [path, *(_quoted(word) for word in words)]
    parts += [f"{name}={_quoted(str(value))}" for name, value in tokens.items() if value is not None and value != ""]
    return " ".join(parts)


def _quoted(value: str) -> str:
    value = value.replace('"', "'")
    return f'"{value}"' if not value or any(mark in value for mark in " \t<>#=") else value


# Objects


def objects(present: Tree, wanted: Tree) -> Iterator[str]:
    """What the wanted object base has that the present one has not, or has otherwise."""
    lines = [*_objects(present, wanted), *_groups(present, wanted)]
    yield from lines
    if lines:
        yield "CONFIG OBJECT ACTIVATE"


def _objects(present: Tree, wanted: Tree) -> Iterator[str]:
    had, has = present.configuration.objects, wanted.configuration.objects
    for key, host in has.hosts.items():
        if not _same(had.hosts.get(key), host):
            update = int(key in had.hosts) or None
            if host.first is not None and host.first != host.last:
                where: dict[str, object] = {"begin": host.first, "end": host.last}
            else:
                where = {"ip": host.first, "resolve": host.resolve}
            yield said("CONFIG OBJECT HOST NEW", name=host.name, **where, update=update, comment=host.comment)
    for key, network in has.networks.items():
        if not _same(had.networks.get(key), network):
            ip, mask = network.network.network_address, network.network.netmask
            update = int(key in had.networks) or None
            yield said("CONFIG OBJECT NETWORK NEW", name=network.name, ip=ip, mask=mask, update=update, comment=network.comment)
    for key, service in has.services.items():
        if not _same(had.services.get(key), service):
            toport = service.last if service.last != service.first else None
            update = int(key in had.services) or None
            yield said(
                "CONFIG OBJECT SERVICE NEW", name=service.name, port=service.first, toport=toport, proto=service.protocol,
                update=update, comment=service.comment,
            )  # fmt: skip
    for key, protocol in has.protocols.items():
        if key not in had.protocols:
            yield said("CONFIG OBJECT PROTOCOL NEW", name=protocol.name, value=protocol.number)


def _groups(present: Tree, wanted: Tree) -> Iterator[str]:
    had, has = present.configuration.objects, wanted.configuration.objects
    for kind, before, after in (
        ("GROUP", had.groups, has.groups),
        ("SERVICEGROUP", had.service_groups, has.service_groups),
        ("URLGROUP", had.url_groups, has.url_groups),
        ("CNCATEGORYGROUP", had.cn_groups, has.cn_groups),
    ):
        for key, group in after.items():
            yield from _group(kind, before.get(key), group)


def _group(kind: str, before: Group | None, group: Group) -> Iterator[str]:
    if before is None:
        yield said(f"CONFIG OBJECT {kind} NEW", name=group.name, comment=group.comment)
    old = [name for name, _ in before.members] if before else []
    new = [name for name, _ in group.members]
    yield from (said(f"CONFIG OBJECT {kind} ADDTO", group=group.name, node=name) for name in new if name not in old)
    yield from (said(f"CONFIG OBJECT {kind} REMOVEFROM", group=group.name, node=name) for name in old if name not in new)


# Network


def networks(present: Tree, wanted: Tree) -> Iterator[str]:
    """Names, addresses and routes of the interfaces, and the name servers."""
    lines = [*_interfaces(present, wanted), *_routes(present, wanted), *_name_servers(present, wanted)]
    yield from lines
    if lines:
        yield "CONFIG NETWORK ACTIVATE"


def _interfaces(present: Tree, wanted: Tree) -> Iterator[str]:
    before = {interface.section.lower(): interface for interface in present.configuration.interfaces}
    for interface in wanted.configuration.interfaces:
        old = before.get(interface.section.lower())
        if old is None:
            continue  # its hardware is missing: what needs it tells
        if old.name != interface.name:
            yield said("CONFIG NETWORK INTERFACE RENAME", ifname=interface.section, name=interface.name)
        if old.protected != interface.protected:
            yield said("CONFIG NETWORK INTERFACE UPDATE", ifname=interface.name, protected=int(interface.protected))
        if interface.dhcp and not old.dhcp:
            yield said("CONFIG NETWORK INTERFACE ADDRESS UPDATE", ifname=interface.name, addrnb=0, address="DHCP")
        elif interface.address is not None and not interface.dhcp and (old.dhcp or old.address != interface.address):
            ip, mask = interface.address.ip, interface.address.netmask
            yield said("CONFIG NETWORK INTERFACE ADDRESS UPDATE", ifname=interface.name, addrnb=0, address=ip, mask=mask)


def _routes(present: Tree, wanted: Tree) -> Iterator[str]:
    had, has = present.configuration.routing, wanted.configuration.routing
    if has.default and has.default != had.default:
        yield said("CONFIG NETWORK DEFAULTROUTE SET", type="ipv4", name=has.default)
    before = {(route.destination, route.interface, route.gateway) for route in had.static}
    after = [(route.destination, route.interface, route.gateway) for route in has.static]
    for destination, _, _ in sorted(before - set(after), key=str):
        yield said("CONFIG NETWORK ROUTE REMOVE", remote=destination)
    for destination, interface, gateway in after:
        if (destination, interface, gateway) not in before:
            yield said("CONFIG NETWORK ROUTE ADD", remote=destination, interface=interface, gateway=gateway)


def _name_servers(present: Tree, wanted: Tree) -> Iterator[str]:
    had, has = present.name_servers, wanted.name_servers
    yield from (said("CONFIG DNS SERVER REMOVE", name) for name in had if name not in has)
    yield from (said("CONFIG DNS SERVER ADD", name) for name in has if name not in had)


# Filter, NAT, names


def names(present: Tree, wanted: Tree) -> Iterator[str]:
    """The filters of URLs and of TLS names."""
    had, has = present.configuration, wanted.configuration
    for kind, token, before, after in (
        ("URLFILTERING", "urlgroup", had.url_filters, has.url_filters),
        ("SSLFILTERING", "cngroup", had.ssl_filters, has.ssl_filters),
    ):
        changed = [slot for slot, rules in after.items() if not _all_same(before.get(slot, ()), rules)]
        for slot in changed:
            yield said(f"CONFIG {kind} RULE REMOVE", index=slot, position="all")
            for rule in after[slot]:
                state = None if rule.enabled else "off"
                tokens = {"state": state, "action": rule.action, token: rule.group}
                yield said(f"CONFIG {kind} RULE INSERT", index=slot, **tokens)
        if changed:
            yield f"CONFIG {kind} ACTIVATE"


def policy(present: Tree, wanted: Tree) -> Iterator[str]:
    """The active filter and NAT slot, and the implicit rules."""
    had, has = present.configuration, wanted.configuration
    yield from _implicit(present, wanted)
    slot = has.active_policy
    before, after = had.policies.get(slot), has.policies[slot]
    same = before is not None and _all_same(before.filter, after.filter) and _all_same(before.nat, after.nat)
    if same and had.active_policy == slot:
        return
    if not same:
        yield from rules_of(after)
    yield said("CONFIG SLOT ACTIVATE", type="filter", slot=slot)


def rules_of(slot: Policy) -> Iterator[str]:
    """The commands that write a slot anew, separators included."""
    yield said("CONFIG SLOT UPDATE", type="filter", slot=slot.slot, name=slot.name)
    last_filter = max((rule.location.line for rule in slot.filter), default=0)
    for kind, rules in (("filter", slot.filter), ("nat", slot.nat)):
        yield said("CONFIG FILTER RULE REMOVE", index=slot.slot, type=kind, position="all")
        heads = [one for one in slot.separators if (one.location.line > last_filter) == (kind == "nat")]
        lines: list[Rule | Separator] = [*rules, *heads]
        for line in sorted(lines, key=lambda one: one.location.line):
            yield _line(slot.slot, kind, line)


def _line(slot: int, kind: str, line: Rule | Separator) -> str:
    if isinstance(line, Separator):
        return said("CONFIG FILTER RULE ADDSEP", index=slot, type=kind, color="c0c0c0", collapse=0, comment=line.comment)
    return said("CONFIG FILTER RULE INSERT", index=slot, type=kind, **rule_tokens.tokens(line))


def _implicit(present: Tree, wanted: Tree) -> Iterator[str]:
    had, has = present.configuration.implicit, wanted.configuration.implicit
    tokens = {name: int(on) for name, on in has.services.items() if had.services.get(name) != on}
    if has.implicit != had.implicit:
        tokens["implicit"] = int(has.implicit)
    if has.firewall_default != had.firewall_default:
        tokens["fwdefault"] = int(has.firewall_default)
    if tokens:
        yield said("CONFIG FILTER MANAGE", **tokens)


# VPN


def tunnels(present: Tree, wanted: Tree) -> Iterator[str]:
    """Profiles, peers with their keys, and the active slot's tunnels."""
    had, has = present.configuration.vpn, wanted.configuration.vpn
    lines = [*_profiles(1, had.phase1, has.phase1), *_profiles(2, had.phase2, has.phase2)]
    for key, peer in has.peers.items():
        secret = has.preshared_keys.get(peer.remote.lower())
        old = had.peers.get(key)
        if _same(old, peer) and had.preshared_keys.get(peer.remote.lower()) == secret:
            continue
        lines.append(_peer("NEW" if old is None else "UPDATE", peer, secret))
    slot = has.slots.get(has.active)
    before = had.slots.get(has.active)
    if slot is not None:
        old_options: Mapping[str, str] = before.options if before else {}
        options = {name: value for name, value in slot.options.items() if old_options.get(name) != value}
        if options:
            lines.append(said("CONFIG IPSEC UPDATE", slot=f"{has.active:02d}", **options))
        if not _all_same(before.tunnels if before else (), slot.tunnels):
            if before and before.tunnels:
                lines.append(said("CONFIG IPSEC POLICY GATEWAY REMOVE", slot=f"{has.active:02d}", position="all"))
            lines += [_tunnel(has.active, tunnel) for tunnel in slot.tunnels]
    yield from lines
    if has.active and (lines or has.active != had.active):
        yield said("CONFIG SLOT ACTIVATE", type="vpn", slot=f"{has.active:02d}")
    elif lines:
        yield "CONFIG IPSEC ACTIVATE"


def _peer(verb: str, peer: Peer, secret: str | None) -> str:
    return said(
        f"CONFIG IPSEC PEER {verb}", name=peer.name, dst=peer.remote, src=peer.local, conf=peer.profile,
        ikeversion=peer.ike_version, method=peer.method, psk=secret, dpd_mode=peer.dpd_mode,
        responderonly=int(peer.responder_only),
    )  # fmt: skip


def _tunnel(slot: int, tunnel: Tunnel) -> str:
    return said(
        "CONFIG IPSEC POLICY GATEWAY ADD", slot=f"{slot:02d}", state="on" if tunnel.enabled else "off", local=tunnel.local,
        remote=tunnel.remote, peer=tunnel.peer, conf=tunnel.profile, keepalive=tunnel.keepalive, rulename=tunnel.name,
    )  # fmt: skip


def _profiles(phase: int, had: Mapping[str, CryptoProfile], has: Mapping[str, CryptoProfile]) -> Iterator[str]:
    path = f"CONFIG IPSEC PROFILE PHASE{phase}"
    for key, profile in has.items():
        if _same(had.get(key), profile):
            continue
        if key in had and phase == 1:
            yield said(f"{path} REMOVE", name=profile.name)
        if phase == 2:
            enc = ",".join(dict.fromkeys(one.encryption for one in profile.proposals))
            auth = ",".join(dict.fromkeys(one.authentication or "" for one in profile.proposals))
            verb = "UPDATE" if key in had else "NEW"
            yield said(f"{path} {verb}", name=profile.name, enc=enc, auth=auth, pfs=profile.pfs, lifetime=profile.lifetime)
            continue
        for place, one in enumerate(profile.proposals):
            tokens = {"enc": one.encryption, "auth": one.authentication, "dh": one.dh}
            if place == 0:
                yield said(f"{path} NEW", name=profile.name, lifetime=profile.lifetime, **tokens)
            else:
                yield said(f"{path} PROPOSALS ADD", name=profile.name, **tokens)


def remote_access(present: Tree, wanted: Tree) -> Iterator[str]:
    """The SSL VPN server."""
    had = {token.lower(): value for token, value in present.ssl_vpn.items()}
    tokens = {token: value for token, value in wanted.ssl_vpn.items() if value and had.get(token.lower(), "") != value}
    if tokens:
        yield said("CONFIG OPENVPN UPDATE", **tokens)
        yield "CONFIG OPENVPN ACTIVATE"


# People


def people(present: Tree, wanted: Tree, directory_password: str) -> Iterator[str]:
    """The directory, its people and groups, and who may use which VPN."""
    had, has = present.configuration.directory, wanted.configuration.directory
    if has.suffix and had.suffix != has.suffix:
        parts = dict(part.partition("=")[::2] for part in has.suffix.split(","))
        yield said("CONFIG LDAP INITIALIZE", domainname=has.domain, **parts, password=directory_password)
        yield "CONFIG LDAP ACTIVATE"
        had = replace(had, users=(), groups={})
    known = {user.uid.lower(): user for user in had.users}
    for user in has.users:
        old = known.get(user.uid.lower())
        if old is None:
            yield said("USER CREATE", uid=user.uid, name=user.name, mail=user.mail)
        if user.password and (old is None or old.password != user.password):
            yield said("USER PASSWORD", dn=user.uid, password=user.password)
    for name, members in has.groups.items():
        old_members = had.groups.get(name)
        if old_members is None and members:
            yield said("USER GROUP CREATE", name, members[0])
        fresh = [uid for uid in members if uid not in (old_members or members[:1])]
        yield from (said("USER GROUP ADDUSER", name, uid) for uid in fresh)
    yield from _rights(present, wanted)


def _rights(present: Tree, wanted: Tree) -> Iterator[str]:
    had, has = present.configuration.access, wanted.configuration.access
    defaults = {right: value for right, value in has.defaults.items() if had.defaults.get(right) != value}
    if defaults:
        yield said("USER ACCESS DEFAULT UPDATE", **defaults)
    changed = not _all_same(had.rules, has.rules)
    if changed:
        for place in range(len(had.rules), 0, -1):
            yield said("USER ACCESS RIGHT REMOVE", position=place)
        for rule in has.rules:
            state = "on" if rule.enabled else "off"
            yield said("USER ACCESS RIGHT INSERT", state=state, user=rule.user, group=rule.group, **rule.rights)
    if defaults or changed:
        yield "USER ACCESS ACTIVATE"


# Administration


def administration(present: Tree, wanted: Tree) -> Iterator[str]:
    """SSH and the administration page; who may see the page comes last, for it may end our own way."""
    had, has = present.configuration.management, wanted.configuration.management
    if (had.ssh_enabled, had.ssh_password) != (has.ssh_enabled, has.ssh_password):
        yield said("CONFIG SSH UPDATE", state=int(has.ssh_enabled), userpass=int(has.ssh_password))
        yield "CONFIG SSH ACTIVATE"
    before, after = [name for name, _ in had.web_access], [name for name, _ in has.web_access]
    if before != after:
        yield from (said("CONFIG WEBADMIN ACCESS ADD", name) for name in after if name not in before)
        yield from (said("CONFIG WEBADMIN ACCESS REMOVE", name) for name in before if name not in after)
        yield "CONFIG WEBADMIN ACTIVATE"


def _plain(element: object) -> object:
    """An element without where it stands, and a rule without how it was spelled."""
    if isinstance(element, Rule):
        return replace(element, location=_NOWHERE, text="")
    return replace(element, location=_NOWHERE)  # type: ignore[type-var]


def _same(one: object | None, other: object) -> bool:
    return one is not None and _plain(one) == _plain(other)


def _all_same(before: tuple[object, ...], after: tuple[object, ...]) -> bool:
    return [_plain(one) for one in before] == [_plain(one) for one in after]
