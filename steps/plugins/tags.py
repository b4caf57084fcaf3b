"""The closed list of tags that a feature may carry; any other is refused, so that none is mistyped in silence."""

from __future__ import annotations

import re

ID = re.compile(r"SNS-[A-Z][A-Z0-9]*-\d{2}")
"""A scenario's stable id: it never changes its meaning, and is never used again."""

AXES: dict[str, str] = {
    "each_site": "site",
    "each_cluster": "cluster",
    "each_remote_access_site": "remote_access_site",
    "each_tunnel": "tunnel",
    "each_pool": "pool",
    "each_published_service": "published_service",
    "each_web_server": "web_server",
    "each_bare_metal_server": "bare_metal_server",
}
"""Tags that repeat a scenario for each of the deployment's own, and the argument that tells a step which one it is.

The order matters: parallel workers must name the instances alike.
"""

CAPABILITIES: tuple[str, ...] = (
    "transit_capture",
    "fault_injection",
    "spoofing",
    "raw_frames",
    "isolation",
    "vpn_client",
    "configuration_change",
    "introspection",
)
"""What not every environment can do. ``@needs_<capability>`` skips a scenario where it is missing."""

CONDITIONS: tuple[str, ...] = ("published_site", "refused_name", "released_address", "neighbour", "second_transport")
"""What not every site has beside its axes. ``@with_<condition>`` leaves out the instances whose site is without it."""

MAY_BE_DISRUPTED = "disruption"
"""The capability of an environment that may be disrupted without asking; elsewhere ``--allow-disruptive`` asks."""

CAMPAIGN = "campaign"
FROM_POLICY = "from_policy"

PLAIN: dict[str, str] = {
    "disruptive": "takes something down that others may be using",
    CAMPAIGN: "one more way to fail, run when it is asked for (--campaign, or --scenario with its id)",
    FROM_POLICY: "sends what the policy itself tells apart: every change of a policy is a change of what it sends",
    "slow": "takes more than a few seconds by its nature",
}

NEEDS = "needs_"
WITH = "with_"


def meaning(tag: str) -> str | None:
    """What a tag says, or None when it is not in the list."""
    if tag in AXES:
        return f"once for each {spoken(AXES[tag])} of the deployment"
    if tag.startswith(NEEDS) and tag.removeprefix(NEEDS) in CAPABILITIES:
        return f"only where the environment has {spoken(tag.removeprefix(NEEDS))}"
    if tag.startswith(WITH) and tag.removeprefix(WITH) in CONDITIONS:
        return f"only where the site has a {spoken(tag.removeprefix(WITH))}"
    if ID.fullmatch(tag):
        return "the scenario of this id"
    return PLAIN.get(tag)


def known() -> str:
    """The list, for a message."""
    needs = (f"{NEEDS}{capability}" for capability in CAPABILITIES)
    conditions = (f"{WITH}{condition}" for condition in CONDITIONS)
    return " ".join(f"@{tag}" for tag in ("SNS-AREA-NN", *AXES, *conditions, *needs, *PLAIN))


def spoken(name: str) -> str:
    """A name with underscores as words."""
    return name.replace("_", " ")
