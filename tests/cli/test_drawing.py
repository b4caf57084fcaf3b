"""The drawing of a lab: columns stay columns whatever stands in them."""

from __future__ import annotations

from cli.drawing import GAP, Live, draw
from provisioning.deployment import load
from provisioning.secrets import Secrets
from provisioning.topology import topology
from tests.provisioning.plans import GUIDE


def _drawn(note: str) -> list[str]:
    deployment = load(GUIDE)
    plan = topology(deployment, Secrets(deployment.secrets, deployment.folder))
    addresses = {("fw1-sbg7", "eth0"): ["147.135.161.153/29"], ("dhcp-sbg7", "eth0"): ["192.168.1.2/29", "192.168.1.3/29"]}
    return draw(plan, Live(addresses, {"fw1-sbg7": note})).splitlines()


def test_a_long_note_widens_its_column_and_moves_the_next() -> None:
    for note in ("", "active", "active, configuration changed since the last synchronisation"):
        lines = _drawn(note)
        (rules,) = (line for line in lines if line.startswith("─"))
        second = rules.rindex(" ") + 1
        below = lines[lines.index(rules) + 1 :]

        assert rules[second - GAP : second] == " " * GAP
        assert all(line[second - GAP : second].strip() == "" for line in below if len(line) > second)
        assert any(line.endswith(note) or f"  {note} " in line for line in below)
