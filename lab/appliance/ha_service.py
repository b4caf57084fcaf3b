"""High availability as a service of the appliance: who starts the agent needs nothing of what the agent imports."""

from __future__ import annotations

from lab.appliance import conntrackd, paths
from lab.appliance.daemon import Daemon
from lab.appliance.ha_control import CONTROL
from sns.model import Configuration

_AGENT = Daemon("ha_agent", "/usr/bin/python3", paths.LOG / "l_ha_agent")


def boot(configuration: Configuration) -> None:
    """Start the exchange of sessions and the agent. Raises ServiceFailed or ApplianceError."""
    conntrackd.start(configuration)
    start()


def start() -> None:
    """Start the agent; does nothing when it runs. Raises ServiceFailed."""
    if _AGENT.pid() is not None:
        return
    CONTROL.unlink(missing_ok=True)
    _AGENT.start(
        ["-m", "lab.appliance.ha_agent"],
        CONTROL.exists,
        environment=paths.PYTHON,
    )
