"""``python -m lab.control_plane``: a control plane to work with by hand, until Ctrl-C."""

from __future__ import annotations

import signal
import sys
import time

from lab.control_plane.clouds import clouds_yaml
from lab.control_plane.plane import control_plane

if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    began = time.monotonic()
    with control_plane() as plane:
        (plane.folder / "clouds.yaml").write_text(clouds_yaml(plane.auth_url))
        sys.stdout.write(
            f"up after {time.monotonic() - began:.1f} s: export OS_CLIENT_CONFIG_FILE={plane.folder}/clouds.yaml\n"
        )
        sys.stdout.write(f"logs: {plane.logs}; client: {plane.client} --os-cloud rempart\n")
        sys.stdout.flush()
        while True:
            plane.processes.check()
            time.sleep(1)
