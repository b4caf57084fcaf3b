"""How the machines of a lab that is a cloud are reached from this one: ``reach.toml``, and what it refers to.

Whoever tests sits at the administrator's place of the lab, with their own SSH key and agent: a program of this machine in that
host's network. Host keys and authorities are those that a person reads off the consoles.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from lab.namespace import ENVIRONMENT, enter
from lab.ownership import lab_folder
from lab.running import Lab
from provisioning.deployment import Deployment
from provisioning.keys import Keys
from provisioning.lab_cloud.hosts import UBUNTU
from provisioning.live.reach_file import ADMINISTRATOR, REACH_FILE, STRANGER, VPN_CLIENT

KNOWN_HOSTS = "known_hosts"


def files(deployment: Deployment, keys: Keys, lab: Lab) -> Mapping[str, str]:
    """The files' texts, by name below the lab's folder."""
    folder, admin, stranger = lab_folder(lab.run), lab.host(ADMINISTRATOR), lab.host(STRANGER)
    there = ("env", "-i", *(f"{name}={value}" for name, value in ENVIRONMENT.items()))
    here = _list(*enter(admin.pid, everything=False))
    lines = [
        "# Written by 'rempart lab up --cloud'.",
        f'lab = "{lab.run}"',
        f"ssh_options = {_list('-o', f'UserKnownHostsFile={folder / KNOWN_HOSTS}')}",
        *_table(ADMINISTRATOR, command=here),
        *_table(STRANGER, command=_list(*enter(stranger.pid), *there)),
    ]
    made = {KNOWN_HOSTS: keys.administrator.known_hosts.decode()}
    if VPN_CLIENT not in lab.hosts:  # then it is a server of the cloud
        address = deployment.internet.vpn_client
        made[KNOWN_HOSTS] += f"{address} {keys.ssh(f'host {VPN_CLIENT}').public.decode()}"
        lines += _table(VPN_CLIENT, command=here, ssh=json.dumps(f"{UBUNTU}@{address}"), sudo="true")
    for site in deployment.sites.values():
        authority = f"{site.name}.pem"
        made[authority] = keys.page_authority(site).decode()
        for member in site.firewall.members:
            lines += _table(f"firewalls.{member.id}", authority=json.dumps(authority), unsigned_backups="true")
    return {**made, REACH_FILE: "\n".join([*lines, ""])}


def _table(name: str, **values: str) -> list[str]:
    return ["", f"[{name}]", *(f"{key} = {value}" for key, value in values.items())]


def _list(*words: str) -> str:
    """A TOML list of strings: JSON's, which is one."""
    return json.dumps(words)
