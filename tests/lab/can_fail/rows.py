"""The whole table, in the features' order."""

from __future__ import annotations

from tests.lab.can_fail import egress, high_availability, ipsec, management, platform, publication, remote_access
from tests.lab.can_fail.row import Row

ROWS: tuple[Row, ...] = (
    *platform.ROWS,
    *management.ROWS,
    *egress.ROWS,
    *publication.ROWS,
    *ipsec.ROWS,
    *remote_access.ROWS,
    *high_availability.ROWS,
)
