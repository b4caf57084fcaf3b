# mypy: ignore-errors
"""A hypervisor that boots nothing, and checks an image as the real ones do before they boot it."""

from __future__ import annotations

import os
import tempfile
import uuid
from pathlib import Path
from typing import Any

from nova.image import glance
from nova.virt import fake, images


class Hypervisor(fake.FakeDriver):
    """Nova's own fake driver, with the identity of a node that survives a restart and with Nova's image inspection."""

    def get_available_resource(self, nodename: str) -> dict[str, Any]:
        """What the node offers, under its own name."""
        return {**super().get_available_resource(nodename), "hypervisor_hostname": nodename, "uuid": _identity(nodename)}

    def get_nodenames_by_uuid(self, refresh: bool = False) -> dict[str, str]:
        """The one node of this host."""
        return {_identity(name): name for name in self.get_available_nodes(refresh)}

    def spawn(self, context: Any, instance: Any, image_meta: Any, *rest: Any, **options: Any) -> None:
        """Refuse what the libvirt driver refuses: an image that is not what its disk format says."""
        self._inspect(context, image_meta)
        super().spawn(context, instance, image_meta, *rest, **options)

    def _inspect(self, context: Any, image_meta: Any) -> None:
        handle, path = tempfile.mkstemp()
        os.close(handle)
        try:
            glance.get_default_image_service().download(context, image_meta.id, dst_path=path)
            images.do_image_deep_inspection({"disk_format": image_meta.disk_format}, image_meta.id, path)
        finally:
            Path(path).unlink()


def _identity(node: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_DNS, node))
