"""CONFIG IPSEC …: peers, pre-shared keys, the tunnels of a slot, profiles (sns.md 5.4), in ``VPN/``."""

from __future__ import annotations

from collections.abc import Mapping

from lab.appliance.serverd import activation, replies
from lab.appliance.serverd.command import Call, Command
from lab.appliance.serverd.documents import (
    Entry,
    entries,
    has_section,
    sections,
    with_entry,
    with_tokens,
    without,
    without_lines,
    without_section,
)
from lab.appliance.serverd.replies import Refusal, Reply
from sns.lines import unquoted

_PEER: Mapping[str, str] = {
    "dst": "Remote",
    "src": "Local",
    "ikeversion": "IKEVersion",
    "method": "Method",
    "conf": "Conf",
    "dpd_mode": "DPDMode",
    "responderonly": "ResponderOnly",
    "natt": "NATT",
    "ike_frag": "Ike_frag",
    "reauth": "Reauth",
    "unique": "Unique",
    "mobike": "Mobike",
    "comment": "Comment",
}
"""Tokens of the command -> of ``VPN/peer``; the latter are simulated."""
_OPTIONS = (
    "RetransmitTries", "RetransmitTimeout", "RetransmitBase", "MakeBeforeBreak", "NATKeepalive", "FragmentSize",
    "DoSProtection", "CookieThreshold", "BlockThreshold", "IKEDaemon", "CRLRequired", "UseOldSA", "BindAll",
    "BypassLocalTraffic",
)  # fmt: skip
_TUNNEL = ("state", "local", "remote", "peer", "conf", "proto", "keepalive")
_DEFAULTS = {"ikeversion": "2", "method": "psk", "src": "any", "conf": "StrongEncryption"}


def _slot(call: Call) -> str:
    return f"VPN/{call.number('slot', 1, 10):02d}"


def _peer_new(call: Call) -> None:
    name, text = call.need("name"), call.clone.read("VPN/peer")
    if has_section(text, name):
        raise Refusal(f'peer "{name}" exists already')
    call.need("dst")
    gap = "\n" if text.strip() else ""
    call.clone.write("VPN/peer", f"{text.rstrip()}\n{gap}[{name}]\n".lstrip())
    _write_peer(call, name, {**_DEFAULTS, **call.tokens})


def _peer_update(call: Call) -> None:
    name = _known_peer(call)
    _write_peer(call, name, call.tokens)


def _write_peer(call: Call, name: str, given: Mapping[str, str]) -> None:
    tokens = {_PEER[token]: value for token, value in given.items() if token in _PEER}
    text = with_tokens(call.clone.read("VPN/peer"), name, tokens)
    call.clone.write("VPN/peer", text)
    if key := given.get("psk"):
        remote = next(entry.value for entry in entries(text, name) if entry.name == "Remote")
        _write_key(call, remote, key)


def _peer_remove(call: Call) -> None:
    name, text = _known_peer(call), call.clone.read("VPN/peer")
    remote = next((unquoted(entry.value) for entry in entries(text, name) if entry.name == "Remote"), "")
    call.clone.write("VPN/peer", without_section(text, name))
    call.clone.write("VPN/psk", without(call.clone.read("VPN/psk"), "psk", remote))


def _peer_list(call: Call) -> Reply:
    return replies.listing({"Result": sections(call.clone.read("VPN/peer"))})


def _peer_show(call: Call) -> Reply:
    name = _known_peer(call)
    tokens = {entry.name: unquoted(entry.value) for entry in entries(call.clone.read("VPN/peer"), name)}
    return replies.section(**{name: tokens})


def _known_peer(call: Call) -> str:
    name = call.need("name")
    if not has_section(call.clone.read("VPN/peer"), name):
        raise Refusal(f'no such peer: "{name}"')
    return name


def _psk_add(call: Call) -> None:
    _write_key(call, call.need("name"), call.need("psk"))


