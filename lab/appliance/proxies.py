"""Which connections go through the firewall's own web proxy: HTTP by ``urlfiltering``, TLS by ``sslfiltering``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from lab.appliance.matches import port_text
from sns.model import Configuration, Rule
from sns.resolution import PortRange, Resolver

HTTP_PORT = 3129
"""Where the proxy takes HTTP for slot 00 of URLFiltering; slot N is 2 N higher."""
TLS_PORT = 3130
"""Where the proxy takes TLS for slot 00 of SSLFiltering; slot N is 2 N higher."""


@dataclass(frozen=True, slots=True)
class Proxy:
    """A filter rule's use of the proxy: which ports of its connections are led to which of the proxy's."""

    rule: Rule
    kind: Literal["http", "tls"]
    slot: int
    ports: tuple[PortRange, ...]  # the destinations' that it takes

    @property
    def matched(self) -> str:
        """The nft text of those ports."""
        return port_text(self.ports)

    @property
    def port(self) -> int:
        """The proxy's own port."""
        return (HTTP_PORT if self.kind == "http" else TLS_PORT) + 2 * self.slot


def proxies_of(configuration: Configuration, resolver: Resolver) -> tuple[Proxy, ...]:
    """Every use of the proxy by the active policy; the proxy need not run when there is none."""
    found = []
    for rule in configuration.policy.filter:
        if rule.enabled and rule.action == "pass" and not rule.unmodelled:
            if rule.url_filter is not None:
                found.append(Proxy(rule, "http", rule.url_filter, resolver.services("http", "tcp")))
            if rule.ssl_filter is not None:
                found.append(Proxy(rule, "tls", rule.ssl_filter, resolver.services("https", "tcp")))
    return tuple(found)
