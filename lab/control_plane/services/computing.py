# mypy: ignore-errors
"""All of Nova in one process: API, conductor, scheduler, and two hypervisors, so that no message broker is needed.

oslo.messaging's ``fake`` transport keeps its queues in the process. Two hypervisors, because an anti-affinity group must be
able to part two servers.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from nova import monkey_patch

monkey_patch.patch(backend="threading")

import booting  # noqa: E402
import hypervisor  # noqa: E402
import nova.virt  # noqa: E402
import os_vif  # noqa: E402
from nova import context, objects, service, utils  # noqa: E402
from nova.api.openstack import wsgi_app  # noqa: E402
from nova.compute import rpcapi as compute_rpc  # noqa: E402
from nova.conductor import rpcapi as conductor_rpc  # noqa: E402
from nova.objects import host_mapping  # noqa: E402
from nova.scheduler import rpcapi as scheduler_rpc  # noqa: E402
from oslo_config import cfg  # noqa: E402
from oslo_service import opts  # noqa: E402
from oslo_utils import timeutils  # noqa: E402

HYPERVISORS = 2


def everything_in_one(region: str) -> Callable[..., Any]:
    """Start what Nova consists of; its API's application. Reads ``OS_NOVA_CONFIG_DIR``."""
    # Nova loads drivers from its own package only.
    for name, module in {"rempart": hypervisor, "rempart_lab": booting}.items():
        sys.modules[f"nova.virt.{name}"] = module
        setattr(nova.virt, name, module)
    app = wsgi_app.init_application("osapi_compute", "nova-api-os-compute")
    opts.register_service_opts(cfg.CONF)
    os_vif.initialize()
    objects.register_all()
    utils.get_root_helper()
    for binary, topic in (("nova-conductor", conductor_rpc.RPC_TOPIC), ("nova-scheduler", scheduler_rpc.RPC_TOPIC)):
        service.Service.create(binary=binary, topic=topic).start()
    for number in range(1, HYPERVISORS + 1):
        service.Service.create(
            host=f"{region.lower()}-host{number}",
            binary="nova-compute",
            topic=compute_rpc.RPC_TOPIC,
            topic_alt=compute_rpc.RPC_TOPIC_ALT,
        ).start()
    admin = context.get_admin_context()
    host_mapping.discover_hosts(admin)
    _seen_alive(admin)
    return app


def _seen_alive(admin: Any) -> None:
    """Count the services as up from now on; else their first heartbeat, five seconds later, would have to be waited for."""
    for cell in objects.CellMappingList.get_all(admin):
        with context.target_cell(admin, cell) as within:
            for found in objects.ServiceList.get_all(within):
                found.last_seen_up = timeutils.utcnow()
                found.report_count += 1
                found.save()
