"""The ``rempart`` command. Arguments are parsed here; what they ask for is imported only then, so it starts fast.

Exit codes: 0 done; 1 it failed, or something is missing (``doctor``); 2 wrong use or bad input; 130 interrupted.
``rempart lab exec`` ends with the status of the command that it ran.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

DONE, FAILED, BAD_INPUT, INTERRUPTED = 0, 1, 2, 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="rempart", description="Test and validate Stormshield SNS deployments on OVHcloud, in a simulated lab."
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    commands.add_parser("doctor", help="what this machine lacks, and how to get it")
    lab = commands.add_parser("lab", help="the simulated vRack, by hand")
    verbs = lab.add_subparsers(dest="verb", required=True, metavar="VERB")

    up = verbs.add_parser("up", help="build a deployment in simulation and leave it running")
    up.add_argument("--deployment", type=Path, default=Path("deployments/guide"), metavar="DIR")
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
    down = verbs.add_parser("down", help="remove a lab and all that it made")
    _run_option(down)
    down.add_argument("--all", action="store_true", help="every lab of this machine that was left running on purpose")
    return parser


def _run_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--run", metavar="ID", help="which lab, when several run")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; its exit code."""
    given = _parser().parse_args(arguments)
    if given.command == "doctor":
        from cli.doctor import doctor

        return doctor()
    from cli.lab import run_verb
    from lab.errors import LabError
    from provisioning.deployment import DeploymentError

    try:
        return run_verb(given)
    except DeploymentError as why:
        print(f"rempart: {why}", file=sys.stderr)
        return BAD_INPUT
    except LabError as why:
        print(f"rempart: {why}", file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        return FAILED


if __name__ == "__main__":
    sys.exit(main())
