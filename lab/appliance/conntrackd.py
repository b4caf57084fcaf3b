"""Sessions on both members: conntrackd carries the connection table over the HA link, straight into the peer's kernel.

Without an external cache nothing has to be committed at takeover, so no packet can come before the commit (measured: with
one, a third of the TCP sessions died). The port is the product's own for this exchange (sns.md 6).
"""

from __future__ import annotations

from ipaddress import IPv4Address

from lab.appliance import ha_cluster, paths, programs
from lab.appliance.daemon import Daemon, write_private
from sns.model import Configuration

PORT = 44242
_CONFIGURATION = paths.STATE / "conntrackd.conf"
_CONTROL = paths.RUN / "conntrackd.ctl"
_DAEMON = Daemon("conntrackd", "/usr/sbin/conntrackd", paths.LOG / "l_conntrackd")

_TEXT = """\
Sync {{
    Mode FTFW {{
        DisableExternalCache yes
        StartupResync yes
    }}
    UDP {{
        IPv4_address {own}
        IPv4_Destination_Address {peer}
        Port {port}
        Interface {device}
        Checksum on
    }}
}}
General {{
    HashSize 8192
    HashLimit 65535
    LogFile {log}
    LockFile {lock}
    UNIX {{
        Path {control}
    }}
    NetlinkBufferSize 2097152
    NetlinkBufferSizeMaxGrowth 8388608
    Filter From Kernelspace {{
        Protocol Accept {{
            {protocols}
        }}
        Address Ignore {{
            IPv4_address 127.0.0.1
            IPv4_address {own}
            IPv4_address {peer}
        }}
    }}
}}
"""


_PROTOCOLS = {"Tcp": ("TCP",), "Udp": ("UDP",)}
_ALL = ("TCP", "UDP", "ICMP")


def settings(own: IPv4Address, peer: IPv4Address, device: str, forward: str) -> str:
    """``conntrackd.conf`` of the member at ``own``, whose peer is reached over ``device``; ``forward`` is the token's value."""
    protocols = "\n            ".join(_PROTOCOLS.get(forward, _ALL))
    lock = paths.RUN / "conntrackd.lock"
    log = paths.LOG / "l_conntrackd"
    return _TEXT.format(own=own, peer=peer, device=device, port=PORT, protocols=protocols, control=_CONTROL, lock=lock, log=log)


def start(configuration: Configuration) -> None:
    """Start the exchange; does nothing when it runs. Raises ServiceFailed or ApplianceError."""
    if _DAEMON.pid() is not None:
        return
    _CONTROL.unlink(missing_ok=True)
    (paths.RUN / "conntrackd.lock").unlink(missing_ok=True)
    write_private(_CONFIGURATION, _settings(configuration))
    _DAEMON.start(["-C", str(_CONFIGURATION)], _CONTROL.exists)


def follow(configuration: Configuration) -> None:
    """Start the exchange anew when it runs by other settings: it reads them only once.

    Raises ServiceFailed or ApplianceError.
    """
    if _DAEMON.pid() is not None and _CONFIGURATION.read_text() != _settings(configuration):
        _DAEMON.stop()
        start(configuration)


def _settings(configuration: Configuration) -> str:
    place = ha_cluster.place(configuration)
    return settings(place.own.address, place.peer.address, place.link, configuration.ha.forward)


def adopt() -> None:
    """Take the sessions that came from the peer for our own: what a member tells another that starts later.

    Raises ProgramFailed.
    """
    programs.run(("conntrackd", "-C", str(_CONFIGURATION), "-R"), within=2.0)


def ask_for_all() -> None:
    """Ask the other member for all of its sessions: what it told while the HA link was down is lost.

    Raises ProgramFailed.
    """
    programs.run(("conntrackd", "-C", str(_CONFIGURATION), "-n"), within=2.0)
