"""The ``rempart`` command. Arguments are parsed here; what they ask for is imported only then, so it starts fast.

Exit codes: 0 done; 1 it failed, or something is missing (``doctor``); 2 wrong use or bad input; 130 interrupted (Ctrl-C);
143 terminated, 129 hung up: what was begun is undone first. ``rempart lab exec`` ends with the status of the command that
it ran, ``rempart lab api`` with that of ``snscli``; ``rempart verify``, ``rempart gate`` and ``rempart report merge`` have
codes of their own.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import Any

from cli import api, check, cloud, compare, fault, gate, matrix, merge, mutate, preflight, report, torture, verify
from cli.arguments import Parser
from lab.signals import Obeying

DONE, FAILED, BAD_INPUT, INTERRUPTED = 0, 1, 2, 130


def _parser() -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = Parser(
        prog="rempart", description="Test and validate Stormshield SNS deployments on OVHcloud, in a simulated lab."
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    commands.add_parser("doctor", help="what this machine lacks, and how to get it")
    lab = commands.add_parser("lab", help="the simulated vRack, by hand")
    verbs = lab.add_subparsers(dest="verb", required=True, metavar="VERB")

    up = verbs.add_parser("up", help="build a deployment in simulation and leave it running")
    up.add_argument("--deployment", type=Path, default=Path("deployments/guide"), metavar="DIR")
    up.add_argument("--factory", action="store_true", help="firewalls as they are delivered, without configuration")
    up.add_argument("--cloud", action="store_true", help="an OpenStack cloud to make the deployment on, and what is around it")
    _run_option(verbs.add_parser("status", help="what runs, drawn, with its addresses"))
    shell = verbs.add_parser("shell", help="a shell on a host")
    shell.add_argument("host", metavar="HOST")
    _run_option(shell)
    execute = verbs.add_parser("exec", help="run a command on a host")
    _run_option(execute)
    execute.add_argument("host", metavar="HOST")
    execute.add_argument("arguments", nargs=argparse.REMAINDER, metavar="CMD ...")
    capture = verbs.add_parser("capture", help="show the packets of a segment, or of a host's interface (HOST:eth0)")
    capture.add_argument("segment", metavar="SEGMENT")
    capture.add_argument("--write", type=Path, metavar="FILE", help="write pcap to a file instead of showing")
    _run_option(capture)
    _run_option(api.register(verbs))
    fault.register(verbs)
    down = verbs.add_parser("down", help="remove a lab and all that it made")
    _run_option(down)
    down.add_argument(
        "--all", action="store_true", help="every lab that was left running on purpose, and what killed runs left behind"
    )
    down.add_argument("--image", action="store_true", help="with --all: also the image, and all else that labs share")
    torture.register(verbs)
    check.register(commands)
    cloud.register(commands)
    compare.register(commands)
    gate.register(commands)
    matrix.register(commands)
    mutate.register(commands)
    preflight.register(commands)
    report.register(commands)
    verify.register(commands)
    return parser


def _run_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--run", metavar="ID", help="which lab, when several run")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; its exit code."""
    handlers: dict[signal.Signals, Any] = {signal.SIGTERM: _terminated, signal.SIGHUP: _terminated}
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        handlers[signal.SIGINT] = signal.default_int_handler
    try:
        with Obeying(handlers):  # a process that calls us does more than this
            return _flushed(_run(_given(sys.argv[1:] if arguments is None else arguments)))
    except KeyboardInterrupt:
        return INTERRUPTED
    except Terminated as why:
        return 128 + why.number
    except BrokenPipeError:
        # Whoever read us has gone: nor can Python's own last flush be read.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED


def _given(arguments: Sequence[str]) -> argparse.Namespace:
    """What the arguments say. ``report merge`` is by itself: ``report DIR`` cannot have a command beside its folder."""
    if tuple(arguments[:2]) == merge.COMMAND:
        return merge.parser().parse_args(arguments[2:])
    return _parser().parse_args(arguments)


def _flushed(status: int) -> int:
    """Write out what is still kept back, here where a reader that has gone is no traceback."""
    sys.stdout.flush()
    return status


def _run(given: argparse.Namespace) -> int:
    if given.command == "doctor":
        from cli.doctor import doctor

        return doctor()
    plain = {
        "check": check.run,
        "cloud": cloud.run,
        "compare": compare.run,
        "gate": gate.run,
        "matrix": matrix.run,
        "mutate": mutate.run,
        "preflight": preflight.run,
        "report": report.run,
        merge.NAME: merge.run,
        "verify": verify.run,
    }
    if run := plain.get(given.command):
        return run(given)
    from cli.lab import WrongUse, run_verb
    from lab.errors import LabError
    from provisioning.deployment import DeploymentError

    try:
        return run_verb(given)
    except (DeploymentError, WrongUse) as why:
        print(f"rempart: {why}", file=sys.stderr)
        return BAD_INPUT
    except LabError as why:
        print(f"rempart: {why}", file=sys.stderr)
        return FAILED


class Terminated(BaseException):
    """A signal asked us to end: on the way out everything that was begun is undone."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


def _terminated(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - the handler's form
    raise Terminated(number)


if __name__ == "__main__":
    sys.exit(main())
