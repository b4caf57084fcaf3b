"""The services' configuration files. What is not upstream's default says why."""

from __future__ import annotations

import shutil
import uuid
from configparser import RawConfigParser
from pathlib import Path

from lab.control_plane.places import Doors, Region

PASSWORD = "not-a-secret"  # noqa: S105 - of every user of a control plane that listens on loopback and lives for one test run
FIRST_VLANS = "vrack:1:4001"  # rows: VLAN 0 to 4000, see services/vrack.py
POLICY = """\
# OVHcloud lets project members do this; upstream reserves it for administrators.
"create_network:provider:network_type": "role:member"
"create_network:provider:segmentation_id": "role:member"
"get_network:provider:network_type": "role:reader"
"get_network:provider:segmentation_id": "role:reader"
"get_network:provider:physical_network": "role:reader"
"""

Sections = dict[str, dict[str, object]]


def write(region: Region, doors: Doors, venv: Path, *, boots: bool) -> None:
    """Write all of them into the region's folder; whether servers boot anything is up to who has the lab for it."""
    folder = region.configuration
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("images", "state", "locks", "fernet", "credential"):
        (region.folder / name).mkdir(exist_ok=True, mode=0o700)
    # Nova refuses to start a second time without the identity of its node; see services/hypervisor.py.
    (region.folder / "state" / "compute_id").write_text(str(uuid.uuid5(uuid.NAMESPACE_DNS, f"{region.name.lower()}-host1")))
    (folder / "policy.yaml").write_text(POLICY)
    # Nova reads the paste file of its configuration folder; Glance and Neutron are told where theirs is.
    shutil.copy(venv / "etc" / "nova" / "api-paste.ini", folder / "api-paste.ini")
    for name, sections in {
        "keystone.conf": _keystone(region),
        "placement.conf": _placement(region, doors),
        "glance-api.conf": _glance(region, doors, venv),
        "neutron.conf": _neutron(region, doors, venv),
        "ml2_conf.ini": _ml2(),
        "nova.conf": _nova(region, doors, boots),
    }.items():
        _write(folder / name, sections)


def _write(file: Path, sections: Sections) -> None:
    parser = RawConfigParser(default_section="")
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read_dict({name: {key: str(value) for key, value in lines.items()} for name, lines in sections.items()})
    with file.open("w") as output:
        parser.write(output)


def _identity(user: str, region: Region, doors: Doors) -> dict[str, object]:
    return {
        "auth_type": "password",
        "auth_url": doors.endpoint("keystone", region.name),
        "username": user,
        "password": PASSWORD,
        "project_name": "service",
        "user_domain_id": "default",
        "project_domain_id": "default",
        "region_name": region.name,
    }


def _token(user: str, region: Region, doors: Doors) -> dict[str, object]:
    return {
        **_identity(user, region, doors),
        "www_authenticate_uri": doors.endpoint("keystone", region.name),
        "service_token_roles": "service",
        "service_token_roles_required": "true",
    }


def _database(region: Region, name: str) -> dict[str, object]:
    return {"connection": region.url(name), "max_pool_size": 10, "max_overflow": 20}


def _keystone(region: Region) -> Sections:
    return {
        "DEFAULT": {"log_file": ""},
        "database": _database(region, "keystone"),
        "identity": {"password_hash_rounds": 4},  # the least: a token in 20 ms, not in 250
        "token": {"provider": "fernet"},
        "fernet_tokens": {"key_repository": region.folder / "fernet"},
        "credential": {"key_repository": region.folder / "credential"},
        "cache": {"enabled": "true", "backend": "dogpile.cache.memory"},
    }


def _placement(region: Region, doors: Doors) -> Sections:
    return {
        "api": {"auth_strategy": "keystone"},
        "keystone_authtoken": _token("placement", region, doors),
        "placement_database": _database(region, "placement"),
    }


def _glance(region: Region, doors: Doors, venv: Path) -> Sections:
    return {
        "DEFAULT": {"enabled_backends": "fs:file"},
        "glance_store": {"default_backend": "fs"},
        "fs": {"filesystem_store_datadir": region.images},
        "os_glance_staging_store": {"filesystem_store_datadir": region.images / "stage"},
        "os_glance_tasks_store": {"filesystem_store_datadir": region.images / "tasks"},
        "database": _database(region, "glance"),
        "keystone_authtoken": _token("glance", region, doors),
        "paste_deploy": {"flavor": "keystone", "config_file": venv / "etc" / "glance" / "glance-api-paste.ini"},
        "oslo_concurrency": {"lock_path": region.folder / "locks"},
    }


def _neutron(region: Region, doors: Doors, venv: Path) -> Sections:
    return {
        "DEFAULT": {
            "core_plugin": "ml2",
            "service_plugins": "router",
            "transport_url": "fake://",
            "dhcp_agent_notification": "false",
            "api_paste_config": venv / "etc" / "neutron" / "api-paste.ini",
            "state_path": region.folder / "state",
            "notify_nova_on_port_status_changes": "false",
            "notify_nova_on_port_data_changes": "false",
        },
        "oslo_policy": {"policy_file": region.configuration / "policy.yaml"},
        "oslo_concurrency": {"lock_path": region.folder / "locks"},
        "database": _database(region, "neutron"),
        "keystone_authtoken": _token("neutron", region, doors),
        "nova": _identity("nova", region, doors),
        "placement": _identity("placement", region, doors),
    }


def _ml2() -> Sections:
    return {
        "ml2": {
            "type_drivers": "vrack,flat",
            "tenant_network_types": "vrack",
            "mechanism_drivers": "vrack_bind",
            "extension_drivers": "port_security",
        },
        "ml2_type_flat": {"flat_networks": "extnet"},
        "ml2_type_vlan": {"network_vlan_ranges": FIRST_VLANS},
    }


def _nova(region: Region, doors: Doors, boots: bool) -> Sections:
    return {
        "DEFAULT": {
            "transport_url": "fake://",
            "compute_driver": "rempart_lab.Booting" if boots else "rempart.Hypervisor",
            "host": f"{region.name.lower()}-host1",
            "state_path": region.folder / "state",
            "vif_plugging_is_fatal": "false",
            "vif_plugging_timeout": 0,
        },
        "api_database": _database(region, "nova_api"),
        "database": _database(region, "nova"),
        "scheduler": {"workers": 1},
        "filter_scheduler": {
            "enabled_filters": "ComputeFilter,ImagePropertiesFilter,ServerGroupAntiAffinityFilter,ServerGroupAffinityFilter"
        },
        "oslo_concurrency": {"lock_path": region.folder / "locks"},
        "keystone_authtoken": _token("nova", region, doors),
        "service_user": {**_identity("nova", region, doors), "send_service_user_token": "true"},
        "placement": _identity("placement", region, doors),
        "neutron": _identity("neutron", region, doors),
        "glance": {"region_name": region.name},
    }
