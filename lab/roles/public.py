"""The Internet's servers, on one host with several addresses: sites by name, address echo, downloads, names, ports."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from ipaddress import IPv4Address, IPv4Interface

from lab.roles import nginx
from lab.roles.boot import Service, Setup, command, compose, ip_batch, word
from lab.roles.listening import LOG as LISTENERS_LOG
from lab.roles.listening import Listener, listening
from lab.roles.network import Route, hostname, resolver, routes, trust

RESOLVER_LOG = "/var/log/dnsmasq.log"

SYSCTLS: dict[str, str] = {}
LOGS = (nginx.ACCESS_LOG, nginx.ERROR_LOG, RESOLVER_LOG, LISTENERS_LOG)

_CERTIFICATE = "/etc/nginx/site.crt"
_KEY = "/etc/nginx/site.key"


@dataclass(frozen=True, slots=True)
class Site:
    """A site, by name, at an address, over HTTP and HTTPS (with HTTP/2). Each of ``pages`` answers 200 with the name.

    ``echo`` adds ``/ip`` and ``/port``: the client's address, and its address and port, as the server sees them.
    """

    name: str
    address: IPv4Address
    pages: tuple[str, ...] = ("/",)
    echo: bool = False
    download: nginx.Download | None = None


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate chain and its key, in PEM; it must hold the names of all sites."""

    chain: bytes
    key: bytes


def public(
    *,
    name: str,
    addresses: Sequence[IPv4Interface],
    sites: Sequence[Site],
    certificate: Certificate,
    authorities: bytes,
    resolver_address: IPv4Address,
    remote: Iterable[Route] = (),
    listeners: Iterable[Listener] = (),
    nic: str = "eth0",
) -> Setup:
    """The servers of the Internet. ``addresses`` are all of its own; ``remote`` are the ways to the public blocks.

    The resolver at ``resolver_address`` knows the sites' names, and that no other name exists. A name that no site has,
    asked at a site's address, gets 404.
    """
    return compose(
        hostname(name),
        trust(authorities),
        Service(start=ip_batch(f"address replace {address} dev {word(nic, 'interface')}" for address in addresses)),
        routes(remote),
        resolver([resolver_address]),
        _sites(sites, certificate),
        _names(sites, resolver_address),
        listening(listeners),
    )


def _sites(sites: Sequence[Site], certificate: Certificate) -> Service:
    secure = (f"ssl_certificate {_CERTIFICATE};", f"ssl_certificate_key {_KEY};")
    blocks = [
        nginx.server(_sockets(address, " default_server"), (), *secure, "location / { return 404; }")
        for address in sorted({site.address for site in sites})
    ]
    blocks += [nginx.server(_sockets(site.address), [site.name], *secure, *_body(site)) for site in sites]
    service = nginx.nginx(blocks, [site.download for site in sites if site.download])
    files = {_CERTIFICATE: (certificate.chain, 0o644), _KEY: (certificate.key, 0o600)}
    return replace(service, files={**service.files, **files})


def _sockets(address: IPv4Address, suffix: str = "") -> tuple[str, str]:
    return f"{address}:80{suffix}", f"{address}:443 ssl http2{suffix}"


def _body(site: Site) -> list[str]:
    lines = [nginx.page(path, site.name) for path in site.pages]
    if site.echo:
        lines += [nginx.page("/ip", "$remote_addr"), nginx.page("/port", "$remote_addr $remote_port")]
    if site.download:
        lines.append(nginx.download_location(site.download))
    return [*lines, "location / { return 404; }"] if "/" not in site.pages else lines


def _names(sites: Iterable[Site], address: IPv4Address) -> Service:
    lines = [
        "no-resolv",
        "no-hosts",
        "local=/#/",  # every name is ours: what is not known does not exist
        f"listen-address={address}",
        "bind-interfaces",
        "log-queries=extra",
        f"log-facility={RESOLVER_LOG}",
        "pid-file=/run/dnsmasq.pid",
        *(f"host-record={word(site.name, 'site name')},{site.address}" for site in sites),
    ]
    configuration = "".join(f"{line}\n" for line in lines)
    return Service(
        files={"/etc/dnsmasq.conf": (configuration.encode(), 0o644)},
        start=(command("run", "dnsmasq", RESOLVER_LOG, "dnsmasq", "--conf-file=/etc/dnsmasq.conf"),),
    )
