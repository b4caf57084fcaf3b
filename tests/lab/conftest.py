"""One state folder of their own for all tests that kill what others might be using; and a memory of flows without a process."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from lab.flows.memory import Memory, size

pytest.register_assert_rewrite("tests.lab.own_machine")

from tests.lab.own_machine import Machine, own_machine  # noqa: E402


@pytest.fixture(scope="session")
def _own_machine() -> Iterator[Machine]:
    with own_machine(with_image=True) as machine:
        yield machine


@pytest.fixture
def machine(_own_machine: Machine) -> Iterator[Machine]:
    """It has the image, and nothing else: neither before a test nor after it."""
    assert _own_machine.left() == []
    yield _own_machine
    left = _own_machine.left()
    if left:
        _own_machine.rempart("lab", "down", "--all")
    assert left == []


@pytest.fixture
def bare_machine() -> Iterator[Machine]:
    """It has not even an engine."""
    with own_machine(with_image=False) as machine:
        yield machine


@pytest.fixture
def memory() -> Iterator[Memory]:
    """As the instrument writes it and the run reads it, of two lanes."""
    descriptor = os.memfd_create("flows")
    os.ftruncate(descriptor, size(2))
    memory = Memory(descriptor, 2)
    os.close(descriptor)
    yield memory
    memory.close()
