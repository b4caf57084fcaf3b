"""Seals the run's folder once all is written: the sums of every file and, when asked for, a signature and a time stamp."""

from __future__ import annotations

from pathlib import Path

import pytest

from reports import seal, signature, timestamp


def pytest_addoption(parser: pytest.Parser) -> None:
    """Who vouches for the record."""
    group = parser.getgroup("rempart", "testing a deployment")
    group.addoption("--sign", metavar="KEY", help="sign the run's folder with this SSH key (a public one: by ssh-agent)")
    group.addoption("--timestamp-url", metavar="URL", help="have this RFC 3161 authority stamp the run's folder")


def pytest_configure(config: pytest.Config) -> None:
    """Find out before anything is started whether the key will sign. Raises UsageError."""
    if hasattr(config, "workerinput"):
        return
    key: Path | None = _key(config)
    url: str | None = config.getoption("--timestamp-url")
    try:
        if key:
            option = "--sign"
            signature.try_key(key)
        if url:
            option = "--timestamp-url"
            timestamp.refuse_bad_address(url)
    except seal.SealFailed as why:
        raise pytest.UsageError(f"{option}: {why}") from None


def close(config: pytest.Config, folder: Path) -> None:
    """Seal the folder: from here on no file of it may change. Raises SealFailed, or OSError."""
    sums = seal.seal(folder)
    if key := _key(config):
        signature.sign(sums, key)
    if url := config.getoption("--timestamp-url"):
        timestamp.stamp(sums, url)


def _key(config: pytest.Config) -> Path | None:
    given: str | None = config.getoption("--sign")
    return config.invocation_params.dir / given if given else None
