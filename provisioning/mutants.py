"""The mutants of a deployment: made, judged by the model, and run in place by its lab."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from provisioning import agreement, in_place
from sns.mutation.judgement import Judge, Judgement, judging
from sns.mutation.mutant import Mutant, applied
from sns.mutation.operators import OPERATORS, mutants
from sns.mutation.result import Result
from sns.mutation.tree import Tree, texts
from sns.reader import read

if TYPE_CHECKING:
    from provisioning.deployment import Deployment
    from provisioning.environment import LabEnvironment
    from provisioning.in_place import Applied
    from sns.model import Configuration


@dataclass(slots=True)
class Judged:
    """The sites of a deployment as operators see them, with a judge for each."""

    trees: Mapping[str, Tree]
    judges: Mapping[str, Judge]

    def __call__(self, mutant: Mutant) -> Judgement:
        """What a mutant changes by the model."""
        return self.judges[mutant.site](mutant)


@dataclass(slots=True)
class Plan:
    """What a run is to do: the deployment and its mutants, in order. Results come as they are found."""

    deployment: Deployment
    mutants: list[Mutant]
    results: list[Result] = field(default_factory=list)
    began: float = 0.0
    """When the first mutant's turn came (s, monotonic clock); what was before is the lab and the original's own run."""
    ended: float = 0.0
    progress: Callable[[str], None] = lambda _: None
    """Is told, in a line, what happens now."""

    def tell(self, result: Result) -> None:
        """A mutant's result."""
        self.results.append(result)
        self.progress(f"{len(self.results)}/{len(self.mutants)} {result.verdict}: {result.mutant.name}")


def trees(deployment: Deployment) -> dict[str, Tree]:
    """Every site as operators see it."""
    return {
        site: Tree(site, texts(in_place.files(deployment.configuration_folder(site))), deployment.configuration(site))
        for site in deployment.sites
    }


def made(deployment: Deployment, operators: Iterable[str] = OPERATORS) -> list[Mutant]:
    """All mutants of a deployment by these operators. Raises KeyError for an operator that there is not."""
    return mutants(trees(deployment).values(), operators)


@contextmanager
def judged(deployment: Deployment) -> Iterator[Judged]:
    """Judges of every site's mutants, for as long as the context lasts."""
    known = trees(deployment)
    with ExitStack() as stack:
        judges = {
            site: stack.enter_context(judging(tree.files, tree.configuration, partial(_read, deployment, site)))
            for site, tree in known.items()
        }
        yield Judged(known, judges)


def _read(deployment: Deployment, site: str, root: Path) -> Configuration:
    return read(root, label=site, leases=deployment.leases(site))


def refused_by_plan(deployment: Deployment, mutant: Mutant, mutated: Configuration) -> str:
    """What a test run says of a mutant before it starts anything, because the plan says otherwise; "" when it says nothing."""
    found = next(iter(agreement.check_site(deployment, mutant.site, mutated)), None)
    return f"{found.location}: {found.field}: {found.message}" if found else ""


def run(environment: LabEnvironment, tree: Tree, mutant: Mutant) -> Applied:
    """Have the lab run a mutant, on the active member alone if it was not synchronised. Raises ApplyRefused, LabError.

    The passive member has the files but does not run them, unless the mistake is of the pair: only then do members change.
    """
    files = in_place.files(environment.deployment.configuration_folder(mutant.site))
    for file, text in applied(mutant, tree.files).items():
        files[file] = text.encode()
    active = {environment.firewall(mutant.site).name}
    members, running = None if mutant.synchronised else active, None if mutant.of_the_pair else active
    return in_place.apply(environment, mutant.site, files, members=members, running=running)
