"""The plan in Mininet 2.3: hosts with mount namespaces, one Open vSwitch in userspace, a Linux bridge for the Internet."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Mapping
from typing import Any

from mininet.log import setLogLevel
from mininet.net import Mininet
from mininet.node import OVSSwitch
from mininet.nodelib import LinuxBridge

from benchmarks.drivers import nodes
from benchmarks.drivers.session import serve, voice


class OnMininet:
    """The plan, running in Mininet."""

    def __init__(self, plan: Mapping[str, Any]) -> None:
        began = time.monotonic()
        subprocess.run(["sh", "-c", nodes.START_SWITCH], check=True)
        self._net = Mininet(controller=None, switch=OVSSwitch)
        # In a batch: one command line with all ports of eight sites is more than the shell that Mininet types into reads.
        vrack = self._net.addSwitch("s1", datapath="user", failMode="standalone", dpid="1", batch=True)
        internet = self._net.addSwitch("b1", cls=LinuxBridge)
        modes: list[str] = []
        for host in plan["hosts"]:
            node = self._net.addHost(host["name"], ip=None)
            for nic in host["nics"]:
                tagged = nic["vlan"] is not None
                link = self._net.addLink(node, vrack if tagged else internet, intfName1=nic["name"])
                if tagged:
                    mode = f"trunks={','.join(map(str, nic['trunk']))}" if nic["trunk"] else f"tag={nic['vlan']}"
                    modes += ["--", "set", "port", link.intf2.name, mode]
        self._net.start()
        subprocess.run(["ovs-vsctl", *modes[1:]], check=True)
        self._nodes = [nodes.Node(host, self._net[host["name"]].popen) for host in plan["hosts"]]
        self._phases = {"Mininet's own": time.monotonic() - began, **nodes.bring_up(self._nodes, plan)}

    def facts(self) -> Mapping[str, Any]:
        """Its phases."""
        return {"phases": self._phases}

    def memory(self) -> Mapping[str, float]:
        """All processes but this one."""
        return nodes.memory(os.getpid())

    def true(self) -> None:
        """As its users do: a command given to the shell that each host keeps open."""
        self._net[self._nodes[0].name].cmd("/usr/bin/true")

    def down(self) -> None:
        """As its users do."""
        self._net.stop()


if __name__ == "__main__":
    answers = voice()
    setLogLevel("error")
    serve(OnMininet(nodes.read_plan()), answers)
