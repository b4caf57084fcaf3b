"""The provider's gateway of a public block: between the vRack's untagged network and the Internet.

A provider carries no private addresses. The chain ``private`` of the table ``provider`` drops them, each way counted; a
test that must see a leak arrive empties it (``nft flush chain ip provider private``) and loads ``RULES`` again after.
What leaks is on the block's side in any case, where it is captured.
"""

from __future__ import annotations

from collections.abc import Iterable

from lab.roles.boot import Service, Setup, command, compose, word
from lab.roles.network import Route, hostname, routes

RULES = "/etc/nftables.conf"

# No redirects: a gateway that tells a host of a shorter way would change what tests observe.
SYSCTLS = {
    "net.ipv4.ip_forward": "1",
    "net.ipv4.conf.all.rp_filter": "0",
    "net.ipv4.conf.default.rp_filter": "0",
    "net.ipv4.conf.all.send_redirects": "0",
    "net.ipv4.conf.default.send_redirects": "0",
}
LOGS = ("/run/nftables.log",)

_RULES = """\
table ip provider
delete table ip provider
table ip provider {{
    counter private_from_block {{ }}
    counter private_to_block {{ }}
    set private_networks {{
        type ipv4_addr; flags interval
        elements = {{ 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16 }}
    }}
    chain private {{
{private}    }}
    chain forward {{
        type filter hook forward priority filter; policy drop;
        jump private
        iifname "{block}" oifname "{internet}" accept
        iifname "{internet}" oifname "{block}" accept
    }}
}}
"""

_DROP = """\
        iifname "{block}" ip saddr @private_networks counter name private_from_block drop
        iifname "{block}" ip daddr @private_networks counter name private_from_block drop
        iifname "{internet}" ip saddr @private_networks counter name private_to_block drop
        iifname "{internet}" ip daddr @private_networks counter name private_to_block drop
"""


def gateway(
    *,
    name: str,
    remote: Iterable[Route] = (),
    carry_private: bool = False,
    block: str = "eth0",
    internet: str = "eth1",
) -> Setup:
    """A gateway between its interfaces ``block`` and ``internet``; ``remote`` are the ways to other blocks.

    ``carry_private`` makes it forward RFC 1918 addresses too, as no provider does.
    """
    nics = {"block": word(block, "interface"), "internet": word(internet, "interface")}
    rules = _RULES.format(private="" if carry_private else _DROP.format(**nics), **nics)
    return compose(
        hostname(name),
        routes(remote),
        Service(
            files={RULES: (rules.encode(), 0o644)},
            start=(command("run", "nftables", "/run/nftables.log", "nft", "-f", RULES),),
        ),
    )
