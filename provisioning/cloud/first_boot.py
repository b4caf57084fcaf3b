"""What an appliance is told before it starts the first time, as OpenStack user data: how to be reached, and by whom.

The OpenStack image of the EVA runs user data that begins with ``#!/bin/sh`` (Stormshield's public OVHcloud module relies on it,
on version 4.8.11). The script says no more than the guide types at the console: password, addresses of its own, default route,
and who may administer it. All else is configured over the network. Secrets stand in it as references, ``${secret:NAME}``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from ipaddress import IPv4Interface

from provisioning.deployment_model import Internet, Member, Site

CONFIGURATION = "/usr/Firewall/ConfigFiles"
PASSWORD = "admin_password"  # noqa: S105 - the name of a secret
LARGEST = 65_535  # bytes of user data, in base64, that Nova takes


def script(site: Site, member: Member, internet: Internet) -> str:
    """The script of one member, secrets as references."""
    return "\n".join([*_lines(site, member, internet), ""])


def digest(text: str) -> str:
    """What tells one script from another; it is kept beside the server, since OpenStack does not show what it was given."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _lines(site: Site, member: Member, internet: Internet) -> Iterator[str]:
    yield "#!/bin/sh"
    yield f"# First boot of {member.instance} ({site.name})."
    yield "password=$(cat <<'END_OF_PASSWORD'"
    yield f"${{secret:{PASSWORD}}}"
    yield "END_OF_PASSWORD"
    yield ")"
    yield 'fwpasswd -p "$password"'
    yield f"cd {CONFIGURATION} || exit 1"
    for number, name in enumerate(site.firewall.nics):
        address = member.ports.get(name)
        yield _set("network", f"ethernet{number}", "State", "1")
        if address is None:
            yield _set("network", f"ethernet{number}", "Address", "DHCP")
        else:
            interface = IPv4Interface((address, site.networks[name].subnet.prefixlen))
            yield _set("network", f"ethernet{number}", "Address", str(interface.ip))
            yield _set("network", f"ethernet{number}", "Mask", str(interface.netmask))
    yield _set("object", "Host", "Firewall_out_router", f"{site.gateway},resolve=static")
    yield _set("object", "Host", "admin_client", f"{internet.admin},resolve=static")
    yield _set("route", "Config", "DefaultRoute", "Firewall_out_router")
    yield "printf '[Config]\\nState=1\\n\\n[ACL]\\nadmin_client\\n' > webadmin"
    yield _set("system", "SSH", "State", "1")
    yield _set("system", "SSH", "Password", "1")
    yield "ennetwork"
    yield "enservice"


def _set(file: str, section: str, token: str, value: str) -> str:
    return f"setconf {CONFIGURATION}/{file} {section} {token} '{value}'"
