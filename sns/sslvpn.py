"""Remote access: ``Openvpn/openvpn`` (sns.md 1.8, 7)."""

from __future__ import annotations

from .errors import ResolutionError
from .model import Configuration, Location, SslVpn
from .reading import Reading, Wanted
from .resolution import Resolver
from .settings import Settings

FILE = "Openvpn/openvpn"

_MODELLED = (
    "state", "route", "timeout", "cipher", "authalgo", "port", "udpport", "ping", "pingrestart", "pool", "udppool",
    "serverpublicaddr",
)  # fmt: skip
_SILENT = (
    "tlscipher", "servercertificate", "clientcertificate", "local", "authtimeout", "forceonetunnelperuser", "verbose",
    "verbosefile", "persistip", "registerdns", "blockoutdns", "compress", "strictcert", "serverpublicaddrsecondary",
    "handwindow", "pingexit", "automaticfallbackmainip", "crlverification", "primarydns", "secondarydns",
)  # fmt: skip
_NEUTRAL = {"ispoolprotected": ("1", ""), "udpbindaddr": ("",), "bindaddr": ("",)}


def read_ssl_vpn(reading: Reading) -> SslVpn:
    """The SSL VPN server. A missing file means that it is off."""
    document = reading.document(FILE, ("config",))
    if document is None:
        return SslVpn(Location(FILE, 1))
    settings = Settings(reading, document.section("config"), _MODELLED, _SILENT, _NEUTRAL)
    vpn = SslVpn(
        location=settings.location,
        enabled=settings.flag("state", False),
        route=settings.text("route", "Network_internals"),
        pool=settings.text("pool") or None,
        udp_pool=settings.text("udpPool") or None,
        port=settings.text("Port", "sslvpn"),
        udp_port=settings.text("udpPort", "udpvpn"),
        public_address=settings.text("serverPublicAddr") or None,
        renegotiation=settings.number("timeout", 14400, 0, 604800),
        cipher=settings.text("cipher"),
        authentication=settings.text("authAlgo"),
        ping=settings.number("Ping", 1, 0, 3600),
        ping_restart=settings.number("PingRestart", 10, 0, 3600),
    )
    for token, name in (("pool", vpn.pool), ("udpPool", vpn.udp_pool)):
        if name:
            reading.refer(Wanted.NETWORK, settings.where(token), token, name)
    reading.refer(Wanted.ADDRESSES, settings.where("route"), "route", vpn.route)
    reading.refer(Wanted.PORT, settings.where("Port"), "Port", vpn.port)
    reading.refer(Wanted.PORT, settings.where("udpPort"), "udpPort", vpn.udp_port)
    if vpn.enabled:
        _check_enabled(reading, settings, vpn)
    return vpn


def _check_enabled(reading: Reading, settings: Settings, vpn: SslVpn) -> None:
    if not vpn.pool and not vpn.udp_pool:
        reading.error(settings.location, "pool", "is missing while the SSL VPN is on", "name a network object")
    if not vpn.public_address:
        remedy = "give the address that clients connect to"
        reading.error(settings.location, "serverPublicAddr", "is missing while the SSL VPN is on", remedy)

    def check(configuration: Configuration, resolver: Resolver) -> None:
        _check_pools(reading, settings, vpn, configuration, resolver)

    reading.later(check)


def _check_pools(reading: Reading, settings: Settings, vpn: SslVpn, configuration: Configuration, resolver: Resolver) -> None:
    """A pool is at least a /28, and overlaps neither the other pool nor any network that the firewall reaches."""
    taken = [(f"interface {i.name}", i.address.network) for i in configuration.interfaces if i.address is not None]
    taken += [
        (f"the route at {route.location}", network)
        for route in configuration.routing.static
        if resolver.knows(route.destination)
        for network in resolver.addresses(route.destination).networks()
    ]
    taken += [
        (f"the tunnel at {tunnel.location}", network)
        for tunnel in configuration.vpn.tunnels
        if resolver.knows(tunnel.remote)
        for network in resolver.addresses(tunnel.remote).networks()
    ]
    for token, name in (("pool", vpn.pool), ("udpPool", vpn.udp_pool)):
        if not name:
            continue
        try:
            network = resolver.network(name)
        except ResolutionError:
            continue  # told as a reference
        where = settings.where(token)
        if network.prefixlen > 28:
            reading.error(where, token, f"{network} is too small", "a pool is at least a /28")
        for what, other in taken:
            if network.overlaps(other):
                reading.error(where, token, f"{network} overlaps {other} of {what}", "choose a network of its own")
        taken.append((f"the other pool ({token})", network))
