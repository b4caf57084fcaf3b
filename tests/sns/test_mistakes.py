"""Each mistake in a ConfigFiles tree is told with its file, line and field; nothing else is, and nothing raises."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from sns.model import Severity

from .trees import GUIDE, guide


def changed(file: str, before: str, after: str) -> dict[str, str | None]:
    """The guide's ``file`` with one text replaced by another."""
    assert GUIDE[file].count(before) == 1, f"{before!r} must stand once in {file}"
    return {file: GUIDE[file].replace(before, after)}


def added(file: str, *lines: str) -> dict[str, str | None]:
    """The guide's ``file`` with lines at its end."""
    return {file: GUIDE[file] + "".join(f"{line}\n" for line in lines)}


ERRORS: list[tuple[str, Mapping[str, str | None], list[str]]] = [
    # objects
    ("duplicate name", changed("object", "[Service]", "vlan200=10.202.0.0/16\n[Service]"),
     ["object:11: vlan200: is already declared at object:7 (rename or remove one of them)"]),
    ("duplicate in other case", changed("object", "[Service]", "Admin_Client=10.202.0.0/16\n[Service]"),
     ["object:11: Admin_Client: is already declared at object:4"]),
    ("duplicate service", changed("object", "ssh=22/tcp", "HTTP=8080/tcp"),
     ["object:14: HTTP: is already declared at object:12"]),
    ("group named like a host", {"objectgroup": "[admin_client]\nvlan200\n"},
     ["objectgroup:1: admin_client: is already declared at object:4"]),
    ("bad address", changed("object", "198.51.100.101", "198.51.100.301"),
     ['object:4: admin_client: "198.51.100.301" is not an IPv4 address']),
    ("bad IPv6 address", changed("object", "198.51.100.101", "198.51.100.101,2001::g::1"),
     ['object:4: admin_client: "2001::g::1" is not an IPv6 address']),
    ("two addresses", changed("object", "198.51.100.101", "198.51.100.101,198.51.100.102"),
     ['object:4: admin_client: has a second IPv4 address "198.51.100.102" (use a group, or first-last)']),
    ("backward range", changed("object", "198.51.100.101", "198.51.100.101-198.51.100.1"),
     ["object:4: admin_client: range 198.51.100.101-198.51.100.1 ends before it begins (swap the two)"]),
    ("no value", changed("object", "admin_client=198.51.100.101", "admin_client="),
     ['object:4: line: "admin_client=" is not name=value']),
    ("bad mask", changed("object", "255.255.0.0", "255.0.255.0"),
     ['object:8: vlan201: "255.0.255.0" is not a mask (write 255.255.255.0 or 24)']),
    ("two networks", changed("object", "10.60.0.0/24", "10.60.0.0/24,192.168.0.0/16,junk word"),
     ['object:9: sslvpn_udp: has a second IPv4 network "192.168.0.0/16" (use a group)',
      'object:9: sslvpn_udp: has a second IPv4 network "junk word" (use a group)']),
    ("strange second network", changed("object", "10.60.0.0/24", "10.60.0.0/24,2001::g::/64"),
     ['object:9: sslvpn_udp: "2001::g::/64" is not a network']),
    ("bad port", changed("object", "ssh=22/tcp", "ssh=70000/tcp"),
     ['object:14: ssh: "70000" is not a port from 1 to 65535']),
    ("backward ports", changed("object", "ssh=22/tcp", "ssh=22-20/tcp"), ["object:14: ssh: range 22-20 ends before"]),
    ("no transport", changed("object", "ssh=22/tcp", "ssh=22"), ['object:14: ssh: "22" names no protocol']),
    ("strange transport", changed("object", "ssh=22/tcp", "ssh=22/ipx"),
     ['object:14: ssh: "ipx" is not tcp, udp or any']),
    ("name that no rule can say", changed("object", "[Network]", "my host=10.0.0.1\n[Network]"),
     ['object:6: name: "my host" is not a name']),
    ("name of an implicit object", changed("object", "[Network]", "firewall_out=10.0.0.1\n[Network]"),
     ["object:6: firewall_out: is the name of an implicit object (rename it)"]),
    ("unknown resolve", changed("object", "ubuntu-webserver=10.200.0.10,resolve=static",
                                "ubuntu-webserver=10.200.0.10,resolve=magic"),
     ["object:3: ubuntu-webserver: resolve=magic is not one of dynamic, manual, static"]),
    ("unknown member", {"objectgroup": "[g]\nvlan200\nvlan2001\n"},
     ['objectgroup:3: [g]: unknown address object "vlan2001": it is not declared (did you mean "vlan201"?)']),
    ("unknown service member", {"servicegroup": "[g]\nhttq\n"},
     ['servicegroup:2: [g]: unknown service "httq": it is not declared (did you mean "http"?)']),
    ("group within itself", {"objectgroup": "[g]\nvlan200\nG\n"}, ["objectgroup:1: [g]: contains itself"]),
    ("service group within itself", {"servicegroup": "[g]\ng\n"}, ["servicegroup:1: [g]: contains itself"]),
    ("Internet of itself", changed("object", "=Network_internals", "=internet"),
     ['object:16: object: "internet" depends on itself through Network_internals']),
    ("router without gateway", {"router": "[r]\nFrequency=15\n"}, ["router:1: [r]: has no gateway"]),
    ("router to nowhere", {"router": "[r]\nPrincipal=gw9\n"}, ['router:2: Principal: unknown host "gw9"']),
    ("router to a network", {"router": "[r]\nPrincipal=vlan200\n"}, ['router:2: Principal: "vlan200" is not one host']),
    # network
    ("forbidden name", changed("network", "Name=ha", "Name=sslvpn") | {"HA/highavailability": None},
     ['network:23: Name: "sslvpn" is reserved (choose another name)']),
    ("forbidden start", changed("network", "Name=ha", "Name=vlan_ha") | {"HA/highavailability": None},
     ['network:23: Name: "vlan_ha" starts with "vlan", which is reserved']),
    ("same name twice", changed("network", "Name=ha", "Name=in") | {"HA/highavailability": None},
     ['network:21: Name: "in" is also the name of [ethernet1] at network:14 (rename one of them)']),
    ("same section twice", added("network", "[Ethernet2]", "State=0", "Name=dmz"),
     ["network:25: [Ethernet2]: is already declared at network:21 (join the two)"]),
    ("no mask", changed("network", "Mask=255.255.0.0\n", ""),
     ["network:18: Mask: is missing beside a static address"]),
    ("strange mask", changed("network", "Mask=255.255.0.0", "Mask=255.255.0.1"),
     ['network:19: Mask: "255.255.0.1" is not a mask']),
    ("strange address", changed("network", "Address=10.200.0.1", "Address=10.200.0"),
     ['network:18: Address: "10.200.0" is neither DHCP nor an IPv4 address']),
    ("broadcast address", changed("network", "Address=147.135.161.153", "Address=147.135.161.159"),
     ["network:10: Address: 147.135.161.159 is the broadcast address of 147.135.161.152/29"]),
    ("no address", changed("network", "Address=DHCP\n", ""),
     ["network:21: Address: is missing on an interface that is on (give Address and Mask, or State=0)"]),
    ("overlapping networks", changed("network", "Address=10.200.0.1", "Address=147.135.0.1"),
     ["network:14: Address: 147.135.0.0/16 overlaps 147.135.161.152/29 of [ethernet0]"]),
    ("strange MAC", changed("network", "02:00:00:00:01:53", "02:00:00:00:01"),
     ['network:12: MACAddress: "02:00:00:00:01" is not a MAC']),
    ("multicast MAC", changed("network", "02:00:00:00:01:53", "03:00:00:00:01:53"),
     ['network:12: MACAddress: "03:00:00:00:01:53" is a multicast address']),
    ("neither 0 nor 1", changed("network", "Protected=1", "Protected=yes"),
     ['network:17: Protected: "yes" is neither 0 nor 1']),
    ("VLAN without place", added("network", "[vlan0]", "State=1", "Name=dmz", "Address=10.9.0.1", "Mask=255.255.255.0"),
     ["network:25: Physical: is missing on a VLAN interface", "network:25: Tag: is missing on a VLAN interface"]),
    ("VLAN on nothing, tag too high", added(
        "network", "[vlan0]", "Name=dmz", "Physical=Ethernet7", "Tag=4095", "Address=10.9.0.1", "Mask=255.255.255.0"),
     ['network:28: Tag: "4095" is not a number from 1 to 4094']),
    ("token twice", changed("network", "Name=out", "Name=out\nName=out"),
     ["network:7: Name: is given twice, first on line 6 (keep one)"]),
    ("not a token", changed("network", "Name=out", "Name=out\nhello"), ['network:7: line: "hello" is not Token=Value']),
    # route
    ("default route to nowhere", changed("route", "Firewall_out_router", "Firewall_on_router"),
     ['route:2: DefaultRoute: unknown host or router "Firewall_on_router"']),
    ("default route to a network", changed("route", "Firewall_out_router", "vlan200"),
     ['route:2: DefaultRoute: "vlan200" is not one host']),
    ("route by nothing", changed("route", "vlan201,loopback", "vlan201,dmz->OVH_REMOTE_FW"),
     ['route:4: interface: unknown interface "dmz"']),
    ("gateway elsewhere", changed("route", "vlan201,loopback", "vlan201,out->ubuntu-webserver"),
     ["route:4: gateway: 10.200.0.10 is not on 147.135.161.152/29 of interface out"]),
    ("not a route", changed("route", "vlan201,loopback", "vlan201"),
     ['route:4: route: "vlan201" is not destination,interface[->gateway]']),
    ("route to what routes define", changed("route", "vlan201,loopback", "internet,in"),
     ['route:4: destination: "internet" depends on itself through Network_internals']),
    # filter
    ("no slotinfo", {"Filter/slotinfo": None},
     ["Filter/slotinfo:1: file: is missing (it names the active filter slot: [Global] Active=5)",
      "Filter/slotinfo:1: Active: slot 00 is active and Filter/00 does not exist"]),
    ("no active slot", changed("Filter/slotinfo", "Active=5", "Active=7"),
     ["Filter/slotinfo:2: Active: slot 07 is active and Filter/07 does not exist"]),
    ("active slot of no number", changed("Filter/slotinfo", "Active=5", "Active=11"),
     ['Filter/slotinfo:2: Active: "11" is not a number from 0 to 10',
      "Filter/slotinfo:2: Active: slot 00 is active and Filter/00 does not exist"]),
    ("unknown object", changed("Filter/05", "pass from vlan200 to vlan201", "pass from vlan2000 to vlan201"),
     ['Filter/05:7: source: unknown address object "vlan2000": it is not declared (did you mean "vlan200"?)']),
    ("unknown service", changed("Filter/05", "ssh|https", "ssh|gopher"),
     ['Filter/05:3: destination port: unknown service "gopher": it is not declared']),
    ("unknown interface", changed("Filter/05", "vlan200 on in", "vlan200 on inn"),
     ['Filter/05:5: source interface: unknown interface "inn": it is not declared (did you mean "in"?)']),
    ("unknown translation", changed("Filter/05", "-> to ubuntu-webserver port http", "-> to nowhere port many"),
     ['Filter/05:6: translated destination: unknown address object "nowhere"',
      'Filter/05:6: translated destination port: unknown service of one port "many"']),
    ("translation to several ports", changed("Filter/05", "webserver port http", "webserver port web_srv"),
     ['Filter/05:6: translated destination port: "web_srv" has several ports']),
    ("unknown IP protocol", changed("Filter/05", "pass from vlan200 to vlan201", "pass ipproto ipx from any to any"),
     ['Filter/05:7: ipproto: unknown IP protocol "ipx"']),
    ("unknown route", changed("Filter/05", "pass from vlan200 to vlan201", "pass route r9 from any to any"),
     ['Filter/05:7: route: unknown host or router "r9"']),
    ("type without ICMP", changed("Filter/05", "pass from vlan200 to vlan201", "pass type 8 from any to any"),
     ["Filter/05:7: type: needs ipproto icmp"]),
    ("port without ports", changed("Filter/05", "pass from vlan200 to", "pass ipproto gre from any to any port http #"),
     ["Filter/05:7: port: gre has no ports"]),
    ("port of another protocol",
     changed("Filter/05", "pass from vlan200 to", "pass ipproto udp from any to any port http #"),
     ['Filter/05:7: port: "http" has no udp port (correct ipproto or the service)']),
    ("no filtering slot", changed("Filter/05", "pass from vlan200 to", "pass urlfiltering 03 from any to"),
     ["Filter/05:7: urlfiltering: slot URLFiltering/03 does not exist"]),
    ("unknown URL group", {"URLFiltering/00": "[Rules]\nstate=on action=block group=bad\n"},
     ['URLFiltering/00:2: group: "bad" is not declared (declare it in urlgroup)']),
    ("URL rule that does nothing", {"URLFiltering/00": "[Rules]\nstate=up action=burn\nstate=up action=pass\n"},
     ['URLFiltering/00:2: action: "burn" is not one of pass, block',
      'URLFiltering/00:3: state: "up" is neither on nor off', "URLFiltering/00:3: group: is missing"]),
    ("implicit rules neither on nor off", changed("Filter/filter", "Sshd=0", "Sshd=maybe"),
     ['Filter/filter:3: Sshd: "maybe" is neither 0 nor 1']),
    # IPsec
    ("unknown peer", changed("VPN/01", "OVH_GRA11", "OVH_RBX"),
     ['VPN/01:5: peer: "OVH_RBX" is not a peer (declare it in VPN/peer)']),
    ("unknown phase 2", changed("VPN/01", "conf=StrongEncryption", "conf=Stronger"),
     ['VPN/01:5: conf: "Stronger" is not a phase 2 profile (declare it in VPN/ph2profile)']),
    ("unknown phase 1", changed("VPN/peer", "Conf=StrongEncryption", "Conf=Stronger"),
     ['VPN/peer:6: Conf: "Stronger" is not a phase 1 profile (declare it in VPN/ph1profile)']),
    ("unknown end of a tunnel", changed("VPN/01", "remote=vlan201", "remote=vlan301"),
     ['VPN/01:5: remote: unknown network "vlan301"']),
    ("the same at both ends", changed("VPN/01", "remote=vlan201", "remote=vlan200"),
     ["VPN/01:5: remote: 10.200.0.0/16 is at both ends of the tunnel"]),
    ("half a tunnel", changed("VPN/01", "local=vlan200 remote=vlan201", ""),
     ["VPN/01:5: local: is missing", "VPN/01:5: remote: is missing"]),
    ("odd keepalive", changed("VPN/01", "keepalive=0", "keepalive=7"),
     ['VPN/01:5: keepalive: "7" is not one of 0, 30, 60, 120, 300, 600']),
    ("IKE option twice", changed("VPN/01", "NATKeepalive=20", "NATKeepalive=20\nRetransmitTries=banana"),
     ["VPN/01:4: RetransmitTries: is given twice, first on line 2 (keep one)"]),
    ("odd IKE options", changed("VPN/01", "RetransmitTries=3", "RetransmitTries=many\nRetransmitBase=x\nMakeBeforeBreak=2"),
     ['VPN/01:2: RetransmitTries: "many" is not a number from 0 to 65535',
      'VPN/01:3: RetransmitBase: "x" is not a number (write it as 1.8)',
      'VPN/01:4: MakeBeforeBreak: "2" is not a number from 0 to 1']),
    ("no key", {"VPN/psk": "[psk]\n"},
     ['VPN/peer:1: psk: peer OVH_GRA11 has no pre-shared key for "OVH_REMOTE_FW" (add OVH_REMOTE_FW=<key>']),
    ("two keys", added("VPN/psk", "ovh_remote_fw=x"), ["VPN/psk:3: ovh_remote_fw: has a key already (keep one)"]),
    ("peer of nobody", changed("VPN/peer", "Remote=OVH_REMOTE_FW\n", ""),
     ["VPN/peer:1: Remote: is missing (name the host object of the remote gateway)",
      'VPN/01:5: peer: "OVH_GRA11" is not a peer']),
    ("unknown remote gateway", changed("VPN/peer", "Remote=OVH_REMOTE_FW", "Remote=OVH_FW"),
     ['VPN/peer:2: Remote: unknown host "OVH_FW"', "VPN/peer:1: psk: peer OVH_GRA11 has no pre-shared key"]),
    ("odd DPD", changed("VPN/peer", "DPDMode=low", "DPDMode=lo"),
     ['VPN/peer:7: DPDMode: "lo" is not one of high, low, passive']),
    ("active slot missing", changed("VPN/slotinfo", "Active=1", "Active=2"),
     ["VPN/slotinfo:2: Active: slot 02 is active and VPN/02 does not exist (write the slot, or activate 0 for none)"]),
    ("no VPN slotinfo", {"VPN/slotinfo": None}, ["VPN/slotinfo:1: file: is missing beside slots with tunnels"]),
    ("profile without proposal", {"VPN/ph2profile": "[StrongEncryption]\nauth=hmac_sha256\n"},
     ["VPN/ph2profile:1: [StrongEncryption]: has no proposal"]),
    ("no Diffie-Hellman group", changed("VPN/ph1profile", "defaultdh=14\n", ""),
     ["VPN/ph1profile:6: dh: is missing (add dh=14, or defaultdh=14 to the profile)"]),
    ("odd Diffie-Hellman group", changed("VPN/ph2profile", "pfs=14", "pfs=3"),
     ['VPN/ph2profile:4: pfs: "3" is not a Diffie-Hellman group']),
    # SSL VPN
    ("pool too small", changed("object", "10.60.0.0/24", "10.60.0.0/29"),
     ["Openvpn/openvpn:7: udpPool: 10.60.0.0/29 is too small (a pool is at least a /28)"]),
    ("pool over an internal network", changed("object", "10.60.0.0/24", "10.200.7.0/24"),
     ["Openvpn/openvpn:7: udpPool: 10.200.7.0/24 overlaps 10.200.0.0/16 of interface in"]),
    ("pool over the remote site", changed("object", "10.60.0.0/24", "10.201.7.0/24") | {"route": "[Config]\n"},
     ["Openvpn/openvpn:7: udpPool: 10.201.7.0/24 overlaps 10.201.0.0/16 of the tunnel at VPN/01:5"]),
    ("pool over the other", changed("object", "10.60.0.0/24", "10.61.0.0/25"),
     ["Openvpn/openvpn:7: udpPool: 10.61.0.0/25 overlaps 10.61.0.0/24 of the other pool (pool)"]),
    ("unknown pool", changed("Openvpn/openvpn", "udpPool=sslvpn_udp", "udpPool=sslvpn_dup"),
     ['Openvpn/openvpn:7: udpPool: unknown network "sslvpn_dup": it is not declared (did you mean "sslvpn_udp"?)']),
    ("no pool, no address", {"Openvpn/openvpn": "[Config]\nstate=1\n"},
     ["Openvpn/openvpn:1: pool: is missing while the SSL VPN is on",
      "Openvpn/openvpn:1: serverPublicAddr: is missing while the SSL VPN is on"]),
    # people
    ("right of nobody", changed("uac", "user=address@", "user=adress@"),
     ['uac:6: user: "adress@stormshield.ovh" is not a user of the directory']),
    ("right in another domain", changed("uac", "@stormshield.ovh", "@example.org"),
     ['uac:6: user: "example.org" is not the directory of this firewall']),
    ("right of no group", changed("uac", "user=address@stormshield.ovh", "group=stuff"),
     ['uac:6: group: "stuff" is not a group of the directory']),
    ("right of nobody at all", changed("uac", "user=address@stormshield.ovh", ""),
     ["uac:6: user: a right belongs to one user or one group (give user= or group=)"]),
    ("odd right", changed("uac", "openvpn=pass", "openvpn=yes"),
     ['uac:6: openvpn: "yes" is not one of pass, block, default']),
    ("directory without suffix", {"ldap": "[SERVER]\nDefault=stormshield.ovh\n"},
     ['ldap:2: Default: "stormshield.ovh" has no Suffix in this file']),
    ("user without uid", changed("../Data/Ldapbase.ldif", "uid: address\n", "") | {"uac": None},
     ["Data/Ldapbase.ldif:10: uid: is missing (a user is known by its uid)",
      'Data/Ldapbase.ldif:16: member: "cn=OVH address,ou=users,o=stormshield,dc=ovh" of group staff is not a user']),
    ("entry of another tree", changed("ldap", "dc=ovh", "dc=fr") | {"uac": None},
     [f'Data/Ldapbase.ldif:{line}: dn: "' for line in (3, 7, 10, 17)]),
    ("not LDIF", changed("../Data/Ldapbase.ldif", "cn: OVH address", "cn OVH address"),
     ["Data/Ldapbase.ldif:13: line: is not attribute: value"]),
    # management and cluster
    ("unknown administrator", changed("webadmin", "admin_client", "admin_clint"),
     ['webadmin:4: [ACL]: unknown address object "admin_clint": it is not declared (did you mean "admin_client"?)']),
    ("unknown HA interface", changed("HA/highavailability", "Interface=ha", "Interface=hb"),
     ['HA/highavailability:6: Interface: unknown interface "hb"']),
    ("HA interface off", changed("network", "State=1\nName=ha", "State=0\nName=ha"),
     ['HA/highavailability:6: Interface: "ha" is off (set its State=1)']),
    ("no HA interface", changed("HA/highavailability", "Interface=ha\n", ""),
     ["HA/highavailability:5: Interface: is missing while high availability is on"]),
    ("no HA password", changed("HA/highavailability", "Password=${secret:HA}\n", ""),
     ["HA/highavailability:1: Password: is missing while high availability is on"]),
    ("weight of nothing", changed("HA/highavailability", "ethernet1=100", "ethernet7=100"),
     ['HA/highavailability:9: ethernet7: unknown interface "ethernet7"']),
    ("odd time", changed("HA/highavailability", "TokenTimeout=4000", "TokenTimeout=4s"),
     ['HA/highavailability:11: TokenTimeout: "4s" is not a number from 20 to 600000']),
    ("member elsewhere", changed("HA/hacluster", "192.168.2.4", "192.168.3.4"),
     ["HA/hacluster:4: Ip: 192.168.3.4 is not on 192.168.2.0/29 of interface ha"]),
    ("members of one address", changed("HA/hacluster", "192.168.2.4", "192.168.2.3"),
     ["HA/hacluster:5: Ip: 192.168.2.3 is also the address of VMSNSX00A"]),
    ("a third member", added("HA/hacluster", "[VMSNSX00C]", "Ip=192.168.2.5"),
     ["HA/hacluster:7: [VMSNSX00C]: is a third member (a cluster has two)"]),
]  # fmt: skip

