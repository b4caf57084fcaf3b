"""The appliance's image of the lab's cloud: a disk without content, of the form that the plan says.

What boots from it is the simulated appliance: the vendor's own image is not looked into, and need not be here.
"""

from __future__ import annotations

import struct


def stand_in(disk_format: str) -> bytes:
    """An empty disk that Nova's inspection takes for what it claims to be."""
    return _qcow2() if disk_format == "qcow2" else bytes(1 << 16)


def _qcow2(disk: int = 1 << 30) -> bytes:
    """Header, tables of references, an empty first-level table."""
    header = struct.pack(">4sIQIIQIIQQIIQ", b"QFI\xfb", 3, 0, 0, 16, disk, 0, 16, 0x30000, 0x10000, 1, 0, 0)
    return (header + struct.pack(">QQQII", 0, 0, 0, 4, 104)).ljust(0x40000, b"\0")
