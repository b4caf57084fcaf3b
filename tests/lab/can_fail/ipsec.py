"""The tunnel between the sites."""

from __future__ import annotations

from tests.lab.can_fail.egress import FIRST
from tests.lab.can_fail.faults import all_of, edited, rule_above, rule_changed, rule_missing
from tests.lab.can_fail.ground import Ground
from tests.lab.can_fail.row import Fault, Row

FROM_REMOTE = "# From SBG7, when it came through the tunnel"
POLICY = 'state=on local=vlan200 remote=vlan201 peer=OVH_GRA11 conf=StrongEncryption keepalive=0 rulename="192c3a50011_1"'
WRONG_KEY = "not-the-key-of-the-other-end"


def without_ipsec_policy(site: str) -> Fault:
    """The kernel of a site's firewall does not know what belongs into the tunnel."""

    def act(ground: Ground) -> None:
        firewall = ground.active(site)
        ground.undo(lambda: firewall.apply("envpn", "-u"))
        firewall.host.must("nft", "delete", "table", "ip", "sns_spd")

    return act


def packets_lost(ground: Ground) -> None:
    """A router on the way loses one packet of 25 that carry ESP: IKE has four zeros in place of an index (RFC 3948, 2.2)."""
    rule = "udp dport 4500 @th,64,32 != 0 numgen inc mod 25 0 drop"
    ground.shell(
        "gw-sbg7",
        f"nft 'table ip broken {{ chain way {{ type filter hook forward priority 0; {rule}; }}; }}'",
        "nft delete table ip broken",
    )


def talkative_firewalls(ground: Ground) -> None:
    """The local firewall pings the other one all the time, beside the tunnel."""
    name = ground.environment.firewall("sbg7").name
    ground.shell(name, "ping -q -i 0.05 203.0.113.153 >/run/ping.log 2>&1 & echo $! >/run/ping.pid",
                 "kill $(cat /run/ping.pid)")  # fmt: skip


def another_key_accepted(ground: Ground) -> None:
    """The other end still accepts a key from a former test."""
    firewall = ground.active("gra11")
    secret = f'secrets {{ ike-old {{ id-1 = 147.135.161.153\\nid-2 = 203.0.113.153\\nsecret = "{WRONG_KEY}" }} }}'
    load = "STRONGSWAN_CONF=/var/lib/sns/ipsec/strongswan.conf swanctl --load-creds --noprompt --file"
    ground.undo(lambda: firewall.apply("envpn", "-u"))
    firewall.host.must("sh", "-ec", f"printf '{secret}' >/run/old.conf; {load} /run/old.conf")


def _too_wide(site: str, old: str, new: str) -> Fault:
    """Below the tunnel between the planned networks stands one between others."""

    def change(text: str) -> str:
        line = next(one for one in text.splitlines() if one.startswith(f"state=on {old} "))
        return text.replace(line, line + "\n" + line.replace(old, new))

    return lambda ground: ground.edit(site, "VPN/01", change, "envpn -u")


ROWS = (
    Row(
        "SNS-IPSEC-01[sbg7-gra11]",
        "The rule for what comes out of the tunnel was forgotten at the other site",
        rule_missing("gra11", FROM_REMOTE),
        "the tunnel was late: expected every ping answered both ways within 10 s, observed …",
        patience=5.0,
    ),
    Row(
        "SNS-IPSEC-02[sbg7-gra11]",
        "The other end allows the weaker encryption only",
        edited("gra11", "VPN/ph1profile", "enc=aes/256", "# enc=aes/256", "envpn -u"),
        "expected sbg7, IKE algorithms: the first allowed, aes/256 sha256 dh14, observed aes/128 sha256 dh14",
    ),
    Row(
        "SNS-IPSEC-03[sbg7-gra11]",
        "The firewalls talk to each other beside the tunnel",
        talkative_firewalls,
        "expected those that are neither IKE nor ESP: 0, observed …",
    ),
    Row(
        "SNS-IPSEC-04[sbg7-gra11]",
        "At the second site neither the black-hole route nor an IPsec policy of the kernel keeps the traffic back",
        all_of(edited("gra11", "route", "vlan200,loopback", "# vlan200,loopback", "ennetwork"), without_ipsec_policy("gra11")),
        "expected marked packets at gw-gra11:eth0: 0, observed …",
    ),
    Row(
        "SNS-IPSEC-05[sbg7-gra11]",
        'The rule for the first site does not say "via ipsec" at the second one, and the kernel has no IPsec policy there',
        all_of(rule_above("gra11", FIRST, "pass from vlan200 to vlan201"), without_ipsec_policy("gra11")),
        "expected packets at the private server of gra11: 0, observed 20",
    ),
    Row(
        "SNS-IPSEC-06[sbg7-gra11]",
        "The other end accepts a key from a former test too",
        another_key_accepted,
        "the refused negotiation was late: expected a refused negotiation within 5 s, observed {'no failure, but tunnels'…",
    ),
    Row(
        "SNS-IPSEC-07[sbg7-gra11]",
        "A router on the way loses one packet of 25",
        packets_lost,
        "expected pings lost: [], observed […]",
    ),
    Row(
        "SNS-IPSEC-08[sbg7-gra11]",
        "One end only answers, and the other does not look for dead peers (DPD passive)",
        all_of(
            edited("gra11", "VPN/peer", "ResponderOnly=0", "ResponderOnly=1", "envpn -u"),
            edited("sbg7", "VPN/peer", "DPDMode=high", "DPDMode=passive", "envpn -u"),
        ),
        "expected the tunnel after its peer's restart within 5 s, observed 0 …",
    ),
    Row(
        "SNS-IPSEC-09[sbg7-gra11]",
        "A second tunnel joins the second site's private network with more of the first one's",
        all_of(
            _too_wide("sbg7", "local=vlan200 remote=vlan201", "local=rfc5735_private_3 remote=vlan201"),
            _too_wide("gra11", "local=vlan201 remote=vlan200", "local=vlan201 remote=rfc5735_private_3"),
        ),
        "expected packets of the attempts in the tunnel of gra11: 0, observed …",
    ),
    Row(
        "SNS-IPSEC-10[sbg7-gra11]",
        "At the first site what comes out of the tunnel may go anywhere, to the firewall too",
        rule_above("sbg7", FIRST, "pass from vlan201 via ipsec to any"),
        "expected the private server of gra11's SSH: silent, observed answered",
    ),
    Row(
        "SNS-IPSEC-11[sbg7-gra11]",
        'The rule for the first site does not say "via ipsec" at the second one, and the kernel has no IPsec policy there',
        all_of(rule_above("gra11", FIRST, "pass from vlan200 to vlan201"), without_ipsec_policy("gra11")),
        "expected packets at the private server of gra11: 0, observed 20",
    ),
    Row(
        "SNS-IPSEC-12[sbg7-gra11]",
        "The rule towards the other site is for the web server alone",
        rule_changed("sbg7", "# Towards GRA11", "from vlan200 on in", "from ubuntu-webserver on in"),
        "expected packets of which something else becomes: [], observed […refused, not in of gra11…",
    ),
    Row(
        "SNS-IPSEC-13[sbg7-gra11]",
        "The black-hole route towards the other site goes out by the Internet side",
        edited("sbg7", "route", "vlan201,loopback", "vlan201,out->Firewall_out_router", "ennetwork"),
        "expected marked packets at gw-sbg7:eth0: 0, observed …",
    ),
)
