"""CONFIG HA … and HA …: make a cluster, join one, look at it, bring both members to the same configuration (sns.md 5.6)."""

from __future__ import annotations

import time
from ipaddress import AddressValueError, IPv4Address

from lab.appliance import devices, ha_cluster, ha_control, ha_join, ha_sync, network
from lab.appliance.serverd import activation, replies
from lab.appliance.serverd.command import Call, Command
from lab.appliance.serverd.console import reboot
from lab.appliance.serverd.documents import entries, with_tokens
from lab.appliance.serverd.replies import REBOOTING, SUCCESS, Refusal, Reply

_FILE, _CLUSTER = "HA/highavailability", "HA/hacluster"
_TIMERS = {
    "tokentimeout": ("OpenAIS", "TokenTimeout"),
    "multicastaddr": ("OpenAIS", "MulticastAddr"),
    "nbping": ("ICMP", "NbPing"),
    "pinginterval": ("ICMP", "PingInterval"),
    "purgearp": ("Global", "PurgeARP"),
    "sendarp": ("Global", "SendARP"),
    "sendarpperiod": ("Global", "SendARPPeriod"),
    "interfacesflipflop": ("Global", "InterfacesFlipFlop"),
    "unicast": ("Global", "Unicast"),
    "secure": ("Global", "Secure"),
    "synchronizemacaddress": ("Global", "SynchronizeMacAddress"),
}
_STATES = {"none": "No", "active": "Active", "passive": "Passive"}


def _create(call: Call) -> Reply:
    """``CONFIG HA CREATE password= ifname= [timers]``: a cluster with this appliance as its first member."""
    configuration = call.clone.configuration()
    if configuration.ha.enabled:
        raise Refusal("this appliance is a member of a cluster already")
    link = configuration.interface(call.need("ifname"))
    if link is None or link.address is None:
        raise Refusal(f'"{call.get("ifname")}" is no interface with an address')
    text = call.clone.read(_FILE)
    text = with_tokens(text, "Global", {"State": "1", "Initialized": "1", "Password": call.need("password")})
    text = with_tokens(text, "Communication", {"Interface": link.name, "Interface2": call.get("ifname2")})
    call.clone.write(_FILE, text)
    serial = ha_cluster.own_serial()
    member = {"Ip": str(link.address.ip), "Priority": call.get("priority", "0"), "SSHLogin": f"admin@{serial}", "NodeId": "1"}
    call.clone.write(_CLUSTER, with_tokens("", serial, member))
    _update(call)
    if call.get("synchronizemacaddress", "1") == "1":
        _fix_addresses(call, link.section)
    return Reply(code=SUCCESS, msg="Success")


def _fix_addresses(call: Call, link: str) -> None:
    """Write the hardware addresses that both members are to show: ours, on all interfaces but the HA link."""
    text, present = call.clone.read("network"), network.links()
    for interface in call.clone.configuration().interfaces:
        device = present.get(devices.device(interface.section))
        if interface.enabled and interface.section != link and device is not None:
            text = with_tokens(text, interface.section, {"MACAddress": interface.mac or device.mac})
    call.clone.write("network", text)


def _update(call: Call) -> None:
    text = call.clone.read(_FILE)
    for token, (section, name) in _TIMERS.items():
        if value := call.get(token):
            text = with_tokens(text, section, {name: value})
    call.clone.write(_FILE, text)


def _weight(call: Call) -> None:
    interface = call.clone.configuration().interface(call.need("ifname"))
    if interface is None:
        raise Refusal(f'no such interface: "{call.get("ifname")}"')
    weight = str(call.number("weight", 0, 9999))
    call.clone.write(_FILE, with_tokens(call.clone.read(_FILE), "Weights", {interface.section: weight}))


def _weight_show(call: Call) -> Reply:
    return replies.section(Weights={entry.name: entry.value for entry in entries(call.clone.read(_FILE), "Weights")})


def _show(call: Call) -> Reply:
    ha = call.clone.configuration().ha
    return replies.section(
        Global={"State": ha.enabled, "Interface": ha.interface or "", "TokenTimeout": ha.token_timeout, "NbPing": ha.ping_count}
    )


def _join(call: Call) -> Reply:
    """``CONFIG HA JOIN ip= password=``: ask the other member now; what is joined, and replaced, is so at the activation."""
    if call.clone.configuration().ha.enabled:
        raise Refusal("this appliance is a member of a cluster already")
    try:
        address = IPv4Address(call.need("ip"))
    except AddressValueError as error:
        raise Refusal.format(f"ip: {error}") from error
    password = call.need("password")
    ha_join.ask(address, password, ha_join.HELLO)
    call.session.joining = (address, password)
    return Reply(code=SUCCESS, msg="Success")


