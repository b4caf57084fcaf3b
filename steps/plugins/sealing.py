"""Seals the run's folder once all is written: the sums of every file and, when asked for, a signature."""

from __future__ import annotations

from pathlib import Path

import pytest

from reports import seal, signature


def pytest_addoption(parser: pytest.Parser) -> None:
    """Who vouches for the record."""
    group = parser.getgroup("rempart", "testing a deployment")
    group.addoption("--sign", metavar="KEY", help="sign the run's folder with this SSH key (a public one: by ssh-agent)")


def pytest_configure(config: pytest.Config) -> None:
    """Find out before anything is started whether the key will sign. Raises UsageError."""
    key = _key(config)
    if key is None or hasattr(config, "workerinput"):
        return
    try:
        signature.try_key(key)
    except seal.SealFailed as why:
        raise pytest.UsageError(f"--sign: {why}") from None


def close(config: pytest.Config, folder: Path) -> None:
    """Seal the folder: from here on no file of it may change. Raises SealFailed, or OSError."""
    sums = seal.seal(folder)
    if key := _key(config):
        signature.sign(sums, key)


def _key(config: pytest.Config) -> Path | None:
    given: str | None = config.getoption("--sign")
    return config.invocation_params.dir / given if given else None
