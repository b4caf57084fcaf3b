"""CONFIG OBJECT …: the object base: ``object``, the groups of objects, services, URLs and names, ``router``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase
from ipaddress import IPv4Network

from lab.appliance.serverd import activation, replies
from lab.appliance.serverd.command import Call, Command
from lab.appliance.serverd.documents import (
    Entry,
    entries,
    has_section,
    replaced,
    sections,
    with_entry,
    without,
    without_section,
)
from lab.appliance.serverd.replies import Refusal, Reply
from sns.errors import ResolutionError
from sns.model import Configuration, Group
from sns.resolution import Resolver

FILES = ("object", "objectgroup", "servicegroup", "router", "urlgroup", "cngroup")

_KINDS = {"HOST": "Host", "NETWORK": "Network", "SERVICE": "Service", "PROTOCOL": "Protocol"}
_GROUPS = {
    "GROUP": "objectgroup",
    "SERVICEGROUP": "servicegroup",
    "URLGROUP": "urlgroup",
    "CNCATEGORYGROUP": "cngroup",
}


def _new(call: Call) -> None:
    """``CONFIG OBJECT HOST|NETWORK|SERVICE|PROTOCOL NEW name= … [update=1] [comment=]``."""
    kind = call.command.path.split()[2]
    name = call.need("name")
    text = call.clone.read("object")
    known = any(entry.name.lower() == name.lower() for entry in entries(text, _KINDS[kind]))
    if known and call.get("update") != "1":
        raise Refusal(f'object "{name}" exists already (update=1 replaces it)')
    value = {"HOST": _host, "NETWORK": _network, "SERVICE": _service, "PROTOCOL": _protocol}[kind](call)
    options = "".join(f",{token}={call.get(token)}" for token in ("type", "resolve", "color", "mac") if call.get(token))
    entry = Entry(f"{name}={value}{options}", call.get("comment"))
    fresh = replaced(text, _KINDS[kind], name, entry) if known else with_entry(text, _KINDS[kind], entry)
    call.clone.write("object", fresh)


def _host(call: Call) -> str:
    if call.get("begin"):
        return f"{call.need('begin')}-{call.need('end')}"
    return call.get("ip") if call.get("resolve") == "dynamic" else call.need("ip")


def _network(call: Call) -> str:
    try:
        return str(IPv4Network(f"{call.need('ip')}/{call.need('mask')}"))
    except ValueError as error:
        raise Refusal.format(str(error)) from error


def _service(call: Call) -> str:
    ports = f"{call.need('port')}-{call.get('toport')}" if call.get("toport") else call.need("port")
    return f"{ports}/{call.choice('proto', 'tcp', ('tcp', 'udp', 'any'))}"


def _protocol(call: Call) -> str:
    return str(call.number("value", 0, 255))


def _delete(call: Call) -> None:
    """``… DELETE name=``. What names it would be refused by the check of the edit."""
    section, name = _KINDS[call.command.path.split()[2]], call.need("name")
    text = call.clone.read("object")
    if not any(entry.name.lower() == name.lower() for entry in entries(text, section)):
        raise Refusal(f'no such object: "{name}"')
    call.clone.write("object", without(text, section, name))


# Groups


def _file(call: Call) -> str:
    return _GROUPS[call.command.path.split()[2]]


def _group_new(call: Call) -> None:
    name, text = call.need("name"), call.clone.read(_file(call))
    if has_section(text, name):
        raise Refusal(f'group "{name}" exists already')
    comment = f"\t# {call.get('comment')}" if call.get("comment") else ""
    gap = "\n" if text.strip() else ""
    call.clone.write(_file(call), f"{text.rstrip()}\n{gap}[{name}]{comment}\n".lstrip())


def _group_delete(call: Call) -> None:
    text = _with_group(call, call.need("name"))
    call.clone.write(_file(call), without_section(text, call.need("name")))


def _add_to(call: Call) -> None:
    group, node = call.need("group"), call.need("node")
    text = _with_group(call, group)
    if not any(entry.text.lower() == node.lower() for entry in entries(text, group)):
        call.clone.write(_file(call), with_entry(text, group, Entry(node)))


def _remove_from(call: Call) -> None:
    group, node = call.need("group"), call.need("node")
    text = _with_group(call, group)
    if not any(entry.text.lower() == node.lower() for entry in entries(text, group)):
        raise Refusal(f'"{node}" is not in group "{group}"')
    call.clone.write(_file(call), without(text, group, node))


def _group_show(call: Call) -> Reply:
    name = call.need("name")
    return replies.section_line({"Object": [{"node": entry.text} for entry in entries(_with_group(call, name), name)]})


def _with_group(call: Call, name: str) -> str:
    text = call.clone.read(_file(call))
    if not has_section(text, name):
        raise Refusal(f'no such group: "{name}"')
    return text


# Routers


def _router_new(call: Call) -> None:
    name, text = call.need("name"), call.clone.read("router")
    if has_section(text, name):
        raise Refusal(f'router "{name}" exists already')
    call.clone.write("router", with_entry(text, name, Entry(f"Principal={call.need('gateway')}")))


def _router_gateway(call: Call) -> None:
    name, text = call.need("name"), call.clone.read("router")
    if not has_section(text, name):
        raise Refusal(f'no such router: "{name}"')
    kind = call.choice("type", "principalgateway", ("principalgateway", "backupgateway"))
    token = "Principal" if kind == "principalgateway" else "Backup"
    place = sum(entry.name.rstrip("0123456789") == token for entry in entries(text, name))
    call.clone.write("router", with_entry(text, name, Entry(f"{token}{place or ''}={call.need('host')}")))


def _router_delete(call: Call) -> None:
    name, text = call.need("name"), call.clone.read("router")
    if not has_section(text, name):
        raise Refusal(f'no such router: "{name}"')
    call.clone.write("router", without_section(text, name))


def _router_list(call: Call) -> Reply:
    return replies.listing({"Result": sections(call.clone.read("router"))})


# All


def _list(call: Call) -> Reply:
    """``CONFIG OBJECT LIST [type=] [search=] [searchfield=name] [start=0]``: the objects, the implicit ones with modify=0."""
    kinds = ("host", "range", "network", "service", "protocol", "group", "servicegroup", "router")
    kind = call.choice("type", "all", ("all", "any", *kinds))
    field = call.choice("searchfield", "name", ("name", "ip", "comment", "all"))
    start = call.number("start", 0, 10**6) if call.get("start") else 0
    found = [
        line
        for line in _objects(call.clone.configuration())
        if kind in ("all", "any", line["type"]) and _matches(line, field, call.get("search", "*"))
    ]
    return replies.section_line({"Object": found[start:]})


def _matches(line: dict[str, object], field: str, search: str) -> bool:
    values = [str(value) for value in line.values()] if field == "all" else [str(line.get(field, ""))]
    pattern = search.lower() if any(mark in search for mark in "*?") else f"*{search.lower()}*"
    return any(fnmatchcase(value.lower(), pattern) for value in values)


def _objects(configuration: Configuration) -> Iterator[dict[str, object]]:
    objects, resolver = configuration.objects, Resolver(configuration)
    for host in objects.hosts.values():
        if host.first is None or host.last is None or host.first == host.last:
            yield _line("host", host.name, host.comment, ip=host.first or "", resolve=host.resolve)
        else:
            yield _line("range", host.name, host.comment, begin=host.first, end=host.last)
    for interface in configuration.interfaces:
        for kind, name in (("host", f"Firewall_{interface.name}"), ("network", f"Network_{interface.name}")):
            try:
                addresses = resolver.addresses(name)
            except ResolutionError:
                continue
            shown = next(iter(addresses.networks()), "")
            yield _line(kind, name, "", modify=0, ip=str(shown).removesuffix("/32"))
    for network in objects.networks.values():
        ip, mask = network.network.network_address, network.network.netmask
        yield _line("network", network.name, network.comment, ip=ip, mask=mask)
    for service in objects.services.values():
        toport = service.last if service.last != service.first else ""
        yield _line("service", service.name, service.comment, port=service.first, toport=toport, proto=service.protocol)
    for protocol in objects.protocols.values():
        yield _line("protocol", protocol.name, "", value=protocol.number)
    yield from _groups_of("group", objects.groups.values())
    yield from _groups_of("servicegroup", objects.service_groups.values())
    for router in objects.routers.values():
        yield _line("router", router.name, "", gateways=",".join((*router.principals, *router.backups)))


def _groups_of(kind: str, groups: Iterable[Group]) -> Iterator[dict[str, object]]:
    for group in groups:
        yield _line(kind, group.name, group.comment, nodes=",".join(name for name, _ in group.members))


def _line(kind: str, name: str, comment: str, modify: int = 1, **more: object) -> dict[str, object]:
    return {"type": kind, "global": 0, "name": name, **more, "modify": modify, "comment": comment}


def _activate(call: Call) -> None:
    """``CONFIG OBJECT ACTIVATE [CANCEL]``."""
    activation.of(call, FILES)


def _commands() -> Iterator[Command]:
    tokens = {
        "HOST": ("name", "ip", "begin", "end", "resolve", "type", "mac", "color", "update", "comment"),
        "NETWORK": ("name", "ip", "mask", "color", "update", "comment"),
        "SERVICE": ("name", "port", "toport", "proto", "color", "update", "comment"),
        "PROTOCOL": ("name", "value", "color", "update", "comment"),
    }
    for kind, taken in tokens.items():
        yield Command(f"CONFIG OBJECT {kind} NEW", _new, taken, level="object", edits=True)
        yield Command(f"CONFIG OBJECT {kind} DELETE", _delete, ("name",), level="object", edits=True)
    for kind in _GROUPS:
        prefix = f"CONFIG OBJECT {kind}"
        yield Command(f"{prefix} NEW", _group_new, ("name", "comment"), level="object", edits=True)
        yield Command(f"{prefix} DELETE", _group_delete, ("name",), level="object", edits=True)
        yield Command(f"{prefix} ADDTO", _add_to, ("group", "node"), level="object", edits=True)
        yield Command(f"{prefix} REMOVEFROM", _remove_from, ("group", "node"), level="object", edits=True)
        yield Command(f"{prefix} SHOW", _group_show, ("name",))
    yield Command("CONFIG OBJECT ROUTER NEW", _router_new, ("name", "gateway"), level="object", edits=True)
    yield Command("CONFIG OBJECT ROUTER GATEWAY ADD", _router_gateway, ("name", "type", "host"), level="object", edits=True)
    yield Command("CONFIG OBJECT ROUTER DELETE", _router_delete, ("name",), level="object", edits=True)
    yield Command("CONFIG OBJECT LIST", _list, ("type", "search", "searchfield", "start"))
    yield Command("CONFIG OBJECT ACTIVATE", _activate, level="object", modifies=True, words=1)


COMMANDS = tuple(_commands())
