"""A deployment on a cloud: what there is to do, doing it, how it stands, and taking all of it away again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

from provisioning.cloud import desired, prerequisites, state
from provisioning.cloud.difference import ACTING, Action, Change
from provisioning.cloud.errors import CloudError
from provisioning.cloud.execution import Execution
from provisioning.cloud.patience import Patience
from provisioning.cloud.region import Mark, Region, connect
from provisioning.cloud.resources import KINDS, Found, Image, KeyPair, Resource, Server
from provisioning.deployment import Deployment
from provisioning.secrets import Secrets

Tell = Callable[[str], None]


@dataclass(frozen=True)
class Rollout:
    """One deployment on one cloud of the user's clouds.yaml; ``lab`` names the lab that the cloud is, if it is one."""

    deployment: Deployment
    cloud: str
    execution: Execution
    lab: str = ""

    @property
    def tag(self) -> str:
        """What marks all of it."""
        assert self.deployment.cloud is not None  # noqa: S101 - desired.resources has looked
        return self.deployment.cloud.tag

    def plan(self) -> tuple[Change, ...]:
        """What there is to do. Raises CloudError."""
        return self.execution.plan()

    def gaps(self, told: Sequence[Change]) -> tuple[str, ...]:
        """What keeps it from being done: decisions that are not ours, and what the cloud lacks."""
        refused = [str(change) for change in told if change.action == Action.REFUSE]
        lacking = [
            gap
            for region in self.execution.regions.values()
            for gap in self.execution.patience(
                f"{region.name}: looking at quotas and offers",
                partial(prerequisites.gaps, region, self.execution.wanted, told),
            )
        ]
        unread = [
            str(change.resource.file)
            for change in told
            if isinstance(change.resource, Image) and change.action in ACTING and not change.resource.sha512
        ]
        return (*refused, *lacking, *(f"{file}: no such file, and the image has to be made from it" for file in set(unread)))

    def apply(self) -> tuple[Change, ...]:
        """Do all of it; what was done. Raises CloudError when it cannot be done, or is not as planned afterwards, and
        SecretUnavailable."""
        with self._alone():
            told = self.plan()
            gaps = self.gaps(told)
            if gaps:
                raise CloudError("nothing was changed:\n" + "\n".join(gaps))
            for change in told:
                if isinstance(change.resource, Server) and change.action in ACTING:
                    self.execution.fill(change.resource.first_boot)  # a secret that cannot be had stops us before, not half way
            self.execution.carry_out(told)
            after = [change for change in self.plan() if change.action not in (Action.KEEP, Action.LEAVE)]
            if after:
                raise CloudError("all was done, and yet not all is as planned:\n" + "\n".join(map(str, after)))
            return tuple(change for change in told if change.action in ACTING)

    def destroy(self) -> None:
        """Delete all that carries our mark, and nothing else. Raises CloudError, naming whatever is left."""
        with self._alone():
            ours = self._ours()
            for each in ours:
                if each.key.kind == Server.kind:
                    self.execution.remove(each)  # all at once; each is waited for below
            ours.sort(key=lambda each: -KINDS.index(each.key.kind))
            for number, each in enumerate(ours, start=1):
                try:
                    self.execution.delete(each)
                except CloudError as why:
                    self.execution.tell(f"[{number}/{len(ours)}] left {each.key}: {why}")
                else:
                    self.execution.tell(f"[{number}/{len(ours)}] deleted {each.key}")
            left = self._ours()
            if left:
                raise CloudError(
                    f"still there, with the mark {self.tag}:\n" + "\n".join(f"{each.key} ({each.id})" for each in left)
                )

    def _ours(self) -> list[Found]:
        return [each for each in self.execution.observe() if each.ours]

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Nobody else changes this deployment from this machine meanwhile. Raises CloudError when somebody does."""

        def refuse() -> None:
            raise CloudError(f"another 'rempart cloud' is changing {self.deployment.name} on {self.cloud}: wait for its end")

        with state.alone(self.cloud, self.deployment.name, self.lab, refuse):
            yield


def rollout(deployment: Deployment, cloud: str, tell: Tell) -> Rollout:
    """Connect to the regions that the deployment is in. Raises PlanIncomplete, CloudNotReached."""
    wanted = tuple(_examined(resource) for resource in desired.resources(deployment))
    assert deployment.cloud is not None  # noqa: S101 - desired.resources has looked
    key_pair = next(resource.name for resource in wanted if isinstance(resource, KeyPair))
    regions = {
        name: Region(name, connect(cloud, name), Mark(deployment.cloud.tag), key_pair, tell) for name in desired.regions(wanted)
    }
    lab = next(state.lab_of(region.cloud.config) for region in regions.values())
    secrets = Secrets(deployment.secrets, deployment.folder, state.secrets_of(cloud, deployment.name, lab))
    return Rollout(deployment, cloud, Execution(regions, wanted, Patience(tell), tell, secrets.fill), lab)


def _examined(resource: Resource) -> Resource:
    """An image with its checksum; one whose file is not here may be there already."""
    if isinstance(resource, Image) and resource.file.exists():
        return desired.examined(resource)
    return resource