NOT_MODELLED: list[tuple[str, Mapping[str, str | None], list[str]]] = [
    ("unknown file", {"objects": ""}, ["objects:1: file: is not a file of the product"]),
    ("unknown folder", {"Filters/05": ""}, ["Filters:1: folder: is not a folder of the product"]),
    ("eleventh slot", {"Filter/11": ""}, ["Filter/11:1: file: is not a file of the product's Filter folder"]),
    ("unknown section", added("route", "[Static]"), ["route:5: section: [Static] is not a known section"]),
    ("unknown token", changed("network", "Media=0", "Media=0\nMood=good"), ["network:9: Mood: is not a known token"]),
    ("another firmware's token", changed("network", "Address=DHCP", "Address=DHCP\nMethod=DHCP"),
     ["network:25: Method: is not a known token"]),
    ("second address", changed("network", "Mask=255.255.0.0", "Mask=255.255.0.0\nAddress1=10.9.0.1"),
     ["network:20: Address1: is not a known token"]),
    ("bridge", added("network", "[Bridge1]", "Name=b", "Address=5.6.7.8", "Mask=255.255.0.0"),
     ["network:25: [Bridge1]: interfaces of this kind are not modelled"]),
    ("member of a bridge", changed("network", "Address=DHCP", "Address=DHCP\nBridge=bridge0"),
     ['network:25: Bridge: "bridge0" is not modelled here']),
    ("gateway of an interface", changed("network", "Address=DHCP", "Address=DHCP\nGateway=OVH_REMOTE_FW"),
     ['network:25: Gateway: "OVH_REMOTE_FW" is not modelled here']),
    ("IPv6", changed("network", "IPv6State=0", "IPv6State=1"), ['network:2: IPv6State: "1" is not modelled here']),
    ("strange section", added("network", "[coffee0]", "State=1"), ["network:25: section: [coffee0] is not an interface"]),
    ("reverse route", added("route", "[ReverseRoutes]", "in,OVH_REMOTE_FW"),
     ["route:6: [ReverseRoutes]: reverse routes are not modelled"]),
    ("option of an object", changed("object", "198.51.100.101", "198.51.100.101,flavour=mint"),
     ["object:4: flavour=mint: is not a known option of an object"]),
    ("load balancing", {"router": "[r]\nPrincipal=Firewall_out_router\nLoadBalancing=connhash\n"},
     ['router:3: LoadBalancing: "connhash" is not modelled here']),
    ("word of a rule", changed("Filter/05", "pass from vlan200 to vlan201", "pass rate 10 from vlan200 to vlan201"),
     ['Filter/05:7: rule: "rate 10" is known to the product and not modelled here']),
    ("finer than a flow",
     changed("Filter/05", "pass from vlan200 to vlan201", "pass tos 8 ipproto icmp type 3 code 4 from vlan200 to vlan201"),
     [f'Filter/05:7: rule: "{word}" is honoured by the lab, and no check or prediction looks at it'
      for word in ("tos 8", "code 4")]),
    ("slot by the clock", changed("Filter/slotinfo", "Time=", "Time=08:00-18:00"),
     ['Filter/slotinfo:6: Time: "08:00-18:00" is not modelled here']),
    ("global policy", {"Global/Filter/slotinfo": "[Global]\nActive=1\n", "Global/Filter/01": "[Filter]\n"},
     ["Global/Filter/slotinfo:2: Active: global filter policies are not modelled"]),
    ("mobile peers", added("VPN/01", "[Mobile]", "anything"), ["VPN/01:7: [Mobile]: mobile peers are not modelled"]),
    ("bypass", changed("VPN/01", "peer=OVH_GRA11", "peer=none"), ["VPN/01:5: peer: bypass policies"]),
    ("IKEv1", changed("VPN/peer", "IKEVersion=2", "IKEVersion=1"), ["VPN/peer:4: IKEVersion: IKEv1 is not modelled"]),
    ("certificates", changed("VPN/peer", "Method=psk", "Method=pki"), ['VPN/peer:5: Method: "pki" is not modelled']),
    ("IKE option", changed("VPN/01", "NATKeepalive=20", "Warp=9"), ["VPN/01:3: Warp: is not a known token"]),
    ("IKE options off their neutral value",
     changed("VPN/01", "NATKeepalive=20", "UseOldSA=1\nBypassLocalTraffic=1\nHAState=0\nIKEDaemon=racoon"),
     [f'VPN/01:{line}: {token}" is not modelled here'
      for line, token in enumerate(('UseOldSA: "1', 'BypassLocalTraffic: "1', 'HAState: "0', 'IKEDaemon: "racoon'), start=3)]),
    ("keepalive of a tunnel", changed("VPN/01", "keepalive=0", "keepalive=30"),
     ['VPN/01:5: keepalive: "30" is not modelled here']),
    ("more than a route", changed("route", "vlan201,loopback", "vlan201,loopback,800040,and,anything else"),
     ['route:4: route: "800040,and,anything else" is not a color']),
    ("color of a route by its name", changed("route", "vlan201,loopback", "vlan201,loopback,blue"),
     ['route:4: route: "blue" is not a color']),
    ("ARP tables purged", changed("HA/highavailability", "Forward=All", "PurgeARP=1"),
     ['HA/highavailability:4: PurgeARP: "1" is not modelled here']),
    ("what goes to the other member", changed("HA/highavailability", "Forward=All", "Forward=SIP"),
     ['HA/highavailability:4: Forward: "SIP" is not modelled here: all connections go to the other member']),
    ("captive portal", {"auth": "[ProfilesMap]\nout=00\n"}, ["auth:2: [ProfilesMap]: the captive portal"]),
    ("Kerberos", {"auth": "[Ruleset]\nstate=on user=x src=any auth=pass authmethod=KERBEROS\n"},
     ['auth:2: authmethod: "KERBEROS" is not modelled']),
    ("second directory", added("ldap", "[example.org]", "Suffix=o=x"), ["ldap:6: [example.org]: a second directory"]),
    ("second HA link", changed("HA/highavailability", "Interface=ha", "Interface=ha\nInterface2=in"),
     ['HA/highavailability:7: Interface2: "in" is not modelled here']),
    ("unprotected pool", added("Openvpn/openvpn", "IsPoolProtected=0"),
     ['Openvpn/openvpn:9: IsPoolProtected: "0" is not modelled here']),
]  # fmt: skip

