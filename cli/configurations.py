"""The configurations that a path stands for: every site's of a deployment folder, or one ConfigFiles tree."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from provisioning.deployment import Deployment
    from sns.model import Configuration


class NothingToRead(Exception):
    """The folder is neither a deployment nor a ConfigFiles tree, or the deployment cannot be read."""


def is_deployment(path: Path) -> bool:
    """Whether a folder has a plan."""
    return (path / "deployment.toml").is_file()


def deployment(path: Path) -> Deployment:
    """The deployment of a folder. Raises NothingToRead with everything that is wrong in its plan."""
    from provisioning.deployment import DeploymentError, load

    try:
        return load(path)
    except DeploymentError as why:
        raise NothingToRead(str(why)) from None


def tree(path: Path) -> Configuration:
    """The configuration of a ConfigFiles tree. Raises NothingToRead when the folder is none."""
    from sns.reader import read

    if not any((path / name).is_file() for name in ("network", "object")):
        raise NothingToRead(f"{path}: neither a deployment folder (deployment.toml) nor a ConfigFiles tree (object, network)")
    return read(path)


def sites(found: Deployment) -> Iterator[tuple[str, Path, Configuration]]:
    """Each site of a deployment whose tree is there, with that tree's folder."""
    from sns.errors import ConfigurationNotFound

    for site in found.sites:
        try:
            yield site, found.configuration_folder(site), found.configuration(site)
        except ConfigurationNotFound:
            continue  # told by the comparison of plan and trees


def by_site(path: Path) -> Mapping[str, Configuration]:
    """The configurations of a path by site; a tree alone is that of the site "". Raises NothingToRead."""
    if is_deployment(path):
        return {site: configuration for site, _, configuration in sites(deployment(path))}
    return {"": tree(path)}
