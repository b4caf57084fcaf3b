"""The system's own programs (``nft``, ``ip``, …), run to their end; a failure carries what they said."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence

from lab.appliance.errors import ProgramFailed

_SEARCH_PATH = "/usr/sbin:/usr/bin:/sbin:/bin"


def run(arguments: Sequence[str], *, given: str | None = None, within: float = 20.0) -> str:
    """What the program printed. ``given`` is its standard input.

    Raises ProgramFailed when it is missing, exits with an error, or has not ended after ``within`` seconds.
    """
    try:
        done = subprocess.run(
            arguments,
            input="" if given is None else given,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=within,
            check=False,
            env={"PATH": _SEARCH_PATH, "LC_ALL": "C"},
        )
    except FileNotFoundError:
        raise ProgramFailed(arguments, "the program is not installed") from None
    except subprocess.TimeoutExpired:
        raise ProgramFailed(arguments, f"did not end within {within:g} s") from None
    if done.returncode != 0:
        raise ProgramFailed(arguments, (done.stderr or done.stdout).strip())
    return done.stdout
