"""The facts of a cloud, read through openstacksdk. Nothing here changes anything.

A cloud is one of the user's ``clouds.yaml`` (https://docs.openstack.org/openstacksdk/latest/user/config/configuration.html).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import openstack
from keystoneauth1 import exceptions as refusals
from openstack import exceptions

from provisioning.cloud.region import Mark, unknown
from provisioning.preflight.cloud_facts import (
    CloudUnavailable,
    CredentialsRefused,
    Flavor,
    Image,
    NetworkFacts,
    RegionFacts,
    Room,
    ServerFacts,
)

_NO_LIMIT = -1


class OpenStackFacts:
    """A cloud by its name in ``clouds.yaml``; ``tag`` tells what is the deployment's own."""

    def __init__(self, cloud: str, tag: str) -> None:
        self._cloud = cloud
        self._mark = Mark(tag)

    def regions(self) -> frozenset[str]:
        """The regions of the catalogue: where there is a compute service for the project. Raises CloudUnavailable."""
        with _told(self._cloud):
            session: Any = openstack.connect(cloud=self._cloud).session
            catalog = session.auth.get_access(session).service_catalog
            found = {endpoint["region"] for one in catalog.get_endpoints("compute").values() for endpoint in one}
            return frozenset(found)

    def region(self, name: str) -> RegionFacts:
        """What the project sees of one region. Raises CloudUnavailable."""
        with _told(self._cloud), openstack.connect(cloud=self._cloud, region_name=name) as connection:
            return RegionFacts(
                flavors={one.name: Flavor(one.vcpus, one.ram) for one in connection.compute.flavors()},
                images=tuple(Image(one.name, self._mark.tag in (one.tags or ())) for one in connection.image.images()),
                networks=tuple(self._network(one) for one in connection.network.networks()),
                servers=tuple(self._server(one) for one in connection.compute.servers()),
                keys=frozenset(one.name for one in connection.compute.keypairs()),
                room=_room(connection),
            )

    def _network(self, network: Any) -> NetworkFacts:
        return NetworkFacts(
            name=network.name,
            vlan=network.provider_segmentation_id,
            mtu=network.mtu,
            external=bool(network.is_router_external),
            ours=self._mark.on(network),
        )

    def _server(self, server: Any) -> ServerFacts:
        return ServerFacts(server.name, self._mark.metadata.items() <= (server.metadata or {}).items())


def _room(connection: Any) -> Room:
    """What limits and quotas leave. A limit of -1 is none."""
    limits = connection.compute.get_limits().absolute
    quota = connection.network.get_quota(connection.current_project_id, details=True)
    return Room(
        instances=_left(limits.instances, limits.instances_used),
        vcpus=_left(limits.total_cores, limits.total_cores_used),
        ram=_left(limits.total_ram, limits.total_ram_used),
        networks=_left_of(quota.networks),
        subnets=_left_of(quota.subnets),
        ports=_left_of(quota.ports),
    )


def _left_of(detail: Any) -> int | None:
    """What a detailed quota leaves: its ``limit`` without what is ``used`` and ``reserved``."""
    if not isinstance(detail, dict):
        return None
    return _left(detail.get("limit"), int(detail.get("used") or 0) + int(detail.get("reserved") or 0))


def _left(limit: int | None, used: int | None) -> int | None:
    return None if limit in (None, _NO_LIMIT) else max(int(limit or 0) - int(used or 0), 0)


@contextmanager
def _told(cloud: str) -> Iterator[None]:
    """Errors of the libraries as ours, each with the cloud's name."""
    try:
        yield
    except exceptions.ConfigException as why:
        raise CloudUnavailable(f"--cloud {cloud}: {unknown(cloud) or _line(why)}") from None
    except (refusals.Unauthorized, refusals.MissingRequiredOptions) as why:
        raise CredentialsRefused(f"{cloud}: {_line(why)}") from None
    except (exceptions.SDKException, refusals.ClientException) as why:
        raise CloudUnavailable(f"{cloud}: {_line(why)}") from None


def _line(why: Exception) -> str:
    return str(why).strip().partition("\n")[0]
