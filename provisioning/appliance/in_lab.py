"""How the administrator of a lab reaches its appliances: addresses of the plan, passwords and authorities that the lab made."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from lab.errors import LabNotFound
from provisioning.appliance.driver import Access
from provisioning.deployment_model import Member, Site
from provisioning.environment import LabEnvironment
from provisioning.keys import Keys


def access(environment: LabEnvironment, who: str, folder: Path) -> Access:
    """The way to a member at its own port's address (``fw2-sbg7``), or to a site's firewall at the shown one (``sbg7``).

    The file of its authority is put into ``folder``. Raises LabNotFound.
    """
    for site in environment.deployment.sites.values():
        if who == site.name:
            shown = environment.deployment.public_address(site.name)
            return replace(_member(environment, site, site.firewall.members[0], folder), address=shown)
        for member in site.firewall.members:
            if who == member.id:
                return _member(environment, site, member, folder)
    known = [name for site in environment.deployment.sites.values() for name in _names(site)]
    raise LabNotFound(f"no firewall {who!r} in this lab; it has {', '.join(known)}")


def _names(site: Site) -> tuple[str, ...]:
    return (site.name, *(member.id for member in site.firewall.members))


def _member(environment: LabEnvironment, site: Site, member: Member, folder: Path) -> Access:
    keys = Keys(environment.deployment, environment.secrets)
    authority = folder / f"{site.name}.pem"
    authority.write_bytes(keys.page_authority(site))
    shown = environment.deployment.public_address(site.name)
    return Access(
        address=member.ports.get(site.network_of("external").name, shown),
        name=member.serial,
        password=environment.secrets.value("admin_password"),
        authority=authority,
        host_key=keys.ssh(f"firewall {site.name}").public,
        key=keys.admin.private,
        timeout=60,
        unsigned=True,
    )
