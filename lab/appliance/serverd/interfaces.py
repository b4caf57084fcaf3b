"""CONFIG NETWORK … and CONFIG DNS …: interfaces, routes, name servers, in ``network``, ``route`` and ``dns``."""

from __future__ import annotations

import sys

from lab.appliance import filtering, network
from lab.appliance.errors import ApplianceError
from lab.appliance.inifile import get
from lab.appliance.serverd import activation, replies
from lab.appliance.serverd.command import Call, Command
from lab.appliance.serverd.documents import Entry, document, entries, has_section, with_entry, with_tokens, without
from lab.appliance.serverd.replies import Refusal, Reply
from sns.model import Interface

FILES = ("network", "route", "dns")


def _interface(call: Call) -> Interface:
    """The interface that ``ifname`` names, by section or by its own name. Raises Refusal."""
    name = call.need("ifname")
    found = call.clone.configuration().interface(name)
    if found is None:
        raise Refusal(f'no such interface: "{name}"')
    return found


def _set(call: Call, interface: Interface, tokens: dict[str, str]) -> None:
    call.clone.write("network", with_tokens(call.clone.read("network"), interface.section, tokens))


def _unset(call: Call, interface: Interface, token: str) -> None:
    call.clone.write("network", without(call.clone.read("network"), interface.section, token))


def _show(call: Call) -> Reply:
    """``CONFIG NETWORK INTERFACE SHOW [filter=ethernet|vlan|…]``: each interface with its tokens."""
    kind = call.get("filter").lower()
    shown = {
        section.name: dict(pair for line in section.lines if (pair := line.assignment()))
        for section in document(call.clone.read("network")).sections
        if section.name.lower() != "config" and section.name.lower().startswith(kind)
    }
    return replies.section(**shown)


def _rename(call: Call) -> None:
    _set(call, _interface(call), {"Name": call.need("name")})


def _update(call: Call) -> None:
    interface = _interface(call)
    tokens = {"State": "state", "Protected": "protected", "MTU": "mtu", "Color": "color", "MACAddress": "macaddress"}
    _set(call, interface, {name: call.get(token) for name, token in tokens.items() if token in call.tokens})


def _address_add(call: Call) -> None:
    """``… ADDRESS ADD ifname= address= mask=``, or ``address=DHCP``, for an interface that has none."""
    interface, text = _interface(call), call.clone.read("network")
    if get(text, interface.section, "Address"):
        raise Refusal(f"{interface.name} has an address, and a second one is not simulated (ADDRESS UPDATE changes it)")
    _address(call, interface)


def _address_update(call: Call) -> None:
    """``… ADDRESS UPDATE ifname= addrnb=0|refaddress=OLD address= mask=``."""
    interface, current = _interface(call), get(call.clone.read("network"), _interface(call).section, "Address")
    if call.get("addrnb", "0") != "0" or (call.get("refaddress") and call.get("refaddress") != current):
        raise Refusal(f"{interface.name} has no such address: it has {current or 'none'}, number 0")
    _address(call, interface)


def _address(call: Call, interface: Interface) -> None:
    address = call.need("address")
    if address.upper() == "DHCP":
        _set(call, interface, {"State": "1", "Address": "DHCP"})
        _unset(call, interface, "Mask")
    else:
        _set(call, interface, {"State": "1", "Address": address, "Mask": call.need("mask")})


def _address_remove(call: Call) -> None:
    interface = _interface(call)
    if get(call.clone.read("network"), interface.section, "Address") != call.need("address"):
        raise Refusal(f"{interface.name} does not have {call.need('address')}")
    for token in ("Address", "Mask"):
        _unset(call, interface, token)
    _set(call, interface, {"State": "0"})


# Routes


def _default_route(call: Call) -> None:
    call.choice("type", "ipv4", ("ipv4",))
    tokens = {"DefaultRoute": call.need("name")}
    call.clone.write("route", with_tokens(call.clone.read("route"), "Config", tokens))


def _default_route_show(call: Call) -> Reply:
    return replies.section(Result={"ipv4": get(call.clone.read("route"), "Config", "DefaultRoute") or ""})


def _route_add(call: Call) -> None:
    """``CONFIG NETWORK ROUTE ADD remote= interface= [gateway=] [comment=]``."""
    gateway = f"->{call.get('gateway')}" if call.get("gateway") else ""
    entry = Entry(f"{call.need('remote')},{call.need('interface')}{gateway}", call.get("comment"))
    call.clone.write("route", with_entry(call.clone.read("route"), "StaticRoutes", entry))