WARNINGS: list[tuple[str, Mapping[str, str | None], list[str]]] = [
    ("bits behind the mask", changed("object", "10.60.0.0/24", "10.60.0.9/24"),
     ["object:9: sslvpn_udp: 10.60.0.9/24 has bits behind its mask (write 10.60.0.0/24)"]),
    ("mask beside DHCP", changed("network", "Address=DHCP", "Address=DHCP\nMask=255.255.255.0"),
     ["network:25: Mask: has no meaning beside Address=DHCP (remove it)"]),
    ("key of nobody", added("VPN/psk", "admin_client=x"),
     ["VPN/psk:3: admin_client: is not the remote host of any peer"]),
    ("section twice", added("route", "[Config]"), ["route:5: section: [Config] stands here a second time"]),
]  # fmt: skip


def _told(folder: Path, changes: Mapping[str, str | None], severity: Severity) -> list[str]:
    return [str(finding) for finding in guide(folder, changes).findings if finding.severity is severity]


def _same(told: list[str], wanted: list[str]) -> bool:
    left = list(told)
    for beginning in wanted:
        found = next((text for text in left if text.startswith(beginning)), None)
        if found is None:
            return False
        left.remove(found)
    return not left


@pytest.mark.parametrize("changes, wanted", [case[1:] for case in ERRORS], ids=[case[0] for case in ERRORS])
def test_an_error_is_told_and_only_that(tmp_path: Path, changes: Mapping[str, str | None], wanted: list[str]) -> None:
    told = _told(tmp_path, changes, Severity.ERROR)
    assert _same(told, wanted), told


