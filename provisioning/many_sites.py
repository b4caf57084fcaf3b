"""Deployments of any number of sites, written from the guide's: the first is its hub, every other one its remote site.

Each remote site has a tunnel to the hub. Only words of the guide's files are exchanged, so what is written reads like
it; the hub's lines that speak of its remote site are repeated for each, and pairs wait longer (:data:`TIMERS`).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

PATTERN = Path(__file__).resolve().parent.parent / "deployments" / "guide"
MOST_SITES = 32  # as many /29 blocks as 203.0.113.0/24 has

TIMERS = {"TokenTimeout": 300, "ConsensusTimeout": 360, "PingInterval": 60}
"""What a pair has in the place of the guide's 120, 144 and 24 ms: growth is in the number of sites, not in fast failovers.

Every member says its word at each ping's interval, in real time, and one switch carries them all: at the guide's pace sixteen
members keep two cores from starting anything else.
"""

_SIZE = 8  # addresses of a /29, for the block as for the HA subnet
_HUB, _REMOTE = "sbg7", "gra11"
_ABOUT_REMOTE = re.compile(r"gra11|vlan201|OVH_REMOTE_FW", re.IGNORECASE)
_PART = re.compile(r"^# --- (?=\w)", re.MULTILINE)
_SECTION = re.compile(r"^(?=\[)", re.MULTILINE)
_TIMER = re.compile(rf"^({'|'.join(TIMERS)})=.*", re.MULTILINE)
_KILLED = re.compile(r"^\[budgets\.member_killed\][^[]*", re.MULTILINE)
_BUDGET = re.compile(r"^(?!local)(\w+ = )(\d+)", re.MULTILINE)
_NOTICED_LATER = 180  # ms: what these timers add to each budget of a member's death, but for what does not go through a pair


@dataclass(frozen=True)
class _Site:
    """The ``number``-th site, from 1; everything about it follows from that."""

    number: int

    @property
    def name(self) -> str:
        return f"site{self.number}"

    @property
    def vlan(self) -> int:
        return 199 + self.number

    @property
    def ha_vlan(self) -> int:
        """The HA link's, which no other site may share: as many below the guide's as the private one's is above it."""
        return 200 - self.number

    @property
    def first(self) -> int:
        """The last octet of its block's network address, and of its HA subnet's."""
        return (self.number - 1) * _SIZE

    def block_address(self, offset: int) -> str:
        return f"203.0.113.{self.first + offset}"


def write_sites(folder: Path, count: int, *, pattern: Path = PATTERN) -> Path:
    """Write a deployment of ``count`` sites to a new or empty folder; returns the folder.

    ``pattern`` is the guide's deployment. Raises ValueError for a count that the address plan cannot hold, and
    FileExistsError when the folder holds something.
    """
    if not 1 <= count <= MOST_SITES:
        raise ValueError(f"{count} sites: the address plan holds 1 to {MOST_SITES}")
    if folder.exists() and any(folder.iterdir()):
        raise FileExistsError(f"{folder} is not empty")
    hub, *remotes = (_Site(number) for number in range(1, count + 1))
    _write_tree(pattern / _HUB, folder / hub.name, partial(_for_hub, hub, remotes))
    for remote in remotes:
        _write_tree(pattern / _REMOTE, folder / remote.name, partial(_for_remote, hub, remote))
    plan = (pattern / "deployment.toml").read_text(encoding="utf-8")
    (folder / "deployment.toml").write_text(_plan(plan, hub, remotes), encoding="utf-8")
    return folder


def _write_tree(source: Path, target: Path, change: Callable[[str, str], str]) -> None:
    for path in sorted(source.rglob("*")):
        if path.is_file():
            file = path.relative_to(source)
            (target / file).parent.mkdir(parents=True, exist_ok=True)
            text = _TIMER.sub(lambda line: f"{line[1]}={TIMERS[line[1]]}", path.read_text(encoding="utf-8"))
            (target / file).write_text(change(file.as_posix(), text), encoding="utf-8")


def _for_remote(hub: _Site, remote: _Site, _: str, text: str) -> str:
    """A file of a remote site: it knows the hub alone, as the guide's does."""
    return _rename(text, hub, remote)


