"""Everything that is a wire, in one container: the vRack, the Internet's bridges, and the distance between regions.

The vRack is one tagged layer 2 across all regions: an Open vSwitch bridge (userspace datapath: this needs no kernel
module) per region, joined to the first region's by a trunk. Cloud instances have access ports, bare-metal servers trunk
ports. Other segments are plain Linux bridges. Every veth is created in the fabric's namespace with its far end born in
the host, so the machine's own network namespace never sees an interface.
"""

from __future__ import annotations

import shlex
import socket
import struct
import subprocess
import time
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from fcntl import ioctl
from pathlib import Path

from lab import namespace
from lab.errors import CommandFailed, HostFailed
from lab.roles.boot import BEFORE_OTHERS
from lab.topology import Host, Nic, Segment, Topology

Wire = tuple[Host, Nic]
"""An interface of a host, which is one end of a wire."""

NAME = "fabric"
CAPABILITIES = ("NET_ADMIN", "NET_RAW", "SYS_NICE", "IPC_LOCK")

_INTERFACE = struct.Struct("16sH14x")  # struct ifreq, with flags (netdevice(7))
_GET_FLAGS, _SET_FLAGS, _UP = 0x8913, 0x8914, 0x1

_START_SWITCH = f"""
set -e
mkdir -p /run/openvswitch /etc/openvswitch
ovsdb-tool create /etc/openvswitch/conf.db /usr/share/openvswitch/vswitch.ovsschema
ovsdb-server /etc/openvswitch/conf.db --remote=punix:/run/openvswitch/db.sock --detach --pidfile --no-chdir \
  --log-file=/var/log/ovsdb-server.log 2>/dev/null
ovs-vsctl --no-wait init
{BEFORE_OTHERS} ovs-vswitchd --detach --pidfile --no-chdir --disable-system --log-file=/var/log/ovs-vswitchd.log 2>/dev/null
"""

_START_RELAY = f"""
{BEFORE_OTHERS} python3 -m lab.relay "$@" >"/run/$0.log" 2>&1 &
echo $! >"/run/$0.pid"
for _ in $(seq 500); do
  grep -q relaying "/run/$0.log" && exit 0
  kill -0 $! 2>/dev/null || break
  sleep 0.01
done
cat "/run/$0.log" >&2
exit 1
"""

_DELETE_LINKS = 'for link; do ! ip link show "$link" >/dev/null 2>&1 || ip link delete "$link"; done'

_ARP_TRIES, _ARP_PATIENCE_MS = 3, 300  # the kernel's own number of questions; a busy neighbour is given so long at least

# Whatever frames pass userspace (OVS, the relay) must have complete checksums: with transmit offload left on, ping
# works and TCP hangs.
_OFFLOADS_OFF = "tx off tso off gso off gro off"


