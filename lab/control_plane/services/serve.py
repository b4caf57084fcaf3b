# mypy: ignore-errors
"""One service of the control plane, for each region in a process of its own. Runs in the control plane's Python.

``serve.py SERVICE PLACE [PLACE …]`` with ``PLACE`` as ``REGION:FOLDER:FD``: the folder of the region's configuration, and the
listening socket that was inherited. What a service imports is imported once; then each region's process is forked, so that they
share it. All of them end with whoever started this, however that ends.
"""

from __future__ import annotations

import ctypes
import gc
import importlib
import os
import signal
import socket
import sys
import traceback
from collections.abc import Callable
from typing import Any, NoReturn

PR_SET_PDEATHSIG = 1  # linux/prctl.h
THREADS = 8  # requests at a time; waiting ones queue
COLLECT_AFTER = 50_000  # new objects: Python's own 700 cost a tenth of the services' time, for hardly any garbage

# What takes the time at a start and reads no configuration.
IMPORTED_FIRST = {
    "keystone": ("keystone.server.flask.application", "keystone.server.backends"),
    "placement": ("placement.deploy", "placement.handler"),
    "glance": ("glance.common.wsgi_app", "glance.api.v2.router", "glance.db.sqlalchemy.api"),
    "neutron": ("neutron.server.api", "neutron.plugins.ml2.plugin", "neutron.services.l3_router.l3_router_plugin"),
    "nova": ("computing", "nova.api.openstack.compute.routes", "nova.compute.manager", "nova.scheduler.manager"),
}


def end_with_parent() -> None:
    """Have the kernel end this process when the one that started it ends."""
    parent = os.getppid()
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if parent == 1 or os.getppid() != parent:
        sys.exit("whoever started this has gone")


def application(service: str, region: str, folder: str) -> Callable[..., Any]:
    """The service's own WSGI application, configured from the region's folder."""
    os.environ[f"OS_{service.upper()}_CONFIG_DIR"] = folder
    if service == "neutron":
        os.environ["OS_NEUTRON_CONFIG_FILES"] = "neutron.conf;ml2_conf.ini"
    sys.argv = [f"{service}-{region}"]
    if service == "nova":
        return importlib.import_module("computing").everything_in_one(region)
    return importlib.import_module(f"{service}.wsgi.api").application


def serve(service: str, region: str, folder: str, listening: socket.socket) -> None:
    """Answer requests until ended."""
    import waitress

    answering = application(service, region, folder)
    gc.freeze()
    gc.set_threshold(COLLECT_AFTER)
    waitress.serve(answering, sockets=[listening], threads=THREADS, ident=service, _quiet=True)


def _be(service: str, region: str, folder: str, descriptor: int) -> NoReturn:
    """The process of one region. It ends when its service cannot start; threads that began already would keep it."""
    try:
        end_with_parent()
        serve(service, region, folder, socket.socket(fileno=descriptor))
    except BaseException:
        traceback.print_exc()
    os._exit(1)


def main() -> None:
    """Import once, fork each region, and stay until one of them ends."""
    end_with_parent()
    service, *places = sys.argv[1:]
    if service == "nova":
        os.environ["OS_NOVA_DISABLE_EVENTLET_PATCHING"] = "1"
    for module in IMPORTED_FIRST[service]:
        importlib.import_module(module)
    gc.freeze()  # what all regions share stays shared
    for place in places:
        region, folder, descriptor = place.split(":")
        if not os.fork():
            _be(service, region, folder, int(descriptor))
    _, status = os.wait()
    sys.exit(f"{service} ended with status {os.waitstatus_to_exitcode(status)}")


if __name__ == "__main__":
    main()
