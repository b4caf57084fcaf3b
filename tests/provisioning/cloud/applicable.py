"""The guide's deployment with what a user adds before it can be applied: a key and the appliance's image."""

from __future__ import annotations

from pathlib import Path

from provisioning.deployment import Deployment, load
from provisioning.lab_cloud.image import stand_in
from tests.provisioning.plans import GUIDE, change, copy_of

IMAGE = "utm-SNS-EVA-4.8.3-openstack.qcow2"


def guide(folder: Path, *changes: tuple[str, str]) -> Deployment:
    """A copy in ``folder``, changed."""
    here = copy_of(GUIDE, folder)
    plan = here / "deployment.toml"
    (here / "key.pub").write_text(f"{public_key()} someone@example\n")
    (here / IMAGE).write_bytes(stand_in("qcow2"))
    change(plan, 'public_key = "~/.ssh/id_ed25519.pub"', 'public_key = "key.pub"')
    for before, after in changes:
        change(plan, before, after)
    return load(here)


def one_site(folder: Path, *changes: tuple[str, str]) -> Deployment:
    """The same with its first site alone: half the resources."""
    plan = guide(folder).plan
    _leave_out(plan, "# --- GRA11", "# --- OpenStack")
    for before, after in changes:
        change(plan, before, after)
    return load(plan.parent)


def one_firewall(folder: Path) -> Deployment:
    """That site with one firewall in the pair's place: one of everything but of what a pair alone needs."""
    plan = one_site(folder).plan
    _leave_out(plan, "[sites.sbg7.networks.ha]", "[sites.sbg7.firewall]")
    _leave_out(plan, '[[sites.sbg7.firewall.members]]\ninstance = "stormshield-2"', "[sites.sbg7.hosts.web]")
    for rest in (', "ha"', 'ha_address = "192.168.2.3"'):
        change(plan, rest, "")
    return load(plan.parent)


def _leave_out(plan: Path, begin: str, end: str) -> None:
    """Take out of a plan what stands from ``begin`` to ``end``."""
    text = plan.read_text()
    first = text.index(begin)
    plan.write_text(text[:first] + text[text.index(end, first) :])


def public_key() -> str:
    """A new one, type and key."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    return Ed25519PrivateKey.generate().public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
