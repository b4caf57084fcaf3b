"""Open TCP connections to many targets at once, and say what became of each.

It runs on the host that opens them, which needs Python and nothing of ours: ``python3 -I - TARGETS SECONDS`` with this file on
its standard input, targets as JSON (``[["192.0.2.1", 22]]``). Its answer has ``answered``, ``refused``, ``silent`` or
``not sent`` for each, the last when the host itself knew no way there.
"""

from __future__ import annotations

import errno
import json
import select
import socket
import struct
import sys
import time
from collections.abc import Sequence


def outcomes(targets: Sequence[tuple[str, int]], within: float) -> list[str]:
    """What became of each connection within so many seconds, for all of them together."""
    found = dict.fromkeys(range(len(targets)), "silent")
    pending: dict[int, tuple[socket.socket, int]] = {}
    poller = select.poll()
    for number, (address, port) in enumerate(targets):
        opened = socket.socket()
        opened.setblocking(False)
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # a reset on close frees the far end
        status = opened.connect_ex((address, port))
        if status == errno.EINPROGRESS:
            pending[opened.fileno()] = (opened, number)
            poller.register(opened, select.POLLOUT)
        else:
            found[number] = {0: "answered", errno.ECONNREFUSED: "refused"}.get(status, "not sent")
    deadline = time.monotonic() + within
    while pending and (left := deadline - time.monotonic()) > 0:
        for descriptor, _ in poller.poll(left * 1000):
            opened, number = pending.pop(descriptor)
            poller.unregister(descriptor)
            status = opened.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            found[number] = {0: "answered", errno.ETIMEDOUT: "silent"}.get(status, "refused")
            opened.close()
    return [found[number] for number in sorted(found)]


if __name__ == "__main__":
    sys.stdout.write(json.dumps(outcomes(json.loads(sys.argv[1]), float(sys.argv[2]))))
