"""The change in a lab: brought up on the configuration before, measured, changed in place, measured again."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from lab import ownership
from lab.errors import LabError
from provisioning import in_place
from provisioning.deployment import Deployment, DeploymentError
from provisioning.environment import LabEnvironment, lab_up
from provisioning.gate.changes import Change
from provisioning.gate.confirmation import Seen, confirmed, seen
from provisioning.gate.verdict import Gated


@contextmanager
def rehearsal(
    gated: Gated, before: Deployment | None, after: Deployment, progress: Callable[[str], None]
) -> Iterator[str | None]:
    """The name of a lab that runs the configuration after, and in which every change of packets was measured on the way.

    It goes with the context. What was seen is entered in ``gated``, and so is what went wrong: then there is none. Another plan
    is another lab: it is brought up on the configuration after at once, and nothing is seen before.
    """
    clock = _Clock(gated.seconds)
    try:
        environment = lab_up(before or after, keep=False, progress=progress)
    except (LabError, DeploymentError) as why:
        gated.errors.append(f"the lab did not start on the configuration {'before' if before else 'after'}: {why}")
        yield None
        return
    try:
        clock.lap("lab up")
        went_well = _changed(gated, environment, before, after, clock, progress)
        yield environment.lab.run if went_well else None
    finally:
        environment.close()
        environment.lab.down()


def _changed(
    gated: Gated,
    environment: LabEnvironment,
    before: Deployment | None,
    after: Deployment,
    clock: _Clock,
    progress: Callable[[str], None],
) -> bool:
    """Measure, apply, measure; whether the lab runs the configuration after."""
    wanted = {place: change for place, change in enumerate(gated.changes) if change.flow is not None}
    try:
        first = dict.fromkeys(wanted, Seen(unmeasured="the plan is another, and so is the lab"))
        if before is not None:
            progress(f"measuring {len(wanted)} flows on the configuration before")
            first = _look(environment, wanted)
            clock.lap("measured before")
        for site in after.sites:
            applied = in_place.apply(environment, site, after.configuration_folder(site))
            if applied.files:
                progress(f"{site}: {', '.join(applied.files)} applied in place in {applied.seconds:.2f} s")
        clock.lap("applied in place")
        second = _look(environment, wanted)
        clock.lap("measured after")
    except LabError as why:
        gated.errors.append(str(why))
        return False
    gated.confirmed = {place: confirmed(first[place], second[place]) for place in wanted}
    gated.measured = True
    ownership.write_facts(environment.lab.run, "deployment.json", {"folder": str(after.folder.resolve())})
    return True


def _look(environment: LabEnvironment, wanted: Mapping[int, Change]) -> dict[int, Seen]:
    flows = {place: (change.site, change.flow) for place, change in wanted.items() if change.flow is not None}
    return seen(environment, flows)


class _Clock:
    def __init__(self, seconds: dict[str, float]) -> None:
        self._seconds = seconds
        self._last = time.monotonic()

    def lap(self, phase: str) -> None:
        now = time.monotonic()
        self._seconds[phase] = now - self._last
        self._last = now
