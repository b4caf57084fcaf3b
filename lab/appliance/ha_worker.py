"""What the agent must not do itself, in a process beside it: what takes longer than a heartbeat may wait.

It starts and stops the VPN daemons after a change of mode, watches the configuration files for their digest, rereads the
configuration, and receives what the peer synchronises. It is forked from the agent, so everything is already imported at
the moment of a takeover; it dies with it.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from multiprocessing.connection import Connection, Pipe

from lab.appliance import charon, conntrackd, duty, ha_cluster, ha_files, ha_priority, ha_sync, routes
from lab.appliance import configuration as configurations
from lab.appliance.errors import ApplianceError, ServiceFailed
from lab.appliance.ha_cluster import Place
from sns.model import Configuration

_TUNNELS_WITHIN = 60.0  # s: a negotiation takes 0.2, but the other end's site may still be booting, with many others
_LOOK_EVERY = 0.2  # s between two looks at whether a configuration file changed
_STARTS = 5  # of the VPN daemons at a takeover; each that fails may keep the worker for seconds
_RECEIVE_AGAIN = 1.0  # s after which what receives is begun again
_TEND_EVERY = 1.0  # s between two looks at the tunnels; one that two of them find given up is asked for again


class Order(Enum):
    """What the agent asks for."""

    SERVE = "serve"  # this member is active now
    REST = "rest"  # it is no longer
    CATCH_UP = "catch up"  # the HA link is back, or there for the first time: sessions were missed
    REREAD = "reread"  # HA files or interfaces may have changed


@dataclass(frozen=True, slots=True)
class Done:
    """An order was carried out, or ``failure`` says why not. ``seconds`` is how long it took."""

    event: str
    seconds: float
    failure: str = ""


@dataclass(frozen=True, slots=True)
class Digest:
    """The configuration files are these now."""

    value: bytes


Word = Done | Digest | Place


class Worker:
    """The agent's end: orders in, words out; ``connection`` is to be polled."""

    def __init__(self, configuration: Configuration, place: Place) -> None:
        self.connection, theirs = Pipe()
        self.pid = os.fork()
        if self.pid == 0:
            _close_all_but(theirs.fileno())
            ha_priority.die_with_parent()
            ha_priority.raise_ordinary()
            _Bench(theirs, configuration, place).work()
        theirs.close()

    def order(self, order: Order) -> None:
        """Ask for something; returns at once. Raises OSError when the worker is gone."""
        self.connection.send(order)

    def words(self) -> list[Word]:
        """What it said since the last call. Raises EOFError when it is gone."""
        said = []
        while self.connection.poll():
            said.append(self.connection.recv())
        return said

    def bury(self) -> int:
        """Collect a worker that is gone; its exit status, negative for a signal."""
        self.connection.close()
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


def worth_obeying(orders: Sequence[Order]) -> list[Order]:
    """What is to be done of orders that came while the worker was busy: of each kind the last, the mode first.

    Who serves again after a rest rests first: meanwhile the other member may have negotiated its own tunnels, and the peers
    have forgotten this one's.
    """
    modes = [order for order in orders if order in (Order.SERVE, Order.REST)]
    rested = [Order.REST] if modes[-1:] == [Order.SERVE] and Order.REST in modes else []
    return [*rested, *modes[-1:], *(other for other in (Order.CATCH_UP, Order.REREAD) if other in orders)]


def _close_all_but(kept: int) -> None:
    """Close what the agent has open, the standard streams aside: a socket stays bound for as long as anybody holds it."""
    os.closerange(3, kept)
    os.closerange(kept + 1, os.sysconf("SC_OPEN_MAX"))