@pytest.mark.parametrize("changes, wanted", [case[1:] for case in NOT_MODELLED], ids=[c[0] for c in NOT_MODELLED])
def test_what_is_not_modelled_is_told(tmp_path: Path, changes: Mapping[str, str | None], wanted: list[str]) -> None:
    told = _told(tmp_path, changes, Severity.UNSUPPORTED)
    assert _same(told, wanted), told


@pytest.mark.parametrize("changes, wanted", [case[1:] for case in WARNINGS], ids=[case[0] for case in WARNINGS])
def test_what_works_but_hardly_as_meant_is_a_warning(
    tmp_path: Path, changes: Mapping[str, str | None], wanted: list[str]
) -> None:
    told = _told(tmp_path, changes, Severity.WARNING)
    assert _same(told, wanted), told
    assert _told(tmp_path, changes, Severity.ERROR) == []


def test_a_tree_without_an_object_base_says_so_first_of_all(tmp_path: Path) -> None:
    findings = guide(tmp_path, {"object": None}).findings
    assert "object:1: file: is missing (every ConfigFiles tree has an object base)" in map(str, findings)


def test_keys_and_passwords_are_in_no_message(tmp_path: Path) -> None:
    secret = "hunter2hunter2"
    changes = {
        "VPN/psk": f"[psk]\n{secret}\n=\nOVH_REMOTE_FW={secret}\nOVH_REMOTE_FW={secret}\nadmin_client={secret}\n",
        "HA/highavailability": GUIDE["HA/highavailability"].replace("${secret:HA}", f"{secret}\nPassword={secret}"),
        "../Data/Ldapbase.ldif": GUIDE["../Data/Ldapbase.ldif"].replace("${secret:VPN_USER}", secret),
    }
    configuration = guide(tmp_path, changes)
    assert len(configuration.findings) >= 4
    assert secret not in repr(configuration)


def test_all_mistakes_are_told_at_once_in_the_order_of_their_places(tmp_path: Path) -> None:
    changes: dict[str, str | None] = {}
    for name, change, _ in [*ERRORS, *NOT_MODELLED]:
        if name in EVERYTHING:
            assert not changes.keys() & change.keys(), f"{name} changes a file that another mistake has changed"
            changes |= change
    findings = guide(tmp_path, changes).findings
    wanted = [text for name, _, texts in [*ERRORS, *NOT_MODELLED] if name in EVERYTHING for text in texts]
    assert _same([str(finding) for finding in findings], wanted), [str(finding) for finding in findings]
    assert [finding.location for finding in findings] == sorted(finding.location for finding in findings)


EVERYTHING = {
    "bad mask", "group within itself", "unknown service member", "router to nowhere", "strange MAC", "not a route",
    "slot by the clock", "unknown service", "implicit rules neither on nor off", "odd keepalive", "odd DPD",
    "odd Diffie-Hellman group", "odd right", "unknown administrator", "weight of nothing", "members of one address",
    "unknown file", "unknown URL group", "captive portal", "not LDIF", "unprotected pool",
}  # fmt: skip
