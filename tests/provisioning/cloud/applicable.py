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
    here = folder / GUIDE.name
    whole = guide(folder)
    text = whole.plan.read_text()
    first, second = text.index("# --- GRA11"), text.index("# --- OpenStack")
    whole.plan.write_text(text[:first] + text[second:])
    for before, after in changes:
        change(whole.plan, before, after)
    return load(here)


def public_key() -> str:
    """A new one, type and key."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    return Ed25519PrivateKey.generate().public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
