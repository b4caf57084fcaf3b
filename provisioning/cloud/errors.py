"""What can go wrong between a deployment and a cloud, in words that a network engineer can act on."""

from __future__ import annotations


class CloudError(Exception):
    """The cloud refused, or did not come to what was asked for."""


class CloudNotReached(CloudError):
    """No such cloud in clouds.yaml, no answer, or credentials that are refused."""


class PlanIncomplete(CloudError):
    """The deployment does not say all that OpenStack has to be asked for."""
