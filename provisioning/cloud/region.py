"""One region of a cloud, as one deployment sees it: the connection, the deployment's mark, and who carries it."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from provisioning.cloud.errors import CloudError, CloudNotReached
from provisioning.cloud.resources import Found, Key

Tell = Callable[[str], None]

_UNNAMED = "defaults"  # what openstacksdk calls a cloud of the environment's variables alone


@dataclass(frozen=True)
class Mark:
    """How what is created is known again.

    Networks and what belongs to them carry ``tag`` as a tag; since that is a request of its own, after the creation, their
    description says it from the first moment. Images are created with the tag, servers with metadata. Server groups can carry
    nothing and have it in their name, before a slash, and key pairs have it at the name's beginning.
    """

    tag: str

    @property
    def description(self) -> str:
        """Of networks, subnets, ports, security groups."""
        return f"{self.tag}: created by rempart"

    @property
    def metadata(self) -> dict[str, str]:
        """Of servers."""
        return {"rempart": self.tag}

    def on(self, thing: Any) -> bool:
        """Whether something of Neutron's is ours."""
        return self.tag in (thing.tags or ()) or str(thing.description or "").startswith(f"{self.tag}: ")

    def names(self, name: str) -> bool:
        """Whether the name of a server group is one of ours."""
        return name.startswith(f"{self.tag}/")


@dataclass(frozen=True)
class Region:
    """A region with an open connection (openstacksdk's, whose types are not known to us)."""

    name: str
    cloud: Any
    mark: Mark
    key_pair: str  # the only one that concerns us
    tell: Tell
    _ids: dict[Key, str] = field(default_factory=dict)
    _offered: dict[Key, str] = field(default_factory=dict)

    @property
    def project(self) -> str:
        """The id of the project that we work in."""
        return str(self.cloud.current_project_id)

    def key(self, kind: str, name: str) -> Key:
        """What something of this region is known by."""
        return Key(self.name, kind, name)

    def learn(self, found: Iterable[Found]) -> None:
        """Remember the ids of what is there; of two of one name, ours."""
        self._ids.clear()
        for each in found:
            if each.ours or each.key not in self._ids:
                self._ids[each.key] = each.id

    def created(self, key: Key, identifier: str) -> None:
        """Remember one that was created since."""
        self._ids[key] = identifier

    def id_of(self, kind: str, name: str) -> str:
        """OpenStack's id. Raises CloudError when there is no such thing."""
        key = self.key(kind, name)
        if key not in self._ids:
            raise CloudError(f"{key} is not there")
        return self._ids[key]

    def offered(self, what: str, name: str, ask: Callable[[], Iterable[Any]]) -> str:
        """The id of the only one of that name that the cloud offers, which is asked once. Raises CloudError as ``one`` does."""
        key = self.key(what, name)
        if key not in self._offered:
            self._offered[key] = str(self.one(what, name, ask()).id)
        return self._offered[key]

    def one(self, what: str, name: str, offered: Iterable[Any]) -> Any:
        """The only one of that name among what the cloud offers. Raises CloudError when there is none, or several."""
        everything = list(offered)
        fitting = [each for each in everything if each.name == name]
        if len(fitting) == 1:
            return fitting[0]
        if fitting:
            ids = ", ".join(each.id for each in fitting)
            raise CloudError(f"{self.name}: {len(fitting)} {what}s are called {name!r} ({ids}): there must be one")
        names = ", ".join(sorted(str(each.name) for each in everything)) or "nothing"
        raise CloudError(f"{self.name}: no {what} {name!r}; there is {names}")


def connect(name: str, region: str) -> Any:
    """A connection to a region of a cloud of the user's clouds.yaml. Raises CloudNotReached."""
    import openstack
    from keystoneauth1 import exceptions as refused
    from openstack import exceptions

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the client's, of its own settings' defaults
            cloud = openstack.connect(cloud=name, region_name=region, app_name="rempart")
        cloud.authorize()
    except exceptions.ConfigException as why:
        raise CloudNotReached(f"--cloud {name}: {unknown(name) or _first_line(why)}") from None
    except (exceptions.SDKException, refused.ClientException) as why:
        raise CloudNotReached(f"cloud {name!r}, region {region}: {_first_line(why)}") from None
    return cloud


def unknown(name: str) -> str:
    """What to say when the user's clouds.yaml has no such cloud, and where that was looked for; "" when it has."""
    from openstack.config import OpenStackConfig, loader

    settings = OpenStackConfig()
    known = sorted(set(settings.get_cloud_names()) - {_UNNAMED})
    if name in known:
        return ""
    if settings.config_filename:
        return f"clouds.yaml has no such cloud (it has: {', '.join(known) or 'none'}; looked in {settings.config_filename})"
    places = dict.fromkeys(str(Path(file).parent) for file in loader.CONFIG_FILES)
    return f"there is no clouds.yaml (looked in {', '.join(places)})"


def _first_line(why: Exception) -> str:
    return str(why).strip().splitlines()[0] if str(why).strip() else type(why).__name__


Names = Mapping[str, str]
"""Names by id."""
