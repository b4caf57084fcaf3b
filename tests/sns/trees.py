"""ConfigFiles trees for tests: the guide's first site as files, and how to write one with changes."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import IPv4Interface
from pathlib import Path

from sns.model import Configuration
from sns.reader import read

LEASES = {"ethernet2": IPv4Interface("192.168.2.3/29")}

GUIDE: Mapping[str, str] = {
    "object": """\
[Host]
Firewall_out_router=147.135.161.158,resolve=static
ubuntu-webserver=10.200.0.10,resolve=static\t# the private web server
admin_client=198.51.100.101
OVH_REMOTE_FW=203.0.113.153
[Network]
vlan200=10.200.0.0/16
vlan201=10.201.0.0/255.255.0.0
sslvpn_udp=10.60.0.0/24
sslvpn_tcp=10.61.0.0/24
[Service]
http=80/tcp\t# World Wide Web
https=443/tcp
ssh=22/tcp
dns=53/any
[Internet]
operator=ne
object=Network_internals
""",
    "network": """\
[Config]
IPv6State=0

[ethernet0]
State=1
Name=out
Color=800040
Media=0
EEE=0
Address=147.135.161.153
Mask=255.255.255.248
MACAddress=02:00:00:00:01:53

[ethernet1]
State=1
Name=in
Protected=1
Address=10.200.0.1
Mask=255.255.0.0

[ethernet2]
State=1
Name=ha
Address=DHCP
""",
    "route": """\
[Config]
DefaultRoute=Firewall_out_router
[StaticRoutes]
vlan201,loopback
""",
    "Filter/slotinfo": """\
[Global]
Active=5
Sync=1
[05]
Name=guide
Time=
Days=
Comment=
""",
    "Filter/filter": """\
[Config]
Implicit=1
Sshd=0
WebAdmin=0
Ident=0
SslVPN=1
""",
    "Filter/05": """\
[Filter]
separator color="c0c0c0" comment="Remote Management: the administrator" collapse="0"
pass from admin_client on out to Firewall_out port ssh|https # administrator
separator color="c0c0c0" comment="Use cases" collapse="0"
pass from vlan200 on in to internet port http|https|dns
pass from any on out to Firewall_out port http -> to ubuntu-webserver port http
pass from vlan200 to vlan201
pass log from vlan201 via ipsec to vlan200
pass from sslvpn_udp|sslvpn_tcp via sslvpn to vlan200
block from any to any\t# Block all
[NAT]
nat from vlan200 to internet on out -> from Firewall_out port ephemeral_fw to original rulename "1713a148819_4"
""",
    "VPN/slotinfo": "[Global]\nActive=1\n[01]\nName=IPsec 01\n",
    "VPN/01": """\
[Global]
RetransmitTries=3
NATKeepalive=20
[Policy]
state=on local=vlan200 remote=vlan201 peer=OVH_GRA11 conf=StrongEncryption keepalive=0 rulename="to gra11"
""",
    "VPN/peer": """\
[OVH_GRA11]
Remote=OVH_REMOTE_FW
Local=Firewall_out
IKEVersion=2
Method=psk
Conf=StrongEncryption
DPDMode=low
ResponderOnly=0
""",
    "VPN/psk": "[psk]\nOVH_REMOTE_FW=${secret:IPSEC}\n",
    "VPN/ph1profile": """\
[Global]
default=StrongEncryption
[StrongEncryption]
comment="ANSSI RGSv2 compliant"
defaultdh=14
lifetime=21600
enc=aes/256 auth=sha2_256
enc=aes/128 auth=sha2_256 dh=15
""",
    "VPN/ph2profile": "[StrongEncryption]\nauth=hmac_sha256\nenc=aes/256,aes/128\npfs=14\nlifetime=3600\n",
    "Openvpn/openvpn": """\
[Config]
state=1
route=vlan200
Port=sslvpn
udpPort=udpvpn
pool=sslvpn_tcp
udpPool=sslvpn_udp
serverPublicAddr=147.135.161.153
""",
    "ldap": "[SERVER]\nDefault=stormshield.ovh\nIndexed=1\n[stormshield.ovh]\nSuffix=o=stormshield,dc=ovh\n",
    "uac": """\
[Defaults]
xvpn=block
ipsec=block
openvpn=block
[Ruleset]
state=on user=address@stormshield.ovh openvpn=pass
""",
    "webadmin": "[Config]\nState=1\n[ACL]\nadmin_client\n",
    "system": "[SSH]\nState=1\nPassword=0\n",
    "HA/highavailability": """\
[Global]
State=1
Password=${secret:HA}
Forward=All
[Communication]
Interface=ha
[Weights]
ethernet0=100
ethernet1=100
[OpenAIS]
TokenTimeout=4000
[ICMP]
PingInterval=100
NbPing=5
""",
    "HA/hacluster": "[VMSNSX00A]\nIp=192.168.2.3\nNodeId=1\n[VMSNSX00B]\nIp=192.168.2.4\nNodeId=2\n",
    "../Data/Ldapbase.ldif": """\
version: 1

dn: o=stormshield,dc=ovh
objectClass: organization
o: stormshield

dn: ou=users,o=stormshield,dc=ovh
objectClass: organizationalUnit

dn: cn=OVH address,ou=users,o=stormshield,dc=ovh
objectClass: inetOrgPerson
uid: address
cn: OVH address
mail: address@stormshield.ovh
userPassword: ${secret:VPN_USER}

dn: cn=staff,ou=groups,o=stormshield,dc=ovh
objectClass: groupOfNames
cn: staff
member: cn=OVH address,ou=users,o=stormshield,
 dc=ovh
""",
}


def write(folder: Path, files: Mapping[str, str]) -> Path:
    """Write a tree below ``folder`` and return its ConfigFiles directory."""
    root = folder / "ConfigFiles"
    for file, text in files.items():
        path = root / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return root


def guide(folder: Path, changes: Mapping[str, str | None] | None = None) -> Configuration:
    """The guide's tree, files of ``changes`` replaced (None: removed), read with the label ``sbg7``."""
    files = {file: text for file, text in {**GUIDE, **(changes or {})}.items() if text is not None}
    return read(write(folder, files), label="sbg7", leases=LEASES)


def rules_of(folder: Path, *lines: str, nat: tuple[str, ...] = ()) -> Configuration:
    """The guide's tree with these filter and NAT lines as its active slot; the first filter line is line 2."""
    return guide(folder, {"Filter/05": "\n".join(["[Filter]", *lines, "[NAT]", *nat, ""])})
