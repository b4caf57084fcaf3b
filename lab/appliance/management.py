"""The ways in for an administrator, applied together: ``enservice`` (``webadmin``, ``system``)."""

from __future__ import annotations

from lab.appliance import configuration as configurations
from lab.appliance import sshd, webadmin
from lab.appliance.errors import Misused
from sns.model import Configuration

_SHARED = frozenset({*configurations.NETWORK_FILES, "servicegroup", "webadmin", "system"})


def main_enservice(arguments: list[str]) -> int:
    """``enservice``: apply who may administer this firewall, and how."""
    if arguments:
        raise Misused("enservice")
    with configurations.exclusive():
        configuration = configurations.load()
        apply(configuration)
        configurations.record("webadmin", "system")
    return 0


def boot(configuration: Configuration) -> None:
    """Start the services; both members of a cluster run them. Raises ApplianceError."""
    apply(configuration)


def apply(configuration: Configuration) -> None:
    """Run the administration page and the SSH server as configured. Raises Refused, ServiceFailed."""
    configurations.check(configuration, lambda file: file in _SHARED)
    sshd.apply(configuration)
    webadmin.apply(configuration)
