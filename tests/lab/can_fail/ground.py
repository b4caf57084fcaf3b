"""Where a fault is made: the running lab, and all that must be undone for it to be well again."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack

from lab.device import Appliance
from lab.host import LabHost
from provisioning.environment import LabEnvironment


class Ground:
    """The lab during one row. What ``undo`` was told happens when the row ends, the last first."""

    def __init__(self, environment: LabEnvironment, ending: ExitStack) -> None:
        self.environment = environment
        self._ending = ending
        self._taken: set[str] = set()

    def undo(self, act: Callable[[], object]) -> None:
        """Do this when the row ends."""
        self._ending.callback(act)

    def host(self, name: str) -> LabHost:
        """A host of the lab."""
        return self.environment.host(name)

    def active(self, site: str) -> Appliance:
        """The active member of a site's firewall; its configuration comes back when the row ends."""
        return self.restored(self.environment.firewall(site))

    def restored(self, member: Appliance) -> Appliance:
        """A member, to be configured freely; its configuration comes back when the row ends."""
        if member.name not in self._taken:
            self._taken.add(member.name)
            before = member.snapshot()
            self.undo(lambda: member.restore(before))
        return member

    def edit(self, site: str, file: str, change: Callable[[str], str], *commands: str) -> None:
        """Change a configuration file of the active member and run the commands that make it count."""
        firewall = self.active(site)
        firewall.edit(file, change)
        for command in commands:
            firewall.apply(*command.split())

    def shell(self, host: str, script: str, mend: str = "") -> None:
        """Run a script on a host, and another one in the end."""
        target = self.host(host)
        if mend:
            self.undo(lambda: target.must("sh", "-ec", mend))
        target.must("sh", "-ec", script)

    def switch(self, script: str, mend: str) -> None:
        """Run a script where the wires are, and another one in the end."""
        self.undo(lambda: self._in_the_switch(mend))
        self._in_the_switch(script)

    def port(self, host: str, nic: str = "eth0") -> str:
        """The switch's port of a host."""
        return self.environment.lab.fabric.port(host, nic)

    def _in_the_switch(self, script: str) -> None:
        fabric = self.environment.lab.fabric
        fabric.run(["sh", "-ec", script])
        fabric.follow_rules()