class Fabric:
    """The running fabric of one topology. ``pid`` is its container's first process."""

    def __init__(self, topology: Topology, pid: int) -> None:
        self.topology = topology
        self.pid = pid
        self.touched = 0.0  # when cables were last pulled or plugged, monotonic seconds
        self._segments = {segment.name: segment for segment in topology.segments}
        self._distance = {distance.region: distance.seconds for distance in topology.distances if distance.seconds}
        self._ports = {
            (host.name, nic.name): nic.port or f"h{number}n{place}"
            for number, host in enumerate(topology.hosts)
            for place, nic in enumerate(host.nics)
        }

    def port(self, host: str, nic: str) -> str:
        """The fabric's end of a host's interface: what crosses it is all that the host sends and receives there."""
        return self._ports[host, nic]

    def bridge(self, segment: str) -> str:
        """The Linux bridge of a plain segment."""
        return f"br-{segment}"[:15]

    def build(self, pids: Mapping[str, int]) -> None:
        """Wire every host. ``pids`` are the hosts' first processes. Raises CommandFailed."""
        with ThreadPoolExecutor(max_workers=4) as pool:
            switch = pool.submit(self.run, ["sh", "-c", _START_SWITCH])
            self.ip([*self._bridges(), *self._links(self._nics(), pids)])
            ends = [pool.submit(self._configure, host, pids[host.name]) for host in self.topology.hosts]
            switch.result()
            self.run(["ovs-vsctl", *self._switches(), *self._switch_ports(self._nics())])
            if relays := [*self._trunk_relays(), *self._relays(self._nics())]:
                self.start_relay("distances", relays)
            for end in ends:
                end.result()

    def plug(self, host: Host, pid: int) -> None:
        """Wire a host that came later; its interfaces name their ends here themselves. Raises CommandFailed."""
        wires = [(host, nic) for nic in host.nics]
        self.ip(self._links(wires, {host.name: pid}))
        if words := list(self._switch_ports(wires)):
            self.run(["ovs-vsctl", *words[1:]])
        for wire in wires:
            if relays := list(self._relays([wire])):
                self.start_relay(self.port(host.name, wire[1].name), relays)
        self._configure(host, pid)

    def unplug(self, host: Host) -> None:
        """Take away the wires of a host that goes, those that there are. Raises CommandFailed."""
        words: list[str] = []
        ends: list[str] = []
        for nic in host.nics:
            port = self.port(host.name, nic.name)
            ends.append(port)  # it would go with the host, some time after it: the next of this name comes before that
            if self._is_vrack(nic):
                words += ["--", "--if-exists", "del-port", port]
            elif self._is_distant(nic):
                self.stop_relay(port)
                ends.append(f"{port}f")
        if words:
            self.run(["ovs-vsctl", *words[1:]])
        self.run(["sh", "-ec", _DELETE_LINKS, "unplug", *ends])

    def set_links(self, host: str, nics: Iterable[str], *, up: bool) -> None:
        """Pull or plug cables, within a millisecond and in this order: the host sees their carriers change."""
        ports = [self.port(host, nic) for nic in nics]
        self.touched = namespace.inside(self.pid, lambda: _set_links(ports, up))

    def sent(self, host: str, nics: Iterable[str]) -> int:
        """Frames that a host has sent on these interfaces so far, whatever state their cables are in. Raises CommandFailed."""
        lines = (line.partition(":") for line in self.run(["cat", "/proc/net/dev"]).splitlines()[2:])
        received = {port.strip(): int(counts.split()[1]) for port, _, counts in lines}
        return sum(received[self.port(host, nic)] for nic in nics)

    def change_rules(self, changes: Mapping[str, Iterable[str]]) -> None:
        """Change OpenFlow rules of switches: for each, lines of what ``ovs-ofctl add-flows`` reads (``delete …`` takes away).

        All switches side by side, and then each looks at its rules again for every frame (:meth:`follow_rules`).
        """
        script = ["begun="]
        for switch, lines in changes.items():
            script += [f"printf '%s\\n' {shlex.join(lines)} | ovs-ofctl add-flows {switch} - &", 'begun="$begun $!"']
        self.run(["sh", "-ec", "\n".join((*script, "for one in $begun; do wait $one; done"))])
        self.follow_rules()

    def follow_rules(self) -> None:
        """Have the vRack's switches look at their OpenFlow rules again for every frame: for whoever changed rules by himself.

        A switch remembers what it decided, for all frames that are equal in what its rules looked at then. Under other rules it
        looks at more or less of a frame, so that an old decision and a new one can be about the same frames; and when a
        shared MAC moves, Open vSwitch (to 3.1 at least, userspace datapath) corrects whichever of the two it finds first.
        By the other one frames would go on to the member that is gone.
        """
        self.run(["ovs-appctl", "revalidator/purge"])

    # How it is wired

    def _is_vrack(self, nic: Nic) -> bool:
        return bool(nic.trunk) or self._segments[nic.segment].vlan is not None

    def _is_distant(self, nic: Nic) -> bool:
        """Whether the interface needs a relay of its own: it meets a plain segment away from the hub."""
        return not self._is_vrack(nic) and nic.region in self._distance

    def _nics(self) -> Iterable[Wire]:
        return ((host, nic) for host in self.topology.hosts for nic in host.nics)

    def _plain(self) -> list[Segment]:
        return [segment for segment in self.topology.segments if segment.vlan is None]

    def _bridges(self) -> Iterable[str]:
        for segment in self._plain():
            yield f"link add {self.bridge(segment.name)} up type bridge mcast_snooping 0"
        for number, _ in enumerate(self._distant_regions()):
            yield f"link add d{number}a up type veth peer name d{number}b"
            yield f"link add d{number}c up type veth peer name d{number}d"
            yield from (f"link set d{number}{end} up" for end in "bd")

    def _links(self, wires: Iterable[Wire], pids: Mapping[str, int]) -> Iterable[str]:
        for host, nic in wires:
            port = self.port(host.name, nic.name)
            yield (f"link add {port} type veth peer name {nic.name} address {nic.mac} netns {pids[host.name]}")
            yield f"link set {port} up"
            if self._is_vrack(nic):
                continue
            bridge = self.bridge(nic.segment)
            if self._is_distant(nic):
                yield f"link add {port}f up type veth peer name {port}b"
                yield f"link set {port}b up master {bridge}"
            else:
                yield f"link set {port} master {bridge}"

    def _distant_regions(self) -> list[str]:
        return [region for region in self.topology.regions[1:] if region in self._distance]

    def switch_bridge(self, region: str) -> str:
        """The vRack's switch in a region."""
        distant = self._distant_regions()
        return f"vrack{distant.index(region)}" if region in distant else "vrack"

    def _switches(self) -> list[str]:
        """Of one transaction: all bridges, and trunks between regions."""
        # A shared MAC that moves to another port must be followed at once: by default the switch looks at its cached
        # flows every 500 ms, which would be our delay in every change of members and not the network's.
        words = ["--", "set", "Open_vSwitch", ".", "other_config:max-revalidator=100"]
        for bridge in ("vrack", *(self.switch_bridge(region) for region in self._distant_regions())):
            words += ["--", "add-br", bridge, "--", "set", "bridge", bridge, "datapath_type=netdev"]
        for number, region in enumerate(self._distant_regions()):
            words += ["--", "add-port", "vrack", f"d{number}a"]
            words += ["--", "add-port", self.switch_bridge(region), f"d{number}d"]
        return words[1:]

    def _switch_ports(self, wires: Iterable[Wire]) -> Iterable[str]:
        """Of one transaction: the ports of these interfaces."""
        for host, nic in wires:
            if not self._is_vrack(nic):
                continue
            port = self.port(host.name, nic.name)
            if nic.trunk:
                # Untagged frames of a bare-metal server belong to VLAN 0, as on the real vRack.
                vlans = ",".join(str(vlan) for vlan in sorted({0, *nic.trunk}))
                mode = [f"trunks={vlans}"]
            else:
                mode = [f"tag={self._segments[nic.segment].vlan}", "vlan_mode=access"]
            yield from ("--", "--may-exist", "add-port", self.switch_bridge(nic.region), port, *mode)

    def _trunk_relays(self) -> Iterable[str]:
        for number, region in enumerate(self._distant_regions()):
            yield f"d{number}b:d{number}c:{self._distance[region]}"

    def _relays(self, wires: Iterable[Wire]) -> Iterable[str]:
        for host, nic in wires:
            if self._is_distant(nic):
                port = self.port(host.name, nic.name)
                yield f"{port}:{port}f:{self._distance[nic.region]}"

    def start_relay(self, name: str, links: list[str]) -> None:
        """Start a relay (:mod:`lab.relay`); returns when it relays, so no frame is lost to its start."""
        done = namespace.run(self.pid, ["sh", "-c", _START_RELAY, f"relay-{name}", *links], where=NAME)
        if not done.ok:
            raise HostFailed(NAME, f"the relay of the {name} did not start", done.stderr)

    def stop_relay(self, name: str) -> None:
        """Stop a relay that was started; nothing to do when it does not run."""
        self.run(["sh", "-c", '[ ! -e $0 ] || { kill "$(cat $0)"; rm $0; }', f"/run/relay-{name}.pid"])

    def _configure(self, host: Host, pid: int) -> None:
        """Links up, static addresses, checksums complete."""
        lines = ["link set lo up"]
        for nic in host.nics:
            lines.append(f"link set {nic.name} up")
            if nic.address is not None:
                lines.append(f"address add {nic.address} dev {nic.name}")
        offloads = "\n".join(f"ethtool -K {nic.name} {_OFFLOADS_OFF} >/dev/null" for nic in host.nics)
        namespace.inside(pid, lambda: _set_arp_retry(host))
        script = "ip -batch - <<'LINES'\n" + "\n".join(lines) + f"\nLINES\n{offloads}\n"
        done = namespace.run(pid, ["sh", "-ec", script], where=host.name)
        if not done.ok:
            raise CommandFailed(host.name, "address its interfaces", done.status, done.stderr)

    def run(self, command: list[str]) -> str:
        """Run a program where the wires are; its output. Raises CommandFailed."""
        done = namespace.run(self.pid, command, where=NAME)
        if not done.ok:
            raise CommandFailed(NAME, done.command[:120], done.status, done.stderr or done.stdout)
        return done.stdout

    def start(self, command: list[str]) -> None:
        """Start a program where the wires are, and leave it running; it must end by itself."""
        self.run(["sh", "-c", '"$@" </dev/null >/dev/null 2>&1 &', "start", *command])

    def ip(self, lines: Iterable[str]) -> None:
        """Run ip commands in the fabric's namespace, in one process.

        Its mount and network namespaces only: peers are named by pid, and pids are the machine's.
        """
        done = subprocess.run(
            ["nsenter", f"--target={self.pid}", "--mount", "--net", "--", "ip", "-batch", "-"],
            input="\n".join(lines),
            text=True,
            capture_output=True,
            check=False,
            env=namespace.ENVIRONMENT,
        )
        if done.returncode != 0:
            raise CommandFailed(NAME, "ip -batch", done.returncode, done.stderr)


def _set_arp_retry(host: Host) -> None:
    """Called in the host's network namespace: a container's own /proc/sys is read-only, the machine's is not."""
    for nic in host.nics:
        neighbours = Path(f"/proc/sys/net/ipv4/neigh/{nic.name}")
        (neighbours / "retrans_time_ms").write_text(str(host.arp_retry_ms))
        (neighbours / "mcast_solicit").write_text(str(max(_ARP_TRIES, _ARP_PATIENCE_MS // host.arp_retry_ms)))


def _set_links(ports: Iterable[str], up: bool) -> float:
    """Called in the fabric's network namespace: a process for it would come when the machine has time. When it was done."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as opened:
        moment = time.monotonic()
        for port in ports:
            name = port.encode()
            flags = _INTERFACE.unpack(ioctl(opened, _GET_FLAGS, _INTERFACE.pack(name, 0)))[1]
            ioctl(opened, _SET_FLAGS, _INTERFACE.pack(name, flags | _UP if up else flags & ~_UP))
    return moment
