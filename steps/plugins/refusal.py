"""Refusing to run at all, with a message instead of a traceback, also from a parallel worker."""

from __future__ import annotations

import pytest


def refuse(config: pytest.Config, items: list[pytest.Item], why: str) -> None:
    """End the run before its first test. Raises UsageError, which is exit status 4.

    From a worker that would arrive as an internal error with a trace; so a worker reports that collecting failed, and
    offers no test.
    """
    if not hasattr(config, "workerinput"):
        raise pytest.UsageError(why)
    items.clear()
    report = pytest.CollectReport("features", "failed", why, [])
    config.hook.pytest_collectreport(report=report)
