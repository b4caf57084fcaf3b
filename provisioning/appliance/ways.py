"""The two ways to an appliance, behind one interface."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from provisioning.appliance.api import Api
from provisioning.appliance.driver import Access, Driver
from provisioning.appliance.shell import Shell

WAYS: Mapping[str, Callable[[Access], Driver]] = {"api": Api, "ssh": Shell}
"""By name: the management API, and SSH. Opening one raises Unreachable, Untrusted or LoginRefused."""
