"""What a cloud has before its first customer comes: services, projects, flavors, an image, the Internet's network."""

from __future__ import annotations

import warnings
from typing import Any

from lab.control_plane.places import REGIONAL, TYPES, Doors
from lab.control_plane.settings import PASSWORD

ROOMY, SMALL = "rempart", "small"
"""Projects, and their users' names: the first has what a deployment needs, the second a new account's quotas."""
QUOTA = {"cores": 200, "ram": 1_000_000, "instances": 100, "server_groups": 50, "key_pairs": 500}
FLAVORS = {  # vCPU, MB, GB
    "b2-7": (2, 7000, 50),
    "b3-8": (2, 8192, 50),
    "b3-16": (4, 16384, 100),
    "b3-32": (8, 32768, 200),
    "b3-64": (16, 65536, 400),
}
UBUNTU = "Ubuntu 22.04"
INTERNET = "Ext-Net"


def connection(auth_url: str, region: str, user: str, project: str) -> Any:
    """A connection that reads neither clouds.yaml nor the environment."""
    import openstack

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the client's, of its own settings' defaults
        return openstack.connect(
            load_yaml_config=False,
            load_envvars=False,
            region_name=region,
            auth={
                "auth_url": auth_url,
                "username": user,
                "password": PASSWORD,
                "project_name": project,
                "user_domain_id": "default",
                "project_domain_id": "default",
            },
        )


def catalogue(doors: Doors, regions: tuple[str, ...]) -> None:
    """Services with their endpoints, users with their projects."""
    with connection(doors.endpoint("keystone", regions[0]), regions[0], "admin", "admin") as cloud:
        identity = cloud.identity
        for region in regions[1:]:
            identity.create_region(id=region)
            _endpoints(identity, next(iter(identity.services(type="identity"))), "keystone", doors, [region])
        for service in REGIONAL:
            made = identity.create_service(name=service, type=TYPES[service])
            _endpoints(identity, made, service, doors, regions)
        roles = {role.name: role for role in identity.roles()}
        home = identity.create_project(name="service", domain_id="default")
        for service in REGIONAL:
            _user(identity, service, home, [roles["admin"], roles["service"]])
        for name in (ROOMY, SMALL):
            _user(identity, name, identity.create_project(name=name, domain_id="default"), [roles["member"]])


def region_contents(doors: Doors, region: str) -> None:
    """Flavors, image, external network, quotas of one region, whose services run."""
    with connection(doors.endpoint("keystone", region), region, "admin", "admin") as cloud:
        for name, (cores, memory, disk) in FLAVORS.items():
            cloud.compute.create_flavor(name=name, vcpus=cores, ram=memory, disk=disk)
        cloud.create_image(UBUNTU, data=bytes(65536), disk_format="raw", visibility="public", wait=True, os_distro="ubuntu")
        outside = cloud.network.create_network(
            name=INTERNET,
            is_router_external=True,
            is_shared=True,
            provider_network_type="flat",
            provider_physical_network="extnet",
        )
        cloud.network.create_subnet(
            network_id=outside.id, name=INTERNET, ip_version=4, cidr="198.18.0.0/24", is_dhcp_enabled=False
        )
        cloud.set_compute_quotas(ROOMY, **QUOTA)
        cloud.set_network_quotas(ROOMY, network=200, subnet=200, port=1000)


def _endpoints(identity: Any, service: Any, name: str, doors: Doors, regions: Any) -> None:
    for region in regions:
        for interface in ("public", "internal", "admin"):
            identity.create_endpoint(
                service_id=service.id, interface=interface, region_id=region, url=doors.endpoint(name, region)
            )


def _user(identity: Any, name: str, project: Any, roles: list[Any]) -> None:
    user = identity.create_user(name=name, password=PASSWORD, domain_id="default", default_project_id=project.id)
    for role in roles:
        identity.assign_project_role_to_user(project, user, role)
