"""The filter log ``/log/l_filter``: one line per logged packet, with the rule's place and action, written by ulogd.

A line reads ``… rule=Filter/05:14 action=block IN=eth0 OUT= … SRC=198.51.100.102 DST=147.135.161.153 … PROTO=TCP …``
(simulated, not vendor syntax).
"""

from __future__ import annotations

from pathlib import Path

from lab.appliance import paths
from lab.appliance.daemon import Daemon
from lab.appliance.ruleset import LOG_GROUP

LOG = paths.LOG / "l_filter"

_CONFIGURATION = paths.STATE / "ulogd.conf"
_DAEMON = Daemon("ulogd", "/usr/sbin/ulogd", paths.LOG / "ulogd")
_PLUGINS = ("inppkt_NFLOG", "raw2packet_BASE", "filter_IFINDEX", "filter_IP2STR", "filter_PRINTPKT", "output_LOGEMU")


def start() -> None:
    """Start the log when it does not run. Raises ServiceFailed."""
    if _DAEMON.pid() is not None:
        return
    _CONFIGURATION.parent.mkdir(parents=True, exist_ok=True)
    _CONFIGURATION.write_text(configuration(_plugin_folder()))
    LOG.parent.mkdir(parents=True, exist_ok=True)
    LOG.touch()
    listening = Path("/proc/net/netfilter/nfnetlink_log")
    _DAEMON.start(("-c", str(_CONFIGURATION)), lambda: _bound(listening.read_text()))


def configuration(plugins: Path) -> str:
    """``ulogd.conf``, the plug-ins being in that folder. ``sync``: a line is in the file when the packet is gone."""
    return "\n".join([
        "[global]",
        f'logfile="{_DAEMON.log}"',
        *(f'plugin="{plugins}/ulogd_{plugin}.so"' for plugin in _PLUGINS),
        "stack=log:NFLOG,base:BASE,interfaces:IFINDEX,addresses:IP2STR,text:PRINTPKT,file:LOGEMU",
        "[log]",
        f"group={LOG_GROUP}",
        "netlink_qthreshold=1",  # the kernel would otherwise keep packets for up to a second
        "[file]",
        f'file="{LOG}"',
        "sync=1",
        "",
    ])  # fmt: skip


def _plugin_folder() -> Path:
    return next(Path("/usr/lib").glob("*/ulogd"), Path("/usr/lib/ulogd"))


def _bound(groups: str) -> bool:
    """Whether somebody listens to our group: the first column is the group's number."""
    return any(line.split()[0] == str(LOG_GROUP) for line in groups.splitlines() if line.strip())