def _write_key(call: Call, remote: str, key: str) -> None:
    call.clone.write("VPN/psk", with_tokens(call.clone.read("VPN/psk"), "psk", {remote: key}))


def _psk_list(call: Call) -> Reply:
    """The hosts that have a key; no key is ever shown."""
    return replies.listing({"Result": [entry.name for entry in entries(call.clone.read("VPN/psk"), "psk")]})


# Tunnels


def _gateway_add(call: Call) -> None:
    for token in ("local", "remote", "peer", "conf"):
        call.need(token)
    given = {"state": "on", "keepalive": "0", **call.tokens}
    words = [f"{token}={given[token]}" for token in _TUNNEL if token in given]
    if name := given.get("rulename"):
        words.append(f'rulename="{name}"')
    entry = Entry(" ".join(words), call.get("comment"))
    call.clone.write(_slot(call), with_entry(call.clone.read(_slot(call)), "Policy", entry))


def _gateway_remove(call: Call) -> None:
    text = call.clone.read(_slot(call))
    if call.get("position").lower() == "all":
        call.clone.write(_slot(call), without_lines(text, "Policy"))
        return
    place = call.number("position", 1, 10**4) - 1
    if place >= len(entries(text, "Policy")):
        raise Refusal(f"there is no position {place + 1}")
    call.clone.write(_slot(call), without_lines(text, "Policy", {place}))


def _gateway_list(call: Call) -> Reply:
    vpn = call.clone.configuration().vpn
    slot = vpn.slots.get(call.number("slot", 1, 10))
    lines = [
        {
            "position": tunnel.number,
            "state": "on" if tunnel.enabled else "off",
            "local": tunnel.local,
            "remote": tunnel.remote,
            "peer": tunnel.peer,
            "conf": tunnel.profile,
            "keepalive": tunnel.keepalive,
        }
        for tunnel in (slot.tunnels if slot else ())
    ]
    return replies.section_line({"Policy": lines})


def _update(call: Call) -> None:
    """``CONFIG IPSEC UPDATE slot=NN RetransmitTries= …``: the IKE options of a slot."""
    tokens = {name: call.get(name) for name in _OPTIONS if name.lower() in call.tokens}
    call.clone.write(_slot(call), with_tokens(call.clone.read(_slot(call)), "Global", tokens))


def _show(call: Call) -> Reply:
    tokens = {entry.name: entry.value for entry in entries(call.clone.read(_slot(call)), "Global")}
    return replies.section(Global=tokens)


# Profiles


def _profile_file(call: Call) -> str:
    return f"VPN/ph{call.command.path.split()[3][-1]}profile"


def _profile_list(call: Call) -> Reply:
    names = [name for name in sections(call.clone.read(_profile_file(call))) if name.lower() != "global"]
    return replies.listing({"Result": names})


def _profile_show(call: Call) -> Reply:
    name, text = call.need("name"), call.clone.read(_profile_file(call))
    if not has_section(text, name):
        raise Refusal(f'no such profile: "{name}"')
    return replies.listing({name: [entry.text for entry in entries(text, name)]})


def _phase1_new(call: Call) -> None:
    """``… PHASE1 NEW name= lifetime= enc= auth= dh=``: a profile and its first proposal."""
    name = call.need("name")
    if has_section(call.clone.read("VPN/ph1profile"), name):
        raise Refusal(f'profile "{name}" exists already')
    text = with_tokens(call.clone.read("VPN/ph1profile"), name, {"lifetime": call.get("lifetime", "21600")})
    call.clone.write("VPN/ph1profile", with_entry(text, name, _proposal(call)))


def _phase1_add(call: Call) -> None:
    name, text = call.need("name"), call.clone.read("VPN/ph1profile")
    if not has_section(text, name):
        raise Refusal(f'no such profile: "{name}"')
    call.clone.write("VPN/ph1profile", with_entry(text, name, _proposal(call)))