class _Bench:
    """The worker's own end."""

    def __init__(self, connection: Connection, configuration: Configuration, place: Place) -> None:
        self._connection = connection
        self._configuration = configuration
        self._place = place
        self._signature = 0
        self._lock = threading.Lock()  # of the connection's sending end
        self._serving = False
        self._rests = 0  # how often this member was told to rest
        self._starts_left = 0  # of VPN daemons of which one did not start, though this member serves
        self._tended = time.monotonic()
        self._given_up: frozenset[str] = frozenset()
        self._receiver: threading.Thread | None = None
        self._receiver_begun = 0.0

    def work(self) -> None:
        """Until the agent is gone; never returns."""
        try:
            while True:
                self._look()
                self._keep_receiving()
                if self._serving and time.monotonic() - self._tended >= _TEND_EVERY:
                    self._tend()
                if self._connection.poll(_LOOK_EVERY):
                    self._obey(self._newest())
        except (EOFError, OSError):
            os._exit(0)

    def _keep_receiving(self) -> None:
        """Somebody receives what the peer synchronises, and again after what ended that: the address was not there yet."""
        if self._receiver is not None and self._receiver.is_alive():
            return
        if (now := time.monotonic()) - self._receiver_begun >= _RECEIVE_AGAIN:
            self._receiver_begun = now
            self._receiver = threading.Thread(target=self._receive, daemon=True)
            self._receiver.start()

    def _receive(self) -> None:
        try:
            ha_sync.serve(lambda: self._place)
        except (ApplianceError, OSError) as error:
            print(f"hasync: {error}", file=sys.stderr, flush=True)

    def _newest(self) -> list[Order]:
        orders: list[Order] = [self._connection.recv()]
        while self._connection.poll():
            orders.append(self._connection.recv())
        return worth_obeying(orders)

    def _obey(self, orders: list[Order]) -> None:
        for order in orders:
            match order:
                case Order.SERVE:
                    self._serving, self._tended = True, time.monotonic()
                    self._do("routes set", lambda: routes.apply(self._configuration))
                    self._start_vpn(_STARTS)
                    self._do("sessions adopted", conntrackd.adopt)
                case Order.REST:
                    self._serving = False
                    self._rests += 1
                    self._do("vpn stopped", duty.stand_down)
                case Order.CATCH_UP:
                    self._do("sessions asked for", conntrackd.ask_for_all)
                case Order.REREAD:
                    self._do("configuration read", self._reread)

    def _start_vpn(self, tries: int) -> None:
        self._starts_left = 0 if self._do("vpn started", duty.take_over) else tries - 1
        threading.Thread(target=self._await_tunnels, args=(self._rests,), daemon=True).start()

    def _await_tunnels(self, rests: int) -> None:
        """Say when they are up, or that they are not; nothing when this member rests meanwhile, which ends their daemon.

        ``rests`` is how often it had been told to when they were begun.
        """
        done = _tried("tunnels up", lambda: charon.await_tunnels(_TUNNELS_WITHIN))
        if rests == self._rests:
            self._say(done)

    def _tend(self) -> None:
        """Start again what did not start, and ask again for tunnels that nobody negotiates any more."""
        self._tended = time.monotonic()
        if self._starts_left:
            self._start_vpn(self._starts_left)
            return
        with suppress(ServiceFailed):  # a daemon that hangs or is being stopped; the next look tells
            before, self._given_up = self._given_up, charon.given_up()
            if again := before & self._given_up:
                self._do("tunnels asked for again", lambda: charon.ask_again(again))

    def _do(self, event: str, act: Callable[[], object]) -> bool:
        done = _tried(event, act)
        self._say(done)
        return not done.failure

    def _say(self, word: Word) -> None:
        with self._lock:
            self._connection.send(word)

    def _reread(self) -> None:
        self._configuration = configurations.load()
        self._place = ha_cluster.place(self._configuration)
        self._say(self._place)
        conntrackd.follow(self._configuration)

    def _look(self) -> None:
        try:
            signature = ha_files.signature()
            if signature == self._signature:
                return
            self._say(Digest(ha_files.digest()))
        except FileNotFoundError:  # a file that goes while we look: the next look will do
            return
        if self._signature:  # at a takeover nobody waits for the files to be read
            self._configuration = configurations.load()
        self._signature = signature


def _tried(event: str, act: Callable[[], object]) -> Done:
    begun, failure = time.monotonic(), ""
    try:
        act()
    except (ApplianceError, OSError) as error:
        failure = str(error)
    return Done(event, time.monotonic() - begun, failure)
