"""What makes pytest run the features: one plugin per concern. ``conftest.py`` names them to pytest, in this order."""

from __future__ import annotations

PLUGINS = tuple(
    f"{__name__}.{concern}"
    for concern in (
        "collection",
        "instances",
        "sharding",
        "gating",
        "fit",
        "controls",
        "live",
        "sealing",
        "recording",
        "verdicts",
        "environment",
        "restore",
        "under_way",
        "workers",
        "mutation",
    )
)
"""The plugins' module names, in the order in which pytest registers them."""
