"""Flows as they count: answers on one TCP session however TCP cuts them, and the longest silence between them."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from ipaddress import IPv4Address
from typing import cast

import pytest

from lab.flows import Flow, Flows, Requests
from lab.host import LabHost

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


class OwnSockets:
    """A host whose sockets are the test's own, on loopback."""

    def socket(self) -> socket.socket:
        """A TCP socket."""
        return socket.socket()


@pytest.fixture
def server() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(5)
        yield listening


def session(server: socket.socket) -> tuple[Requests, socket.socket]:
    address, port = server.getsockname()
    host = cast(LabHost, OwnSockets())
    flow = Requests("the session", host, IPv4Address(address), port, lambda number: b"GET /%d\r\n" % number)
    return flow, server.accept()[0]


def taken(flow: Requests) -> int:
    flow.socket.setblocking(True)
    flow.receive()
    return len(flow.arrivals)


@pytest.mark.parametrize(
    ("parts", "answers"),
    [
        ([ANSWER], 1),
        ([ANSWER * 3], 3),
        ([ANSWER[:5], ANSWER[5:] + ANSWER], 2),
        ([ANSWER[:10], ANSWER[10:]], 1),
        ([b"HTTP/1.1 404 Not Found\r\n\r\n"], 0),
    ],
)
def test_answers_are_counted_however_tcp_cuts_them(server: socket.socket, parts: list[bytes], answers: int) -> None:
    flow, other = session(server)
    with flow.socket, other:
        for part in parts:
            other.sendall(part)
            seen = taken(flow)
        assert seen == answers


def test_a_session_that_the_other_end_closes_is_broken(server: socket.socket) -> None:
    flow, other = session(server)
    other.close()
    with flow.socket:
        taken(flow)
        assert flow.broken == "closed by the other end"


def test_requests_are_numbered(server: socket.socket) -> None:
    flow, other = session(server)
    with flow.socket, other:
        flow.send()
        flow.send()
        assert other.recv(100) == b"GET /0\r\nGET /1\r\n"


@pytest.mark.parametrize(
    ("arrivals", "silence"),
    [([], 10.0), ([1.0, 2.0, 9.0], 7.0), ([6.0], 6.0), ([1.0, 2.0, 3.0], 7.0)],
)
def test_the_longest_silence_counts_the_beginning_and_the_end(arrivals: list[float], silence: float) -> None:
    with socket.socket() as unused:
        flow = Flow("a flow", unused)
        flow.begun, flow.arrivals, flow.ended = 0.0, arrivals, 10.0
        assert flow.longest_silence == silence


def test_flows_run_until_they_are_stopped(server: socket.socket) -> None:
    flow, other = session(server)
    with other, Flows([flow]) as flows:
        assert other.recv(100).startswith(b"GET /0\r\n")
        other.sendall(ANSWER)
        flows.stop()
        assert flow.sent >= 1
        assert flow.ended > flow.begun
