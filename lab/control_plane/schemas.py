"""The databases' tables, and Keystone's first user: made by the services' own commands."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from lab.control_plane import database
from lab.control_plane.places import Region
from lab.control_plane.processes import Processes
from lab.control_plane.settings import PASSWORD

WITHIN = 240.0  # s: all of it takes 20 on a calm machine
Step = tuple[str, ...]


def create(region: Region, processes: Processes, environment: dict[str, str], programs: Path) -> None:
    """Two chains side by side, each of steps that need one another; MariaDB runs."""
    database.execute(region, *(f"CREATE DATABASE {name} CHARACTER SET utf8mb3" for name in database.NAMES))
    etc = region.configuration
    nova = ("nova-manage", "--config-file", f"{etc}/nova.conf")
    keystone = ("keystone-manage", "--config-file", f"{etc}/keystone.conf")
    first: Sequence[Step] = (
        (*nova, "api_db", "sync"),
        (*nova, "cell_v2", "map_cell0", "--database_connection", region.url("nova_cell0")),
        (*nova, "db", "sync"),
        (*nova, "cell_v2", "create_cell", "--name", "cell1"),
        ("placement-manage", "--config-file", f"{etc}/placement.conf", "db", "sync"),
    )
    second: Sequence[Step] = (
        ("neutron-db-manage", "--config-file", f"{etc}/neutron.conf", "upgrade", "heads"),
        ("glance-manage", "--config-file", f"{etc}/glance-api.conf", "db_sync"),
        (*keystone, "db_sync"),
        (*keystone, "fernet_setup", *_owner("keystone")),
        (*keystone, "credential_setup", *_owner("keystone")),
        (
            *keystone, "bootstrap", "--bootstrap-password", PASSWORD, "--bootstrap-region-id", region.name,
            *(word for kind in ("admin", "internal", "public") for word in (f"--bootstrap-{kind}-url", "http://127.0.0.1")),
        ),
    )  # fmt: skip
    chains = {"first": first, "second": second}
    for name, chain in chains.items():
        script = " && ".join(" ".join(f"'{word}'" for word in (str(programs / step[0]), *step[1:])) for step in chain)
        processes.start(f"schemas-{name}", ["sh", "-c", script], environment)
    for name in chains:
        processes.finish(f"schemas-{name}", WITHIN)


def _owner(service: str) -> Step:
    return (f"--{service}-user", str(os.getuid()), f"--{service}-group", str(os.getgid()))
