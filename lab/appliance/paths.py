"""Where the appliance keeps what: the product's own layout for its configuration, ``/var/lib/sns`` for running state."""

from __future__ import annotations

from pathlib import Path

FIREWALL = Path("/usr/Firewall")
CONFIG = FIREWALL / "ConfigFiles"
DATA = FIREWALL / "Data"
SYSTEM = FIREWALL / "System" / "global"
STATE = Path("/var/lib/sns")
RUNNING = STATE / "running"
LEASES = STATE / "leases"
RUN = STATE / "run"
LOG = Path("/log")
