"""CONFIG OPENVPN …: the SSL VPN server (sns.md 5.5), in ``Openvpn/openvpn``."""

from __future__ import annotations

from lab.appliance import openvpn
from lab.appliance.serverd import activation, replies
from lab.appliance.serverd.command import Call, Command
from lab.appliance.serverd.documents import entries, with_tokens
from lab.appliance.serverd.replies import Refusal, Reply
from sns.lines import unquoted
from sns.sslvpn import FILE

_TOKENS = (
    "state", "route", "timeout", "cipher", "tlsCipher", "authAlgo", "serverCertificate", "clientCertificate", "IsPoolProtected",
    "ForceOneTunnelPerUser", "persistIp", "Port", "udpPort", "Ping", "PingRestart", "RegisterDNS", "BlockOutDNS", "pool",
    "udpPool", "serverPublicAddr", "udpBindAddr", "Compress", "StrictCert", "primaryDns", "secondaryDns",
)  # fmt: skip


def _update(call: Call) -> None:
    tokens = {name: call.get(name) for name in _TOKENS if name.lower() in call.tokens}
    call.clone.write(FILE, with_tokens(call.clone.read(FILE), "Config", tokens))


def _show(call: Call) -> Reply:
    tokens = {entry.name: unquoted(entry.value) for entry in entries(call.clone.read(FILE), "Config")}
    return replies.section(Config=tokens)


def _download(_call: Call) -> Reply:
    """``CONFIG OPENVPN DOWNLOAD > FILE``: the client's configuration, as the captive portal hands it out."""
    if not openvpn.CLIENT_FILE.exists():
        raise Refusal("the SSL VPN is off: there is no client configuration")
    return replies.download(openvpn.CLIENT_FILE.read_bytes())


def _activate(call: Call) -> None:
    activation.of(call, ("Openvpn",))


COMMANDS = (
    Command("CONFIG OPENVPN UPDATE", _update, _TOKENS, level="vpn", edits=True),
    Command("CONFIG OPENVPN SHOW", _show),
    Command("CONFIG OPENVPN DOWNLOAD", _download, level="vpn_read"),
    Command("CONFIG OPENVPN ACTIVATE", _activate, level="vpn", modifies=True, words=1),
)
