"""Wires the pieces into pytest: the plugins that run features, and one module of steps per domain concept."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.register_assert_rewrite("steps")  # before the first import of it, so that each plugin may import another

from steps.plugins import PLUGINS  # noqa: E402

_STEPS = sorted(path.stem for path in (Path(__file__).parent / "steps").glob("*.py") if path.stem != "__init__")

pytest_plugins = [*PLUGINS, *(f"steps.{name}" for name in _STEPS)]
