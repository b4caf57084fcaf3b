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

PYTHON = {"PYTHONPATH": str(Path(__file__).resolve().parents[2]), "PYTHONPYCACHEPREFIX": "/opt/pycache"}
"""The environment of a Python process that runs this code: the folder it is in is only read."""
