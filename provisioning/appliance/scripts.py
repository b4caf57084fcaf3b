"""A deployment as scripts of commands for ``snscli``: from appliances as they are delivered to pairs that run the plan.

``SITE-1.commands`` is for a site's first member, ``SITE-2.commands`` for the second one, which joins it, and
``SITE-3.commands`` for the pair. Secrets are references (``${secret:NAME}``), to be filled in by who runs them.
``python -m provisioning.appliance.scripts DIR`` writes those of a deployment into its folder ``commands``.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from lab.appliance import factory
from provisioning.appliance import cluster_commands, commands
from provisioning.appliance.tree import Tree
from provisioning.deployment import Deployment, load
from provisioning.deployment_model import Site

_DIRECTORY_PASSWORD = "${secret:admin_password}"  # noqa: S105 - a reference


def scripts(deployment: Deployment) -> Mapping[str, str]:
    """The scripts by name."""
    return dict(pair for site in deployment.sites.values() for pair in _site(deployment, site))


def as_delivered(folder: Path, site: Site) -> Tree:
    """An appliance of a site with the factory's configuration, its files below ``folder``."""
    root = folder / "ConfigFiles"
    factory.write(root, [f"eth{place}" for place in range(len(site.firewall.nics))])
    return Tree.of(root)


def _site(deployment: Deployment, site: Site) -> Iterator[tuple[str, str]]:
    wanted = Tree.of(deployment.configuration_folder(site.name), site.name)
    members, secret = site.firewall.members, wanted.configuration.ha.password
    with tempfile.TemporaryDirectory(prefix="rempart-factory-") as folder:
        lines = commands.commands(as_delivered(Path(folder), site), wanted, directory_password=_DIRECTORY_PASSWORD)
    if not site.firewall.is_cluster or members[0].ha_address is None:
        yield f"{site.name}-1.commands", _text(f"{members[0].instance} of {site.region}, as delivered", lines)
        return
    first = [*lines, *cluster_commands.create(wanted, secret)]
    yield f"{site.name}-1.commands", _text(f"{members[0].instance} of {site.region}, as delivered", first)
    second = [*cluster_commands.join(members[0].ha_address, secret)]
    yield (
        f"{site.name}-2.commands",
        _text(f"{members[1].instance} of {site.region}, as delivered: it joins and starts again", second),
    )
    yield f"{site.name}-3.commands", _text(f"the pair of {site.region}", ["HA INFO", "HA SYNC", "HA CHECKSYNC"])


def _text(title: str, lines: list[str]) -> str:
    return "\n".join([f"# {title}", *lines, ""])


def main(arguments: list[str]) -> None:
    """Write the scripts of the deployment in a folder beside its plan."""
    deployment = load(Path(arguments[0]))
    for name, text in scripts(deployment).items():
        path = deployment.folder / "commands" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)


if __name__ == "__main__":
    main(sys.argv[1:])
