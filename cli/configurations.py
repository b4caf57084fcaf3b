"""The configurations that an argument stands for: every site's of a deployment folder, or one ConfigFiles tree."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from provisioning.deployment import Deployment
    from provisioning.sources import Source
    from sns.model import Configuration

SOURCES = "a deployment folder, a ConfigFiles tree, REV:path of the git repository here, or a backup (.na, .bkup)"


class NothingToRead(Exception):
    """There is neither a deployment nor a ConfigFiles tree, or the deployment cannot be read."""


def backup_options(parser: argparse.ArgumentParser) -> None:
    """Add what opening a backup needs. A password is never an argument: the machine's process list shows those."""
    parser.add_argument(
        "--password-file", type=Path, metavar="FILE", help="the password of backups (else REMPART_BACKUP_PASSWORD, else none)"
    )
    parser.add_argument(
        "--unsigned",
        action="store_true",
        help="open a backup although its signature is not an appliance's: nothing vouches for it",
    )


@contextmanager
def source(name: str, given: argparse.Namespace) -> Iterator[Source]:
    """The files that an argument stands for. Raises NothingToRead."""
    from provisioning.sources import Opening, SourceError, opened

    try:
        with opened(name, Opening(given.password_file, given.unsigned)) as found:
            yield found
    except SourceError as why:
        raise NothingToRead(str(why)) from None


def deployment(found: Source) -> Deployment:
    """The deployment of a folder. Raises NothingToRead with everything that is wrong in its plan."""
    from provisioning.deployment import DeploymentError, load

    try:
        return load(found.folder)
    except DeploymentError as why:
        raise NothingToRead(found.told(str(why))) from None


def sites(found: Deployment) -> Iterator[tuple[str, Path, Configuration]]:
    """Each site of a deployment whose tree is there, with that tree's folder."""
    from sns.errors import ConfigurationNotFound

    for site in found.sites:
        try:
            yield site, found.configuration_folder(site), found.configuration(site)
        except ConfigurationNotFound:
            continue  # told by the comparison of plan and trees


def by_site(found: Source) -> Mapping[str, Configuration]:
    """The configurations of a source by site; a tree alone is that of the site "". Raises NothingToRead."""
    if found.is_deployment:
        return {site: configuration for site, _, configuration in sites(deployment(found))}
    from sns.reader import read

    return {"": read(found.folder)}