def _for_hub(hub: _Site, remotes: list[_Site], file: str, text: str) -> str:
    """A file of the hub: what it says about the guide's remote site, said about each of ours."""
    pieces = _SECTION.split(text) if file == "ConfigFiles/VPN/peer" else text.splitlines(keepends=True)
    written: list[str] = []
    for piece in pieces:
        about_remote = _ABOUT_REMOTE.search(piece)
        written += [_rename(_own_names(piece, it), hub, it) for it in remotes] if about_remote else [piece]
    return _rename("".join(written), hub, None)


def _own_names(text: str, remote: _Site) -> str:
    """The hub's names of things of a remote site, and rule names, made the site's own."""
    text = text.replace("OVH_REMOTE_FW", f"OVH_{remote.name.upper()}_FW")
    return re.sub(r'rulename[ =]"?([0-9a-f]{11})_(\d+)', lambda rule: f"{rule[0]}{remote.number:02d}", text)


def _rename(text: str, hub: _Site, remote: _Site | None) -> str:
    """The guide's names and addresses exchanged for those of the hub and of one remote site."""
    if remote is not None:
        text = _exchange(text, _REMOTE, "201", r"203\.0\.113\.15", remote)
        text = re.sub(r"(192\.168\.2)\.(8|9|10|11|12)\b", lambda ip: _moved(ip, remote.first - _SIZE), text)
        text = text.replace("vlan = 198", f"vlan = {remote.ha_vlan}")
        text = text.replace("VMSNSX08K11", f"VMSNSX08K{remote.number + 10:02d}").replace("cb:00:71:99", _mac(remote))
        text = text.replace("0a:c9:00:01", f"0a:{remote.vlan:02x}:00:01")
    text = _exchange(text, _HUB, "200", r"147\.135\.161\.15", hub)
    return text.replace("93:87:a1:99", _mac(hub))


def _exchange(text: str, name: str, vlan: str, block: str, site: _Site) -> str:
    text = re.sub(rf"{block}(\d)", lambda ip: site.block_address(int(ip[1]) - 2), text)
    text = text.replace(name, site.name).replace(name.upper(), site.name.upper())
    text = text.replace(f"vlan{vlan}", f"vlan{site.vlan}").replace(f"10.{vlan}.", f"10.{site.vlan}.")
    return re.sub(rf"(VLAN |vlan = ){vlan}", rf"\g<1>{site.vlan}", text)


def _moved(address: re.Match[str], distance: int) -> str:
    return f"{address[1]}.{int(address[2]) + distance}"


def _mac(site: _Site) -> str:
    return f"cb:00:71:{site.first + 1:02x}"


def _plan(text: str, hub: _Site, remotes: list[_Site]) -> str:
    """``deployment.toml``, part by part as its headings cut it."""
    head, of_hub, of_remote, between, *rest = _PART.split(text)
    head = head.replace('name = "guide"', f'name = "sites-{len(remotes) + 1}"')
    head = re.sub(r"title = .*", f'title = "{len(remotes) + 1} sites after the pattern of OVHcloud\'s guide"', head)
    heading, _, tunnel = between.partition("[[tunnels]]")
    parts = [head, _rename(_gateway(of_hub, hub), hub, None)]
    parts += [_rename(_gateway(of_remote, remote), hub, remote) for remote in remotes]
    parts.append(heading + "".join(_rename(f"[[tunnels]]{tunnel}", hub, remote) for remote in remotes))
    for part in rest:
        lines = []
        for line in part.splitlines(keepends=True):
            about_remote = _ABOUT_REMOTE.search(line)
            lines += [_rename(line, hub, remote) for remote in remotes] if about_remote else [_rename(line, hub, None)]
        parts.append("".join(lines))
    return _KILLED.sub(_with_time_to_notice, "# --- ".join(parts))


def _with_time_to_notice(budgets: re.Match[str]) -> str:
    return _BUDGET.sub(lambda budget: f"{budget[1]}{int(budget[2]) + _NOTICED_LATER}", budgets[0])


def _gateway(text: str, site: _Site) -> str:
    """The provider's gateways on the Internet: numbered from .201, clear of everybody else there."""
    return re.sub(r'gateway_internet = "[^"]*"', f'gateway_internet = "198.51.100.{200 + site.number}"', text)