def _proposal(call: Call) -> Entry:
    return Entry(f"enc={call.need('enc')} auth={call.need('auth')} dh={call.need('dh')}")


def _phase1_update(call: Call) -> None:
    _tokens_of_profile(call, ("lifetime",))


def _phase2_new(call: Call) -> None:
    if has_section(call.clone.read("VPN/ph2profile"), call.need("name")):
        raise Refusal(f'profile "{call.need("name")}" exists already')
    _tokens_of_profile(call, ("auth", "enc", "pfs", "lifetime"), new=True)


def _phase2_update(call: Call) -> None:
    _tokens_of_profile(call, ("auth", "enc", "pfs", "lifetime"))


def _tokens_of_profile(call: Call, known: tuple[str, ...], *, new: bool = False) -> None:
    name, text = call.need("name"), call.clone.read(_profile_file(call))
    if not new and not has_section(text, name):
        raise Refusal(f'no such profile: "{name}"')
    tokens = {token: call.get(token) for token in known if token in call.tokens}
    call.clone.write(_profile_file(call), with_tokens(text, name, tokens))


def _profile_remove(call: Call) -> None:
    name, text = call.need("name"), call.clone.read(_profile_file(call))
    if not has_section(text, name):
        raise Refusal(f'no such profile: "{name}"')
    call.clone.write(_profile_file(call), without_section(text, name))


def _activate(call: Call) -> None:
    activation.of(call, ("VPN",))


def _edit(path: str, handler: object, tokens: tuple[str, ...]) -> Command:
    return Command(f"CONFIG IPSEC {path}", handler, tokens, level="vpn", edits=True)  # type: ignore[arg-type]


COMMANDS = (
    _edit("PEER NEW", _peer_new, ("name", "psk", *_PEER)),
    _edit("PEER UPDATE", _peer_update, ("name", "psk", *_PEER)),
    _edit("PEER REMOVE", _peer_remove, ("name",)),
    Command("CONFIG IPSEC PEER LIST", _peer_list),
    Command("CONFIG IPSEC PEER SHOW", _peer_show, ("name",)),
    _edit("PSK ADD", _psk_add, ("name", "psk")),
    Command("CONFIG IPSEC PSK LIST", _psk_list),
    _edit("POLICY GATEWAY ADD", _gateway_add, ("slot", *_TUNNEL, "rulename", "comment")),
    _edit("POLICY GATEWAY REMOVE", _gateway_remove, ("slot", "position")),
    Command("CONFIG IPSEC POLICY GATEWAY LIST", _gateway_list, ("slot",)),
    _edit("UPDATE", _update, ("slot", *_OPTIONS)),
    Command("CONFIG IPSEC SHOW", _show, ("slot",)),
    _edit("PROFILE PHASE1 NEW", _phase1_new, ("name", "lifetime", "enc", "auth", "dh")),
    _edit("PROFILE PHASE1 PROPOSALS ADD", _phase1_add, ("name", "enc", "auth", "dh")),
    _edit("PROFILE PHASE1 UPDATE", _phase1_update, ("name", "lifetime")),
    _edit("PROFILE PHASE2 NEW", _phase2_new, ("name", "auth", "enc", "pfs", "lifetime")),
    _edit("PROFILE PHASE2 UPDATE", _phase2_update, ("name", "auth", "enc", "pfs", "lifetime")),
    *(_edit(f"PROFILE PHASE{phase} REMOVE", _profile_remove, ("name",)) for phase in (1, 2)),
    *(Command(f"CONFIG IPSEC PROFILE PHASE{phase} LIST", _profile_list) for phase in (1, 2)),
    *(Command(f"CONFIG IPSEC PROFILE PHASE{phase} SHOW", _profile_show, ("name",)) for phase in (1, 2)),
    Command("CONFIG IPSEC ACTIVATE", _activate, level="vpn", modifies=True, words=1),
)
