"""``python -m benchmarks.large_tree``: what a policy of 5,000 rules and 5,000 objects costs to read, to check and to apply.

It is the guide's deployment with that many rules more at the end of its first site's slot, so that every packet that passes
still passes by the guide's own. Applied means: in place, by ``enfilter`` on both members of the pair, sessions judged anew.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.figures import tell
from provisioning import in_place
from provisioning.deployment import load
from provisioning.environment import lab_up
from sns.checks.run import check
from sns.reader import read

ROOT = Path(__file__).resolve().parent.parent
GUIDE = ROOT / "deployments/guide"
SITE = "sbg7"
_LAST = "block log from any to any"


def large(files: dict[str, bytes], count: int) -> dict[str, bytes]:
    """The files with ``count`` objects and ``count`` rules more."""
    hosts = "".join(f"host{n:04d}=172.{16 + n // 65536}.{n // 256 % 256}.{n % 256},resolve=static\n" for n in range(count))
    rules = "".join(
        f"{'block log' if n % 7 == 0 else 'pass'} from host{n:04d} on in to host{(n * 7 + 1) % count:04d} "
        f"port {('http', 'https', 'ssh', 'dns')[n % 4]}\n"
        for n in range(count)
    )
    objects, policy = files["object"].decode(), files["Filter/05"].decode()
    return {
        **files,
        "object": objects.replace("[Network]", f"{hosts}[Network]").encode(),
        "Filter/05": policy.replace(_LAST, f"{rules}{_LAST}").encode(),
    }


def _timed(act: Callable[[], object]) -> float:
    began = time.monotonic()
    act()
    return time.monotonic() - began


def main() -> int:
    """Measure and print one line for each cost."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.large_tree", description=__doc__)
    parser.add_argument("--rules", type=int, default=5000, metavar="N", help="rules, and objects (default 5000)")
    parser.add_argument("--runs", type=int, default=3, metavar="N", help="how often each cost is measured (default 3)")
    given = parser.parse_args()
    deployment = load(GUIDE)
    files = large(in_place.files(deployment.configuration_folder(SITE)), given.rules)
    with tempfile.TemporaryDirectory() as scratch:
        tree = Path(scratch) / "ConfigFiles"
        for name, content in files.items():
            path = tree.parent / name if name.startswith("Data/") else tree / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        tell("read", [_timed(lambda: read(tree)) for _ in range(given.runs)])
        tell("read and check", [_timed(lambda: check(read(tree))) for _ in range(given.runs)])
    if os.geteuid() != 0:
        print("to apply it needs root, as the lab does: run the same command with sudo", file=sys.stderr)
        return 2
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # through the `finally`, as Ctrl-C
    environment = lab_up(deployment, keep=False, progress=lambda _: None)
    try:
        spent, back = [], []
        firewall = environment.firewall(SITE)
        enfilter = []
        for _ in range(given.runs):
            applied = in_place.apply(environment, SITE, files)
            spent.append(applied.seconds)
            enfilter.append(_timed(lambda: firewall.apply("enfilter")))
            back.append(applied.undo())
        tell(f"applied in place on both members ({', '.join(applied.commands)})", spent)
        tell("enfilter on one member", enfilter)
        tell("put back", back)
    finally:
        environment.close()
        environment.lab.down()
    return 0


if __name__ == "__main__":
    sys.exit(main())
