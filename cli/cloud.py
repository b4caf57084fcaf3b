"""``rempart cloud``: a deployment on OpenStack: what there is to do, doing it, how it stands, taking it away again.

Exit codes: 0 done, or as planned; 1 the cloud or an appliance refused, something is missing, not as planned or left; 2 wrong
use, a deployment that cannot be used, or a cloud that clouds.yaml does not know.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from argparse import ArgumentParser, _SubParsersAction

    from provisioning.cloud.difference import Change
    from provisioning.cloud.rollout import Rollout
    from provisioning.deployment import Deployment

DONE, FAILED, BAD_INPUT = 0, 1, 2


def register(commands: _SubParsersAction[ArgumentParser]) -> None:
    """Add the command and its verbs."""
    verbs = commands.add_parser("cloud", help="a deployment on OpenStack").add_subparsers(
        dest="verb", required=True, metavar="VERB"
    )
    for name, help_text in {
        "plan": "what there is to do",
        "apply": "do it, and wait until every server runs",
        "configure": "have its appliances run the plan, by their management API",
        "status": "how it stands: what is missing, and what is not as planned",
        "destroy": "delete all that carries the deployment's tag, and nothing else",
    }.items():
        verb = verbs.add_parser(name, help=help_text)
        verb.add_argument("deployment", type=Path, metavar="DIR", help="the deployment's folder")
        verb.add_argument("--cloud", metavar="NAME", help="which cloud of clouds.yaml")
        if name == "plan":
            verb.add_argument("--terraform", type=Path, metavar="OUT", help="write the plan as Terraform; no cloud is asked")
        if name == "configure":
            verb.add_argument(
                "--reach", type=Path, metavar="FILE", help="how its machines are reached (default: DIR/reach.toml)"
            )
        if name == "destroy":
            verb.add_argument("--yes", action="store_true", help="do not ask")


def run(given: argparse.Namespace) -> int:
    """Run a verb; the exit code."""
    from lab.errors import LabError
    from provisioning.cloud.errors import CloudError, CloudNotReached, PlanIncomplete
    from provisioning.deployment import DeploymentError, load
    from provisioning.secrets import SecretUnavailable

    try:
        return _verb(given, load(given.deployment))
    except (DeploymentError, PlanIncomplete, CloudNotReached, SecretUnavailable) as why:
        print(f"rempart: {why}", file=sys.stderr)
        return BAD_INPUT
    except (CloudError, LabError) as why:
        print(f"rempart: {why}", file=sys.stderr)
        return FAILED


def _verb(given: argparse.Namespace, deployment: Deployment) -> int:
    if given.verb == "plan" and given.terraform:
        return _terraform(deployment, given.terraform)
    if not given.cloud:
        print(f"rempart: cloud {given.verb}: --cloud NAME: which cloud of clouds.yaml?", file=sys.stderr)
        return BAD_INPUT
    if given.verb == "configure":
        return _configure(deployment, given.cloud, given.reach)
    from provisioning.cloud.rollout import rollout

    found = rollout(deployment, given.cloud, _tell)
    match given.verb:
        case "plan":
            return _plan(found)
        case "apply":
            return _apply(found)
        case "status":
            return _status(found)
    return _destroy(found, given.yes)


def _plan(found: Rollout) -> int:
    told = found.plan()
    _show(told)
    gaps = [gap for gap in found.gaps(told) if not gap.startswith("cannot ")]  # those are among the changes
    print("".join(f"missing: {gap}\n" for gap in gaps) + _counted(told))
    return FAILED if gaps or _number(told, "cannot") else DONE


def _apply(found: Rollout) -> int:
    done = found.apply()
    if done:
        print(f"done: {_counted(done)}")
    else:
        print(f"nothing to change: all {len(found.execution.wanted)} resources are as planned")
    return DONE


def _status(found: Rollout) -> int:
    told = found.plan()
    _show(told)
    print(_counted(told))
    return DONE if _number(told, "as planned") == len(told) else FAILED


def _destroy(found: Rollout, sure: bool) -> int:
    regions = ", ".join(found.execution.regions)
    if not sure:
        if not sys.stdin.isatty():
            print("rempart: cloud destroy: nobody to ask: --yes says that you are sure", file=sys.stderr)
            return BAD_INPUT
        answer = input(f"Delete all that carries {found.tag} in {regions}? Type the deployment's name: ")
        if answer.strip() != found.deployment.name:
            print("nothing was deleted")
            return FAILED
    found.destroy()
    print(f"nothing with the mark {found.tag} is left in {regions}")
    return DONE


def _configure(deployment: Deployment, cloud: str, named: Path | None) -> int:
    """Where the administrator's machine is: that may be another place than this one."""
    from provisioning.cloud.state import secrets_of
    from provisioning.environment import refuse_broken
    from provisioning.live import reach_file

    refuse_broken(deployment)
    reach = reach_file.read(deployment, named)
    store = secrets_of(cloud, deployment.name, reach.lab)
    command = [sys.executable, "-m", "provisioning.appliance.setting_up", str(deployment.folder.resolve()), str(store)]
    command += [str(named.resolve())] if named else []
    return subprocess.call([*reach.administrator.prefix, *command])


def _terraform(deployment: Deployment, folder: Path) -> int:
    from provisioning.cloud import desired, terraform

    wanted = desired.resources(deployment)
    assert deployment.cloud is not None  # noqa: S101 - desired.resources has looked
    texts = terraform.files(wanted, deployment.cloud.tag, deployment.plan.name, folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in texts.items():
            (folder / name).write_text(text)
    except OSError as why:
        print(f"rempart: {folder}: {why.strerror}", file=sys.stderr)
        return BAD_INPUT
    print(f"{len(wanted)} resources written to {folder}: {', '.join(texts)}")
    return DONE


def _show(told: Sequence[Change]) -> None:
    for change in told:
        if change.action != "as planned":
            print(change)


def _counted(told: Sequence[Change]) -> str:
    counts = Counter(str(change.action) for change in told)
    return ", ".join(f"{number} {action}" for action, number in counts.items()) or "nothing"


def _number(told: Sequence[Change], *actions: str) -> int:
    return sum(change.action in actions for change in told)


def _tell(text: str) -> None:
    print(text, flush=True)