def _activate(call: Call) -> Reply | None:
    """``CONFIG HA ACTIVATE [CANCEL]``: the cluster that was created exists; or this appliance joins, and starts again."""
    joining, call.session.joining = call.session.joining, None
    if joining is None or call.words:
        activation.of(call, ("HA", "network"))
        ha = call.appliance.running().ha
        if ha.enabled and not ha.paired:
            ha_join.start()
        return None
    archive = ha_join.ask(*joining, ha_join.JOIN)
    ha_sync.replace_all(archive)
    return Reply(ret=103, code=REBOOTING, msg="rebooting...", after=reboot, ends=True)


# The cluster as it is


def _info(call: Call) -> Reply:
    """``HA INFO [serial=all|local|SERIAL]``: a section for each member."""
    ha = call.appliance.running().ha
    if not ha.enabled:
        raise Refusal("high availability is off")
    if not ha.paired:
        alone = {"Reply": 1, "Forced": "No", "Mode": "Active", "State": "Waiting peer", "Ip": ha.members[0].address}
        return replies.section_line({ha.members[0].serial: [alone], "Notifications": []})
    told = ha_control.ask("status")
    members = [told["local"]]
    members.append(told["peer"] or {"serial": told["peer_serial"], "ip": told["peer_ip"], "reply": 0, "link": told["link"]})
    wanted = call.get("serial", "all")
    chosen = [one for one in members if wanted in ("all", one["serial"]) or (wanted == "local" and one is members[0])]
    if not chosen:
        raise Refusal(f'"{wanted}" is no member of this cluster')
    sections = {str(one["serial"]): [_member(one)] for one in chosen}
    return replies.section_line({**sections, "Notifications": []})


def _member(one: dict[str, object]) -> dict[str, object]:
    if not one["reply"]:
        return {"Reply": 0, "Ip": one["ip"], "Link": one["link"]}
    return {
        "Reply": 1,
        "Forced": _STATES[str(one["forced"])],
        "Mode": str(one["mode"]).capitalize(),
        "Quality": one["quality"],
        "Priority": one["priority"],
        "State": one["state"],
        "Ip": one["ip"],
        "Link": one["link"],
        "Boot": _when(one["boot"]),
        "LastConfigSync": _when(one["last_sync"]),
        "LastModeChange": _when(one["last_change"]),
        "LinkStatusChanged": _when(one["link_changed"]),
    }


def _when(seconds: object) -> str:
    at = int(str(seconds))
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(at)) if at else ""


def _cluster_list(call: Call) -> Reply:
    return replies.listing({"HA": [member.serial for member in call.appliance.running().ha.members]})


def _sync(_call: Call) -> None:
    activation.run("hasync")


def _check_sync(_call: Call) -> Reply:
    """``HA CHECKSYNC``: 1 when both members have the same configuration."""
    return replies.section(Result={"Sync": bool(ha_control.ask("status")["synchronised"])})


def _set_mode(call: Call) -> None:
    """``HA SETMODE mode=normal|active|passive``: of this member."""
    mode = call.choice("mode", "normal", ("normal", "active", "passive"))
    ha_control.ask(f"force {mode.replace('normal', 'none')}")


def _reboot(call: Call) -> Reply:
    serial = ha_cluster.own_serial()
    if call.need("serial") not in ("active", "local", serial):
        raise Refusal("only the member that is asked can be started again here: ask the other one itself")
    return Reply(ret=103, code=REBOOTING, msg="rebooting...", after=reboot, ends=True)


COMMANDS = (
    Command(
        "CONFIG HA CREATE",
        _create,
        ("password", "ifname", "ifname2", "priority", *_TIMERS),
        level="maintenance",
        edits=True,
    ),
    Command("CONFIG HA UPDATE", _update, tuple(_TIMERS), level="maintenance", edits=True),
    Command("CONFIG HA WEIGHT UPDATE", _weight, ("ifname", "weight"), level="maintenance", edits=True),
    Command("CONFIG HA WEIGHT SHOW", _weight_show),
    Command("CONFIG HA SHOW", _show),
    Command("CONFIG HA JOIN", _join, ("ip", "password"), level="maintenance", modifies=True),
    Command("CONFIG HA ACTIVATE", _activate, level="maintenance", modifies=True, words=1),
    Command("CONFIG HA WEIGHT ACTIVATE", _activate, level="maintenance", modifies=True, words=1),
    Command("HA INFO", _info, ("serial",)),
    Command("HA CLUSTER LIST", _cluster_list),
    Command("HA SYNC", _sync, level="maintenance", modifies=True),
    Command("HA CHECKSYNC", _check_sync),
    Command("HA SETMODE", _set_mode, ("mode",), level="maintenance", modifies=True),
    Command("HA REBOOT", _reboot, ("serial",), level="maintenance", modifies=True),
)
