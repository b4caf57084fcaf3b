"""A complete ConfigFiles tree as an appliance has it, and containers around it: both made here, after the format's facts."""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import tarfile
from collections.abc import Mapping
from pathlib import Path

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.padding import PKCS7
from decbackup import crypto

from tests.provisioning.plans import GUIDE

_PROTOCOLS = """
    bacnet cip dcerpc dhcp dns dns_udp edonkey ethernetip ftp generic gopher http iec104 imap ip ipmi irc ldap live mgcp
    modbus msn mysql nb-cifs nb-dgm nb-epmap nb-ns nntp ntp opc-ae opc-da opc-ua oracle pop3 ppptp profinet-io radius rip
    rtcp rtp rtsp s7 sccp sip smtp snmp sofbus ssh ssl sip_tcp telnet tftp tns tcpudp umas xmpp ymsg youtube yahoo
""".split()  # noqa: SIM905 - a list of sixty quoted words is no better read
_SLOTS = (*(f"{number:02d}" for number in range(10)), "common", "slotinfo")
_ALONE = """
    time geogroup iprepgroup route6 route-script switch wifi modem ether dhcp dhcp6 ntp ddnsclient snmp proxy alived
    alived_hosts auth guest_ldap userright userreqd pvm serverd boot language timezone log sysevent autobackup autoupdate
""".split()  # noqa: SIM905
_FOLDERS: Mapping[str, tuple[str, ...]] = {
    "SecurityInspection": _SLOTS,
    "Authentication": (*_SLOTS[:10], "slotinfo"),
    "MailFiltering": _SLOTS,
    "AntiSPAM": ("antispam", "whitelist", "blacklist"),
    "AntiVIRUS": ("antivirus",),
    "XVPN": ("xvpn", "profile", "httpserver", "xserver"),
    "PPTP": ("pptp",),
    "QOS": ("QoS", "qids"),
    "Event": tuple(f"{number:03d}" for number in range(200)),
    "Reports": tuple(f"{number:03d}" for number in range(60)),
    "Communication": ("config", "mail", "syslog"),
    "Cad": ("cad",),
    "Bird": ("bird.conf",),
    "Global": ("object", "objectgroup", "router", "servicegroup", "time", "geogroup", "monitord", "Filter/00", "VPN/00"),
    "Certificates": tuple(
        f"authority{number}/{name}" for number in range(10)
        for name in ("CA.cert.pem", "CA.conf", "CA.db", "CA.serial", "CA.revokation", "one.cert.pem")
    ),
    "VPN": ("ca", "common", "02", "03"),
    "Filter": ("00", "02", "03", "04", "06", "07", "08", "09"),
}  # fmt: skip


def complete_tree() -> dict[str, bytes]:
    """The guide's first site among all the files that an appliance has besides (sns.md 1.1): some 1,500."""
    source = GUIDE / "sbg7/ConfigFiles"
    files = {path.relative_to(source).as_posix(): path.read_bytes() for path in source.rglob("*") if path.is_file()}
    files["VPN/psk"] = b"[psk]\nOVH_REMOTE_FW=a-key-of-this-test\n"
    others = [f"Protocols/{protocol}/{slot}" for protocol in _PROTOCOLS for slot in _SLOTS]
    others += [f"{folder}/{name}" for folder, names in _FOLDERS.items() for name in names]
    text = b"# as delivered\n[Config]\nState=0\n"
    for name in (*others, *_ALONE):
        slot = b"[Filter]\nblock from any to any\n[NAT]\n" if name.startswith("Filter/") else b"[Global]\n[Policy]\n[Mobile]\n"
        empty = slot if name.startswith(("Filter/", "VPN/0")) else text
        files.setdefault(name, b"" if name in ("auth", "VPN/ca", "VPN/common") else empty)
    for name in ("network", "route", "webadmin"):
        files[f"{name}.orig"] = files[name]
    for number in range(400):
        files[f"Protocols/{_PROTOCOLS[number % 50]}/signature{number:03d}"] = b"\x00\x01\xfe binary"
    return files


def write(folder: Path, files: Mapping[str, bytes]) -> Path:
    """The files below a folder, which is returned."""
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def archive(files: Mapping[str, bytes], below: str = "usr/Firewall/ConfigFiles") -> bytes:
    """What a backup holds: a gzip'd tar."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as packed:
        for name, content in files.items():
            entry = tarfile.TarInfo(f"{below}/{name}")
            entry.size = len(content)
            packed.addfile(entry, io.BytesIO(content))
    return gzip.compress(buffer.getvalue(), 1)


def container(content: bytes, password: str = "", *, version: int = 2) -> bytes:
    """A backup around an archive, encrypted as format 1 or 2 is (sns.md 8). Only an appliance can sign one."""
    if version == 1:
        fields = {"majversion": "1", "algo": "1"}
        key, iv = crypto.derive_key_v1(password.encode()), crypto.derive_iv_v1(password.encode())
    else:
        salt, iv = os.urandom(16), os.urandom(16)
        fields = {"majversion": "2", "algo": "1", "salt": salt.hex(), "iv": iv.hex(), "pbkdf_iterations": "1000"}
        key = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, 1000, 16)
    fields |= {"version": "4.8.11", "model": "EVA1", "serial": "VMSNSX08K0701A9", "content": "all", "type": "backup"}
    header = ("[BACKUP]\r\n" + "".join(f"{name}={value}\r\n" for name, value in fields.items())).encode()
    padder, cipher = PKCS7(128).padder(), Cipher(algorithms.AES(key), modes.CBC(iv)).encryptor()
    encrypted = cipher.update(padder.update(content) + padder.finalize()) + cipher.finalize()
    signature = b"no signature of an appliance"
    return b"".join([
        header.ljust(0x400, b"\0"),
        len(signature).to_bytes(4, "big"),
        signature,
        len(encrypted).to_bytes(4, "big"),
        encrypted,
    ])  # fmt: skip
