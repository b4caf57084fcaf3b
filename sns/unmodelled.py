"""What a complete ConfigFiles tree has and this model leaves out, and what that means for whoever relies on the model."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from .model import Unmodelled

_INSPECTION = "inspection may stop or change what the rules pass: that the model lets a packet pass is the filter's word only"
_CONTENT = "content filters may stop what the rules pass"
_ROUTES = "packets may leave by another way than the model says"
_PORTAL = "who is let in by it is not judged, nor are rules for its users"
_IPV6 = "IPv6 is not modelled: nothing is said of it"
_OBJECTS = "rules that name it are told one by one, and are not judged"

DECIDES: Mapping[str, str] = {
    "Protocols": _INSPECTION,
    "SecurityInspection": _INSPECTION,
    "AntiSPAM": _CONTENT,
    "AntiVIRUS": _CONTENT,
    "MailFiltering": _CONTENT,
    "proxy": _CONTENT,
    "Bird": _ROUTES,
    "alived": _ROUTES,
    "alived_hosts": _ROUTES,
    "route-script": _ROUTES,
    "Authentication": _PORTAL,
    "auth": _PORTAL,
    "userright": _PORTAL,
    "userreqd": _PORTAL,
    "guest_ldap": _PORTAL,
    "krb5.keytab": _PORTAL,
    "XVPN": _PORTAL,
    "PPTP": _PORTAL,
    "Certificates": "whether certificates are valid, and whom they admit, is not judged",
    "VPN/ca": "which authorities vouch for peers is not judged",
    "VPN/common": "options of the IKE daemon are not judged",
    "Global": "objects and policies that a central manager pushed are not modelled",
    "time": _OBJECTS,
    "geogroup": _OBJECTS,
    "iprepgroup": _OBJECTS,
    "route6": _IPV6,
    "dhcp6": _IPV6,
    "switch": "ports of a built-in switch are not modelled",
    "wifi": "wireless networks are not modelled",
    "modem": "dialled links are not modelled",
    "ether": "settings of Ethernet ports are not modelled",
    "QOS": "a queue may delay or drop what the rules pass",
    "serverd": "access to the administration server is not judged",
    "boot": "what runs at start is not modelled",
}
"""First folder or file name -> what is not known because of it: all of these can change what becomes of packets."""

HARMLESS = frozenset(
    {
        "dns", "dhcp", "ntp", "ddnsclient", "snmp", "pvm", "language", "timezone", "log", "sysevent", "autobackup",
        "autoupdate", "Event", "Reports", "Communication", "Cad", "URLFiltering/slotinfo", "URLFiltering/common",
        "SSLFiltering/slotinfo", "SSLFiltering/common",
    }
)  # fmt: skip
"""Not modelled either, and without a part in what becomes of packets."""

_FACTORY = ".orig"
"""The end of the names of factory values, kept beside edited files and never read by the product."""


def unmodelled(files: Iterable[str], read: frozenset[str]) -> list[Unmodelled]:
    """What of these files (names below ConfigFiles) was not read and can change what becomes of packets, by name.

    ``read`` are the files that the reader took. A file that nobody knows counts as one that can.
    """
    counts: dict[str, int] = {}
    for file in files:
        folder = file.partition("/")[0]
        name = file if file in DECIDES else folder
        harmless = folder in HARMLESS or file in HARMLESS or file.endswith(_FACTORY) or folder.startswith(".")
        if file not in read and not harmless:
            counts[name] = counts.get(name, 0) + 1
    return [
        Unmodelled(name, count, DECIDES.get(name, "no file of the product that is known here"))
        for name, count in sorted(counts.items())
    ]
