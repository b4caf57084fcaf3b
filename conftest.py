"""Wires the pieces into pytest: the plugins that run features, and one module of steps per domain concept."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

pytest.register_assert_rewrite("steps")  # before the first import of it, so that each plugin may import another

from steps.plugins import PLUGINS  # noqa: E402

_STEPS = sorted(path.stem for path in (Path(__file__).parent / "steps").glob("*.py") if path.stem != "__init__")


def pytest_plugin_registered(plugin: object, manager: pytest.PytestPluginManager) -> None:
    """Have pytest take the modules once it has taken this one.

    For each name in ``pytest_plugins`` it would first read what every installed distribution offers: 0.4 s.
    """
    if plugin is sys.modules[__name__]:
        for module in (*PLUGINS, *(f"steps.{name}" for name in _STEPS)):
            manager.import_plugin(module)