def _route_remove(call: Call) -> None:
    remote, text = call.need("remote"), call.clone.read("route")
    found = [entry.text for entry in entries(text, "StaticRoutes") if entry.text.partition(",")[0].lower() == remote.lower()]
    if not found:
        raise Refusal(f'there is no route to "{remote}"')
    call.clone.write("route", without(text, "StaticRoutes", found[0]))


def _route_show(call: Call) -> Reply:
    configuration = call.clone.configuration()
    lines = [
        {"Remote": route.destination, "Interface": route.interface, "Gateway": route.gateway or "", "State": 1}
        for route in configuration.routing.static
    ]
    return replies.section_line({"StaticRoutes": lines})


# Name servers


def _dns_add(call: Call) -> None:
    name, text = call.word(0, "host object"), call.clone.read("dns")
    if has_section(text, "Servers") and any(entry.text.lower() == name.lower() for entry in entries(text, "Servers")):
        return
    call.clone.write("dns", with_entry(text, "Servers", Entry(name)))


def _dns_remove(call: Call) -> None:
    call.clone.write("dns", without(call.clone.read("dns"), "Servers", call.word(0, "host object")))


def _dns_list(call: Call) -> Reply:
    return replies.listing({"Servers": [entry.text for entry in entries(call.clone.read("dns"), "Servers")]})


def _activate(call: Call) -> Reply | None:
    """``… ACTIVATE [CANCEL]``. When the client's own way to the appliance goes by that, it is answered first."""
    if call.words or not _leaves(call):
        activation.of(call, FILES)
        return None
    wanted = call.clone.configuration(FILES)
    network.check(wanted)
    filtering.check(wanted)
    return Reply(after=lambda: _activate_unheard(call))


def _activate_unheard(call: Call) -> None:
    """Activate once the client has its answer: what is refused only now is told in the log."""
    try:
        with call.appliance.changing:
            activation.activate(call.clone, call.appliance.running(), FILES)
    except (Refusal, ApplianceError) as refused:
        why = " ".join(str(refused).split())
        print(f"{call.command.path} failed, all is as it was and the edits are kept: {why}", file=sys.stderr, flush=True)


def _leaves(call: Call) -> bool:
    """Whether an address goes that the appliance has now."""
    now = {one.address for one in call.appliance.running().interfaces if one.enabled and one.address}
    return bool(now - {one.address for one in call.clone.configuration().interfaces if one.enabled and one.address})


_ADDRESS = "CONFIG NETWORK INTERFACE ADDRESS"
COMMANDS = (
    Command("CONFIG NETWORK INTERFACE SHOW", _show, ("filter",)),
    Command("CONFIG NETWORK INTERFACE RENAME", _rename, ("ifname", "name"), level="network", edits=True),
    Command(
        "CONFIG NETWORK INTERFACE UPDATE",
        _update,
        ("ifname", "state", "protected", "mtu", "color", "macaddress"),
        level="network",
        edits=True,
    ),
    Command(f"{_ADDRESS} ADD", _address_add, ("ifname", "address", "mask"), level="network", edits=True),
    Command(
        f"{_ADDRESS} UPDATE",
        _address_update,
        ("ifname", "addrnb", "refaddress", "address", "mask"),
        level="network",
        edits=True,
    ),
    Command(f"{_ADDRESS} REMOVE", _address_remove, ("ifname", "address"), level="network", edits=True),
    Command("CONFIG NETWORK DEFAULTROUTE SET", _default_route, ("type", "name"), level="route", edits=True),
    Command("CONFIG NETWORK DEFAULTROUTE SHOW", _default_route_show),
    Command("CONFIG NETWORK ROUTE ADD", _route_add, ("remote", "interface", "gateway", "comment"), level="route", edits=True),
    Command("CONFIG NETWORK ROUTE REMOVE", _route_remove, ("remote",), level="route", edits=True),
    Command("CONFIG NETWORK ROUTE SHOW", _route_show),
    Command("CONFIG DNS SERVER ADD", _dns_add, level="network", edits=True, words=1),
    Command("CONFIG DNS SERVER REMOVE", _dns_remove, level="network", edits=True, words=1),
    Command("CONFIG DNS SERVER LIST", _dns_list),
    *(
        Command(f"CONFIG {what} ACTIVATE", _activate, level="network", modifies=True, words=1)
        for what in ("NETWORK", "NETWORK INTERFACE", "NETWORK ROUTE", "NETWORK DEFAULTROUTE", "DNS")
    ),
)
