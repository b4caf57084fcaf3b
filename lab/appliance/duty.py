"""Which member of a cluster serves tunnels: the active one. A firewall that stands alone is always on duty.

The HA agent calls :func:`take_over` and :func:`stand_down`; the commands ask :func:`on_duty`, so that ``envpn`` on a
passive member prepares its files and does not negotiate. The SSL VPN's servers run on both members, for they speak only when
spoken to: a client that comes again right after a takeover, as those over TCP do, must not be refused.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from lab.appliance import charon, openvpn, paths
from sns.model import Configuration

_MARK = paths.RUN / "on-duty"


def on_duty(configuration: Configuration) -> bool:
    """Whether this member is the one that serves tunnels."""
    return not configuration.ha.paired or _MARK.exists()


def forget() -> None:
    """At boot: off duty until the agent says otherwise."""
    _MARK.unlink(missing_ok=True)


def take_over() -> None:
    """Start the VPN daemons with what was last applied. Site-to-site tunnels are being negotiated on return.

    Raises ServiceFailed; what does start keeps running.
    """
    paths.RUN.mkdir(parents=True, exist_ok=True)
    _MARK.touch()
    with ThreadPoolExecutor(max_workers=2) as pool:
        starts = [pool.submit(charon.start), pool.submit(openvpn.start)]
    for start in starts:
        start.result()


def stand_down() -> None:
    """Stop the IKE daemon, at once and without a word to the peers: they are the other member's now. So are VPN users.

    Raises ServiceFailed when the SSL VPN's servers do not start again, empty.
    """
    _MARK.unlink(missing_ok=True)
    charon.stop(silently=True)
    openvpn.stop()
    openvpn.start()
