"""Changes of the guide's first site, as people make them: twenty bad ones and ten that harm nobody, with the gate's word."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tests.provisioning.plans import GUIDE, change, copy_of

RULES, OBJECTS = "Filter/05", "object"
FIRST = "[Filter]\n"
ADMIN_SSH = "pass log from admin_client on out to Firewall_out port ssh"
PUBLISHED = "pass log from internet on out to Firewall_out port http -> to ubuntu-webserver port http"
NAMES = "pass from vlan200 on in to dns_resolver port dns"
LAST = "block log from any to any"


@dataclass(frozen=True)
class Case:
    """A change: edits of the site's files (file, text, other text), the verdict, and what has to be told of it.

    ``named`` are the kind of a change and a text in its packets, its example, or what it was and is.
    """

    name: str
    edits: tuple[tuple[str, str, str], ...]
    verdict: str = "accepted"
    named: tuple[str, str] = ("", "")


def _bad(name: str, verdict: str, kind: str, told: str, *edits: tuple[str, str, str]) -> Case:
    return Case(name, edits, verdict, (kind, told))


def _harmless(name: str, *edits: tuple[str, str, str]) -> Case:
    return Case(name, edits)


_STRANGER = "stranger (198.51.100.102) -> Firewall_out (147.135.161.153)"

BAD = (
    _bad("SSH for everybody", "refused", "opens.internet", f"{_STRANGER}, tcp/22, in by out",
         (RULES, ADMIN_SSH, "pass log from any on out to Firewall_out port ssh")),
    _bad("a second port published without a word", "refused", "opens.internet", f"{_STRANGER}, tcp/8080, in by out",
         (RULES, FIRST, f"{FIRST}pass from internet on out to Firewall_out port extra -> to ubuntu-webserver port extra\n"),
         (OBJECTS, "ntp=123/udp", "ntp=123/udp\nextra=8080/tcp")),
    _bad("every port of the published address", "refused", "opens.internet", "stranger (198.51.100.102) -> Firewall_out",
         (RULES, PUBLISHED, "pass log from internet on out to Firewall_out -> to ubuntu-webserver")),
    _bad("a rule for a test, left at the end", "refused", "opens.internet", "in by out",
         (RULES, LAST, "pass from any to any\nblock log from any to any")),
    _bad("the slot that lets all pass", "refused", "opens.internet", f"{_STRANGER}, tcp/22",
         ("Filter/slotinfo", "Active=5", "Active=10")),
    _bad("the private interface no longer protected", "refused", "opens.internet", "tcp/443, in by in",
         ("network", "Protected=1", "Protected=0")),
    _bad("a name that nobody declares", "refused", "findings.error", 'unknown address object "ubuntu-webservr"',
         (RULES, "-> to ubuntu-webserver port http", "-> to ubuntu-webservr port http")),
    _bad("pools that overlap", "refused", "findings.error", "overlap",
         (OBJECTS, "sslvpn_tcp=10.61.0.0/24", "sslvpn_tcp=10.60.0.128/25")),
    _bad("the published server one address off", "refused", "changes.internet", f"{_STRANGER}, tcp/80",
         (OBJECTS, "ubuntu-webserver=10.200.0.10", "ubuntu-webserver=10.200.0.11")),
    _bad("the published page gone", "refused", "closes.internet", f"{_STRANGER}, tcp/80",
         (RULES, PUBLISHED, f"off {PUBLISHED}")),
    _bad("no translation on the way out", "approval", "changes.private",
         "web-sbg7 (10.200.0.10) -> resolver (198.51.100.53), tcp/53",
         (RULES, "nat from vlan200 to internet on out", "off nat from vlan200 to internet on out")),
    _bad("the firewall's own addresses open inside", "approval", "opens.private", "icmp type 8, in by in",
         (RULES, "block log from any to firewall_all rulename", "off block log from any to firewall_all rulename")),
    _bad("VPN users reach the Internet too", "approval", "opens.vpn-user", "in by sslvpn",
         (RULES, "via sslvpn to vlan200", "via sslvpn to any")),
    _bad("the remote site reaches the firewall", "approval", "opens.tunnel", "in by ipsec",
         (RULES, FIRST, f"{FIRST}pass from vlan201 via ipsec to Firewall_in port ssh\n")),
    _bad("names by no resolver", "approval", "closes.private", "web-sbg7 (10.200.0.10) -> resolver (198.51.100.53)",
         (RULES, NAMES, f"off {NAMES}")),
    _bad("the tunnel's first proposal is 3des", "approval", "settings.vpn", "encryption",
         ("VPN/ph1profile", "enc=aes/256", "enc=3des")),
    _bad("every user may use the VPN", "approval", "settings.access", "access.defaults.openvpn",
         ("uac", "ipsec=block\nopenvpn=block", "ipsec=block\nopenvpn=pass")),
    _bad("no black hole behind the tunnel", "approval", "findings.warning", "no-black-hole-route",
         ("route", "vlan201,loopback", "# vlan201,loopback")),
    _bad("refusals that nobody logs", "approval", "others.logging", "was logged, is not now",
         (RULES, LAST, "block from any to any")),
    _bad("a rule with a schedule, which is not modelled", "approval", "others.unmodelled", "schedule nights",
         (RULES, FIRST, f"{FIRST}pass schedule nights from any on out to Firewall_out port ssh\n")),
)  # fmt: skip

HARMLESS = (
    _harmless("another comment", (RULES, "# SSH\n", "# SSH, see the handbook\n")),
    _harmless("an object renamed everywhere",
              (OBJECTS, "ubuntu-webserver=", "web-private="), (RULES, "-> to ubuntu-webserver port", "-> to web-private port")),
    _harmless("two rules that share no packet change places",
              (RULES, NAMES, "pass from vlan200 on in to mirror port http"),
              (RULES, "pass from vlan200 on in to mirror port http rulename \"192c3a50008_3\"",
               f"{NAMES} rulename \"192c3a50008_3\"")),
    _harmless("one rule split in two",
              (RULES, "pass from vlan200 on in to vlan201",
               "pass from vlan200 on in to vlan201 port http\npass from vlan200 on in to vlan201")),
    _harmless("an object that nothing uses", (OBJECTS, "[Network]", "later=10.200.0.77\n[Network]")),
    _harmless("a list of names instead of a group", (RULES, "from rfc5735 on out",
              "from rfc5735_private_1|rfc5735_private_2|rfc5735_private_3 on out")),
    _harmless("a slot that is not active", ("Filter/01", FIRST, f"{FIRST}pass from any to any port http\n")),
    _harmless("colours and blank lines", ("network", "Color=800040", "Color=ff0000\n"), (RULES, FIRST, f"{FIRST}\n")),
    _harmless("a mask instead of a prefix", (OBJECTS, "vlan200=10.200.0.0/16", "vlan200=10.200.0.0/255.255.0.0")),
    _harmless("a rule that is switched off", (RULES, LAST, f"off pass from any to any port ssh\n{LAST}")),
)  # fmt: skip


def edited(case: Case, folder: Path) -> Path:
    """A copy of the guide's deployment with the change made."""
    deployment = copy_of(GUIDE, folder)
    for file, before, after in case.edits:
        change(deployment / "sbg7/ConfigFiles" / file, before, after)
    return deployment
