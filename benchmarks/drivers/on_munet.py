"""The plan in munet: namespace nodes; the vRack is a node that runs Open vSwitch, the Internet one of munet's networks."""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import Mapping
from typing import Any

from munet.parser import async_build_topology

from benchmarks.drivers import nodes
from benchmarks.drivers.session import serve, voice

_SWITCH = "vrack"


def _topology(plan: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """munet's configuration, and the switch's ports as ``ovs-vsctl`` words."""
    members: list[dict[str, Any]] = []
    plugs: list[dict[str, str]] = []
    ports: list[str] = ["--", "add-br", _SWITCH, "--", "set", "bridge", _SWITCH, "datapath_type=netdev"]
    for host in plan["hosts"]:
        connections = []
        for nic in host["nics"]:
            if nic["vlan"] is None:
                connections.append({"to": "internet", "name": nic["name"]})
                continue
            port = f"p{len(plugs)}"
            connections.append({"to": _SWITCH, "name": nic["name"], "remote-name": port})
            plugs.append({"to": host["name"], "name": port, "remote-name": nic["name"]})
            mode = f"trunks={','.join(map(str, nic['trunk']))}" if nic["trunk"] else f"tag={nic['vlan']}"
            ports += ["--", "add-port", _SWITCH, port, mode]
        members.append({"name": host["name"], "connections": connections})
    members.append({"name": _SWITCH, "connections": plugs})
    networks = [{"name": "internet"}]
    return {"topology": {"networks": networks, "nodes": members}, "config_pathname": "/scratch/munet.yaml"}, ports[1:]


class OnMunet:
    """The plan, running in munet."""

    def __init__(self, plan: Mapping[str, Any]) -> None:
        began = time.monotonic()
        configuration, ports = _topology(plan)
        self._loop = asyncio.new_event_loop()
        asyncio.set_event_loop(self._loop)
        # As munet's own pytest fixture builds it.
        self._net = self._loop.run_until_complete(async_build_topology(configuration, rundir="/scratch/munet"))
        self._tasks = self._loop.run_until_complete(self._net.run())
        switch = self._net.hosts[_SWITCH]
        switch.cmd_raises(nodes.START_SWITCH)
        switch.cmd_raises(["ovs-vsctl", *ports])
        self._nodes = [nodes.Node(host, self._net.hosts[host["name"]].popen) for host in plan["hosts"]]
        self._phases = {"munet's own": time.monotonic() - began, **nodes.bring_up(self._nodes, plan)}

    def facts(self) -> Mapping[str, Any]:
        """Its phases."""
        return {"phases": self._phases}

    def memory(self) -> Mapping[str, float]:
        """All processes but this one."""
        return nodes.memory(os.getpid())

    def true(self) -> None:
        """As its users do."""
        self._net.hosts[self._nodes[0].name].cmd_raises("/usr/bin/true")

    def down(self) -> None:
        """As its pytest fixture does."""
        self._loop.run_until_complete(self._net.async_delete())
        for task in self._tasks:
            task.cancel()


if __name__ == "__main__":
    answers = voice()
    logging.disable(logging.CRITICAL)  # its default, DEBUG on everything, costs it time
    serve(OnMunet(nodes.read_plan()), answers)
