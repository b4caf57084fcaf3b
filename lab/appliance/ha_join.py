"""A second member joins: it asks the first one over the HA link, and gets its place in the cluster and the configuration.

The first member, its cluster created and alone, waits here (``python3 -m lab.appliance.ha_join``) where later its agent
receives configurations. Both ends prove the HA password (:mod:`lab.appliance.ha_channel`). Once somebody has joined, this
process starts the agent and ends. On the product the members copy over SSH (sns.md 6).
"""

from __future__ import annotations

import json
import sys
from ipaddress import IPv4Address, IPv4Interface
from pathlib import Path

from lab.appliance import changes, devices, ha_channel, ha_cluster, ha_gate, ha_service, ha_sync, ha_wire, paths
from lab.appliance import configuration as configurations
from lab.appliance.daemon import Daemon
from lab.appliance.errors import ApplianceError
from lab.appliance.ha_channel import Channel
from lab.appliance.ha_cluster import SYNC_PORT
from lab.appliance.inifile import set_token
from sns.model import Configuration

HELLO, JOIN = "hello", "join"
_CLUSTER = paths.CONFIG / "HA" / "hacluster"
_READY = paths.RUN / "ha_join.ready"
_DAEMON = Daemon("ha_join", "/usr/bin/python3", paths.LOG / "l_ha_join")
_WITHIN = 10.0  # s for the other end's word


def start() -> None:
    """Wait for a second member; does nothing when that is already so. Raises ServiceFailed."""
    if _DAEMON.pid() is None:
        _READY.unlink(missing_ok=True)
        _DAEMON.start(["-m", "lab.appliance.ha_join"], _READY.exists, environment=paths.PYTHON)


def stop() -> None:
    """Wait no more."""
    _DAEMON.stop()


def write_member(path: Path, serial: str, address: IPv4Address, number: int, priority: int = 0) -> None:
    """Write a member's section of ``HA/hacluster``."""
    tokens = {"Ip": address, "Priority": priority, "Ip2": "", "SSHLogin": f"admin@{serial}", "NodeId": number}
    for token, value in tokens.items():
        set_token(path, serial, token, str(value))


def own_address(configuration: Configuration, other: IPv4Address) -> IPv4Interface:
    """Our address on the network where the other member is. Raises ApplianceError when there is none."""
    for interface in configuration.interfaces:
        if interface.enabled and interface.address is not None and other in interface.address.network:
            return interface.address
    raise ApplianceError(f"{other} is on no network of this appliance: the HA interfaces of both members share one")


# The one that joins


def ask(address: IPv4Address, password: str, what: str) -> bytes:
    """Ask the first member: whether it is there and knows us (:data:`HELLO`: its serial), or to be let in (:data:`JOIN`: its
    configuration, our place in it). Raises ApplianceError."""
    own = own_address(configurations.load(), address)
    request = {"what": what, "serial": ha_cluster.own_serial(), "address": str(own.ip)}
    with ha_channel.call(str(address), SYNC_PORT, ha_wire.key(password), within=_WITHIN) as channel:
        channel.send(json.dumps(request).encode())
        answer = channel.receive()
    if answer.startswith(b"refused "):
        raise ApplianceError(answer.removeprefix(b"refused ").decode())
    return answer


# The one that waits


def serve() -> None:
    """Answer until somebody has joined."""
    configuration = configurations.load()
    own = configuration.ha.members[0]
    key = ha_wire.key(configuration.ha.password)
    server, context = ha_channel.listen(str(own.address), SYNC_PORT)
    _READY.touch()
    joined = False
    with server:
        while not joined:
            connection, _ = server.accept()
            try:
                with ha_channel.answer(connection, context, key, within=_WITHIN) as channel:
                    joined = _answer(channel)
            except (ApplianceError, ValueError, KeyError) as error:
                print(f"join: {error}", file=sys.stderr, flush=True)
    _become_a_pair()


def _answer(channel: Channel) -> bool:
    """Answer one request; whether its sender is a member now."""
    request = json.loads(channel.receive())
    own = configurations.load().ha.members[0]
    serial, address = str(request["serial"]), IPv4Address(request["address"])
    if serial == own.serial:
        channel.send(f"refused both members have the serial number {serial}".encode())
    elif request["what"] == HELLO:
        channel.send(own.serial.encode())
    else:
        write_member(_CLUSTER, serial, address, own.node_id + 1)
        channel.send(ha_sync.pack())
        return True
    return False


def _become_a_pair() -> None:
    """The gate, then the agent that opens it; the implicit rule between members now names the two."""
    configuration = configurations.load()
    for failure in changes.apply(["enfilter"]):
        print(f"join: {failure}", file=sys.stderr, flush=True)
    place = ha_cluster.place(configuration)
    ha_gate.install([devices.device(section) for section in place.data])
    ha_service.boot(configuration)


def main(_: list[str]) -> None:
    """Wait for a second member."""
    serve()


if __name__ == "__main__":
    main(sys.argv[1:])
