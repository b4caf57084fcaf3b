"""The names of a ConfigFiles tree (sns.md 1.1): what is read here, what the product has besides, what nobody knows."""

from __future__ import annotations

import os
from pathlib import Path

from .model import Location
from .policies import FILTERING_SLOTS, SLOTS, read_slotinfo
from .reading import Reading

_FILES = frozenset(
    {
        "object", "objectgroup", "servicegroup", "router", "time", "urlgroup", "cngroup", "geogroup", "iprepgroup",
        "network", "route", "route6", "route-script", "switch", "wifi", "modem", "ether", "dns", "dhcp", "dhcp6",
        "ntp", "ddnsclient", "snmp", "proxy", "alived", "alived_hosts", "auth", "ldap", "guest_ldap", "uac",
        "userright", "userreqd", "pvm", "krb5.keytab", "system", "serverd", "webadmin", "boot", "language",
        "timezone", "log", "sysevent", "autobackup", "autoupdate",
    }
)  # fmt: skip
_FOLDERS: dict[str, frozenset[str] | None] = {
    "Filter": frozenset((*SLOTS, "filter", "slotinfo")),
    "VPN": frozenset((*SLOTS, "peer", "psk", "ca", "common", "ph1profile", "ph2profile", "slotinfo")),
    "Openvpn": frozenset({"openvpn"}),
    "HA": frozenset({"hacluster", "highavailability"}),
    "URLFiltering": frozenset((*FILTERING_SLOTS, "common", "slotinfo")),
    "SSLFiltering": frozenset((*FILTERING_SLOTS, "common", "slotinfo")),
    # Present on every appliance, and without a part in this model: whatever they hold is theirs.
    **dict.fromkeys(
        (
            "XVPN", "PPTP", "QOS", "Authentication", "Certificates", "SecurityInspection", "Protocols",
            "MailFiltering", "AntiSPAM", "AntiVIRUS", "Event", "Reports", "Communication", "Cad", "Bird", "Global",
        )
    ),
}  # fmt: skip


def check_layout(reading: Reading) -> None:
    """Tell every file and folder that the product does not have; hidden ones are no part of a configuration."""
    for entry in _visible(reading, ".", reading.root):
        if Path(entry.path).is_dir():  # a link to itself is none; DirEntry.is_dir would raise
            if entry.name not in _FOLDERS:
                reading.unsupported(Location(entry.name, 1), "folder", "is not a folder of the product")
                continue
            _check_folder(reading, entry.name, Path(entry.path))
        elif entry.name.removesuffix(".orig") not in _FILES:
            reading.unsupported(Location(entry.name, 1), "file", "is not a file of the product")
    _check_global_policy(reading)


def _check_folder(reading: Reading, folder: str, path: Path) -> None:
    names = _FOLDERS[folder]
    for entry in _visible(reading, folder, path) if names is not None else ():
        if names is not None and entry.name.removesuffix(".orig") not in names:
            location = Location(f"{folder}/{entry.name}", 1)
            reading.unsupported(location, "file", f"is not a file of the product's {folder} folder")


def _check_global_policy(reading: Reading) -> None:
    """Global rules are evaluated before local ones: an active global slot would make every prediction wrong."""
    try:
        is_there = (reading.root / "Global" / "Filter" / "slotinfo").is_file()
    except OSError:
        return  # the folder that cannot be read was told
    if not is_there:
        return
    info = read_slotinfo(reading, "Global/Filter", 0)
    if info is not None and info.active and (reading.root / "Global" / "Filter" / f"{info.active:02d}").is_file():
        reading.unsupported(info.location, "Active", "global filter policies are not modelled", "deactivate the slot")


def _visible(reading: Reading, name: str, path: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(path) as found:
            return sorted((entry for entry in found if not entry.name.startswith(".")), key=lambda entry: entry.name)
    except OSError as error:
        reading.error(Location(name, 1), "folder", f"cannot be read: {error.strerror}")
        return []
