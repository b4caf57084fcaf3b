"""Site-to-site IPsec (sns.md 1.7, 5.4): the slots of ``VPN/``, ``peer``, ``psk``, ``ph1profile``, ``ph2profile``.

The line syntax of ``[Policy]``, ``peer`` and ``psk`` is simulated, not vendor syntax; its tokens are the commands' own.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from .ini import Line, Section
from .model import Configuration, CryptoProfile, Location, Peer, Proposal, Tunnel, Vpn, VpnSlot
from .policies import SLOTS, pairs, read_slotinfo
from .reading import Reading, Wanted
from .resolution import Resolver
from .settings import Settings

_SLOT_NUMBERS = (
    "retransmittries", "retransmittimeout", "natkeepalive", "fragmentsize", "cookiethreshold", "blockthreshold",
)  # fmt: skip
_SLOT_FLAGS = ("makebeforebreak", "dosprotection")
_SLOT_NEUTRAL = {
    "ikedaemon": ("", "auto", "charon"),
    "crlrequired": ("", "0"),
    "useoldsa": ("", "0"),
    "bindall": ("", "0"),
    "bypasslocaltraffic": ("", "0"),
    "hastate": ("",),
    "hacachechildsa": ("",),
}
"""What of IKE is not modelled, and where it changes nothing; of the last two no source tells the default."""
_PEER_MODELLED = ("remote", "local", "ikeversion", "method", "conf", "dpdmode", "responderonly")
_PEER_SILENT = ("comment", "natt", "ike_frag", "reauth", "unique")
_TUNNEL_TOKENS = ("state", "local", "remote", "peer", "conf", "keepalive", "rulename", "proto", "comment")
_KEEPALIVES = ("0", "30", "60", "120", "300", "600")
_DECIMAL = re.compile(r"[0-9]+(\.[0-9]+)?")
_DH_GROUPS = frozenset({1, 2, 5, 14, 15, 16, 17, 18, 19, 20, 21, 25, 26, 28, 29, 30, 31})


def read_vpn(reading: Reading) -> Vpn:
    """All of ``VPN/``. Slot 00 active, or no ``slotinfo``, means no tunnel."""
    slots: dict[int, VpnSlot] = {}
    info = read_slotinfo(reading, "VPN", 0)
    for name in SLOTS:
        slot = _slot(reading, name, info.names.get(int(name), "") if info else "")
        if slot is not None:
            slots[int(name)] = slot
    active = info.active if info else 0
    if info and active and active not in slots:
        message = f"slot {active:02d} is active and VPN/{active:02d} does not exist"
        reading.error(info.location, "Active", message, "write the slot, or activate 0 for none")
    if info is None and any(slot.tunnels for slot in slots.values()):
        location = Location("VPN/slotinfo", 1)
        reading.error(location, "file", "is missing beside slots with tunnels", "name one: [Global] Active=1, or 0")
    peers = _peers(reading)
    for file, sections in (("VPN/ca", ("ca",)), ("VPN/common", ("ldap",))):
        reading.document(file, sections)
    keys = _preshared_keys(reading, peers)
    return Vpn(active, slots, peers, _profiles(reading, 1), _profiles(reading, 2), keys)


def _slot(reading: Reading, name: str, title: str) -> VpnSlot | None:
    document = reading.document(f"VPN/{name}", ("global", "policy", "mobile"))
    if document is None:
        return None
    options = _options(reading, document.section("global"))
    for line in document.lines("mobile"):
        reading.unsupported(line.location, "[Mobile]", "mobile peers are not modelled")
    tunnels = (_tunnel(reading, line, number) for number, line in enumerate(document.lines("policy"), start=1))
    return VpnSlot(int(name), title, options, tuple(tunnel for tunnel in tunnels if tunnel is not None))


def _options(reading: Reading, section: Section) -> dict[str, str]:
    """The IKE tokens of a slot that are given, as written."""
    modelled = (*_SLOT_NUMBERS, *_SLOT_FLAGS, "retransmitbase")
    settings = Settings(reading, section, modelled, (), _SLOT_NEUTRAL)
    for token in _SLOT_NUMBERS:
        settings.number(token, 0, 0, 65535)
    for token in _SLOT_FLAGS:
        settings.number(token, 0, 0, 1)
    base = settings.text("RetransmitBase", "1")
    if not _DECIMAL.fullmatch(base):
        reading.error(settings.where("RetransmitBase"), "RetransmitBase", f'"{base}" is not a number', "write it as 1.8")
    return {token: settings.text(token) for token in (*modelled, *_SLOT_NEUTRAL) if token in settings}


def _tunnel(reading: Reading, line: Line, number: int) -> Tunnel | None:
    """``state=on local=NET remote=NET peer=NAME conf=PROFILE [keepalive=SECONDS] [rulename="x"]``."""
    fields = pairs(reading, line, _TUNNEL_TOKENS)
    missing = [token for token in ("local", "remote", "peer", "conf") if not fields.get(token)]
    for token in missing:
        reading.error(line.location, token, "is missing")
    if missing:
        return None
    state, keepalive = fields.get("state", "on"), fields.get("keepalive", "0")
    if state not in ("on", "off"):
        reading.error(line.location, "state", f'"{state}" is neither on nor off')
    if keepalive not in _KEEPALIVES:
        reading.error(line.location, "keepalive", f'"{keepalive}" is not one of {", ".join(_KEEPALIVES)}')
        keepalive = "0"
    elif keepalive != "0":
        reading.unsupported(line.location, "keepalive", f'"{keepalive}" is not modelled here')
    if fields.get("proto", "any") != "any":
        reading.unsupported(line.location, "proto", "tunnels for one protocol are not modelled")
    if fields["peer"].lower() == "none":
        reading.unsupported(line.location, "peer", "bypass policies (peer=none) are not modelled")
        return None
    for token in ("local", "remote"):
        reading.refer(Wanted.NETWORK, line.location, token, fields[token])
    tunnel = Tunnel(
        location=line.location,
        number=number,
        enabled=state != "off",
        local=fields["local"],
        remote=fields["remote"],
        peer=fields["peer"],
        profile=fields["conf"],
        keepalive=int(keepalive),
        name=fields.get("rulename") or None,
    )
    reading.later(lambda configuration, resolver: _check_tunnel(reading, tunnel, configuration, resolver))
    return tunnel


def _check_tunnel(reading: Reading, tunnel: Tunnel, configuration: Configuration, resolver: Resolver) -> None:
    vpn = configuration.vpn
    if tunnel.peer.lower() not in vpn.peers:
        reading.error(tunnel.location, "peer", f'"{tunnel.peer}" is not a peer', "declare it in VPN/peer")
    if tunnel.profile.lower() not in vpn.phase2:
        remedy = "declare it in VPN/ph2profile"
        reading.error(tunnel.location, "conf", f'"{tunnel.profile}" is not a phase 2 profile', remedy)
    if resolver.knows(tunnel.local) and resolver.knows(tunnel.remote):
        common = resolver.addresses(tunnel.local) & resolver.addresses(tunnel.remote)
        if common:
            reading.error(tunnel.location, "remote", f"{common} is at both ends of the tunnel")


def _peers(reading: Reading) -> dict[str, Peer]:
    document = reading.document("VPN/peer")
    peers: dict[str, Peer] = {}
    for section in document.sections if document else ():
        peer = _peer(reading, section)
        if section.name.lower() in peers:
            first = peers[section.name.lower()].location
            reading.error(section.location, f"[{section.name}]", f"is already declared at {first}", "rename one")
        elif peer is not None:
            peers[section.name.lower()] = peer
    return peers


def _peer(reading: Reading, section: Section) -> Peer | None:
    settings = Settings(reading, section, _PEER_MODELLED, _PEER_SILENT, {"mobike": ("", "0", "off")})
    remote, local = settings.text("Remote"), settings.text("Local", "any")
    if not remote:
        reading.error(section.location, "Remote", "is missing", "name the host object of the remote gateway")
        return None
    reading.refer(Wanted.HOST, settings.where("Remote"), "Remote", remote)
    if local.lower() != "any":
        reading.refer(Wanted.HOST, settings.where("Local"), "Local", local)
    method = settings.text("Method", "psk").lower()
    if method != "psk":
        reading.unsupported(settings.where("Method"), "Method", f'"{method}" is not modelled here', "use psk")
    version = settings.number("IKEVersion", 2, 1, 2)
    if version == 1:
        reading.unsupported(settings.where("IKEVersion"), "IKEVersion", "IKEv1 is not modelled here", "use 2")
    profile = settings.text("Conf", "StrongEncryption")

    def check(configuration: Configuration, _resolver: Resolver) -> None:
        if profile.lower() not in configuration.vpn.phase1:
            remedy = "declare it in VPN/ph1profile"
            reading.error(settings.where("Conf"), "Conf", f'"{profile}" is not a phase 1 profile', remedy)
        if method == "psk" and remote.lower() not in configuration.vpn.preshared_keys:
            message = f'peer {section.name} has no pre-shared key for "{remote}"'
            reading.error(section.location, "psk", message, f"add {remote}=<key> to [psk] of VPN/psk")

    reading.later(check)
    return Peer(
        name=section.name,
        location=section.location,
        remote=remote,
        local=local,
        ike_version=version,
        method=method,
        profile=profile,
        dpd_mode=settings.choice("DPDMode", "passive", ("passive", "low", "high")),
        responder_only=settings.flag("ResponderOnly", False),
    )


def _preshared_keys(reading: Reading, peers: Mapping[str, Peer]) -> dict[str, str]:
    document = reading.document("VPN/psk", ("psk",))
    keys: dict[str, str] = {}
    remotes = {peer.remote.lower() for peer in peers.values()}
    for line in document.lines("psk") if document else ():
        name, equals, value = line.text.partition("=")
        key = value.strip().strip('"')
        # Messages never show a key.
        if not equals or not name.strip() or not key:
            reading.error(line.location, "psk", "the line is not peer-host=key")
        elif name.strip().lower() in keys:
            reading.error(line.location, name.strip(), "has a key already", "keep one")
        else:
            if name.strip().lower() not in remotes:
                reading.warning(line.location, name.strip(), "is not the remote host of any peer")
            keys[name.strip().lower()] = key
    return keys


def _profiles(reading: Reading, phase: int) -> dict[str, CryptoProfile]:
    document = reading.document(f"VPN/ph{phase}profile")
    profiles: dict[str, CryptoProfile] = {}
    for section in document.sections if document else ():
        key = section.name.lower()
        if key == "global":
            Settings(reading, section, (), ("default",))
        elif key in profiles:
            first = profiles[key].location
            reading.error(section.location, f"[{section.name}]", f"is already declared at {first}", "rename one")
        else:
            profiles[key] = _phase1(reading, section) if phase == 1 else _phase2(reading, section)
    return profiles


def _phase1(reading: Reading, section: Section) -> CryptoProfile:
    """Proposals stand one a line: ``enc=aes/256 auth=sha2_256 [dh=14] [prf=…]``; ``defaultdh`` serves those without."""
    lines = [line for line in section.lines if line.text.lower().startswith("enc=")]
    rest = Section(section.name, section.location, "", [line for line in section.lines if line not in lines])
    settings = Settings(reading, rest, ("lifetime", "defaultdh"), ("comment",))
    default = _group(reading, settings.where("defaultdh"), "defaultdh", settings.text("defaultdh"))
    proposals = []
    for line in lines:
        fields = pairs(reading, line, ("enc", "auth", "dh", "prf"))
        if fields.get("prf"):
            reading.unsupported(line.location, "prf", "is not modelled here")
        group = _group(reading, line.location, "dh", fields["dh"]) if fields.get("dh") else default
        proposals.append(Proposal(fields.get("enc", ""), fields.get("auth"), group))
        if group is None:
            reading.error(line.location, "dh", "is missing", "add dh=14, or defaultdh=14 to the profile")
    return _profile(reading, section, settings, tuple(proposals), None, 21600)


def _phase2(reading: Reading, section: Section) -> CryptoProfile:
    """One line each: ``enc=aes/256,aes/128``, ``auth=hmac_sha256``, ``pfs=14``, ``lifetime=3600``."""
    settings = Settings(reading, section, ("enc", "auth", "pfs", "lifetime"), ("comment",))
    pfs = settings.text("pfs")
    group = None if pfs.lower() in ("", "0", "none") else _group(reading, settings.where("pfs"), "pfs", pfs)
    authentications = [word.strip() for word in settings.text("auth").split(",")] or [""]
    proposals = tuple(
        Proposal(encryption.strip(), authentication or None, None)
        for encryption in settings.text("enc").split(",")
        if encryption.strip()
        for authentication in authentications
    )
    return _profile(reading, section, settings, proposals, group, 3600)


def _profile(
    reading: Reading,
    section: Section,
    settings: Settings,
    proposals: tuple[Proposal, ...],
    pfs: int | None,
    lifetime: int,
) -> CryptoProfile:
    if not proposals:
        reading.error(section.location, f"[{section.name}]", "has no proposal", "add enc=aes/256 and auth=")
    seconds = settings.number("lifetime", lifetime, 60, 604800)
    return CryptoProfile(section.name, section.location, seconds, proposals, pfs)


def _group(reading: Reading, location: Location, field: str, text: str) -> int | None:
    if not text:
        return None
    if text.isascii() and text.isdigit() and int(text) in _DH_GROUPS:
        return int(text)
    reading.error(location, field, f'"{text}" is not a Diffie-Hellman group', "14 or higher")
    return None
