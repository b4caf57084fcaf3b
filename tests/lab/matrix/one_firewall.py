"""An appliance alone on three wires, without a single host beside it: numbered packets need none."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from lab import running
from lab.host import LabHost
from lab.matrix.measure import Measurement
from lab.matrix.stand import Firewall, Stand
from lab.matrix.trace import Probe
from lab.running import Lab
from lab.topology import Host, Nic, Segment, Topology
from provisioning.matrix.comparison import Compared, compare
from provisioning.matrix.journeys import Journeys
from provisioning.matrix.points import Ways
from sns.model import Configuration
from sns.prediction import Flow
from sns.reader import read
from tests.sns.trees import GUIDE

SITE = "here"
CONFIG = Path("/usr/Firewall/ConfigFiles")
NICS = {"out": "eth0", "in": "eth1", "dmz": "eth2"}
TREE = {
    **{file: text for file, text in GUIDE.items() if file.split("/")[0] not in ("VPN", "Openvpn", "HA", "..", "uac", "ldap")},
    "network": GUIDE["network"].replace(
        "Name=ha\nAddress=DHCP", "Name=dmz\nProtected=1\nAddress=192.168.2.1\nMask=255.255.255.0"
    ),
    "object": GUIDE["object"].replace(
        "[Network]",
        "dmz_server=192.168.2.80\nroom=192.168.2.16-192.168.2.31\n[Network]\nmapped=172.16.0.0/24\ndmz=192.168.2.0/24\n",
    ),
    "dns": "[Servers]\n",
}


def topology() -> Topology:
    """One appliance."""
    nics = tuple(Nic(f"eth{place}", f"wire{place}", f"02:00:00:00:20:0{place}", "here") for place in range(3))
    appliance = Host(
        "fw",
        "appliance",
        nics,
        files={str(CONFIG / file): (text.encode(), 0o600) for file, text in TREE.items()},
        code=True,
        sysctls={"net.ipv4.ip_forward": "1"},
        boot="ip link set lo up && python3 -m lab.appliance ennetwork && python3 -m lab.appliance enfilter",
    )
    return Topology("matrix", ("here",), tuple(Segment(f"wire{place}", 100 + place) for place in range(3)), (appliance,))


class Bench:
    """The appliance, its policy changed at will, measured."""

    def __init__(self, lab: Lab) -> None:
        self.host: LabHost = lab.host("fw")
        self._applied = ""
        self.stand = Stand(lab.fabric, [Firewall(SITE, self.host, NICS, dict.fromkeys(NICS, frozenset()))])

    def apply(self, policy: str) -> Configuration:
        """Make this the policy. Raises CommandFailed when the appliance refuses it."""
        if policy != self._applied:
            self.host.path(str(CONFIG / "Filter/05")).write_text(policy)
            self.host.must("python3", "-m", "lab.appliance", "enfilter", "05")
            self._applied = policy
        return self.configuration()

    def configuration(self) -> Configuration:
        """What the appliance has."""
        return read(self.host.path(str(CONFIG)), label=SITE)

    def compare(self, configuration: Configuration, flows: Iterable[Flow], controls: Iterable[Flow] = ()) -> list[Compared]:
        """Measure these flows against what a configuration says of them."""
        journeys = Journeys({SITE: configuration})
        ways = Ways(journeys, self.stand.entries)
        wanted: dict[Probe, Flow] = {probe: flow for flow in flows if (probe := ways.probe(SITE, flow)) is not None}
        measurement = Measurement(self.stand, [probe for flow in controls if (probe := ways.probe(SITE, flow)) is not None])
        return [
            compare(journeys, SITE, wanted[trace.probe], trace)
            for batch in measurement.batches(wanted)
            for trace in batch.traces
        ]


@contextmanager
def bench() -> Iterator[Bench]:
    """A lab of its own, which goes afterwards."""
    lab = running.up(topology())
    try:
        opened = Bench(lab)
        try:
            yield opened
        finally:
            opened.stand.close()
    finally:
        lab.down()
