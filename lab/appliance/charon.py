"""The IKE daemon: started and stopped at once, reloaded without touching the tunnels that did not change."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path

from lab.appliance import ipsec, negotiations, paths, security_associations
from lab.appliance.daemon import Daemon, accepts, tail, write_private
from lab.appliance.errors import ServiceFailed
from lab.appliance.negotiations import Failure
from lab.appliance.security_associations import SecurityAssociation
from lab.appliance.vici import CommandRefused, Session, ViciError
from sns.model import Configuration

_DIRECTORY = paths.STATE / "ipsec"
_DAEMON_FILE = _DIRECTORY / "strongswan.conf"
_POLICY_FILE = _DIRECTORY / "swanctl.conf"
_PLAN_FILE = _DIRECTORY / "plan.json"
_FOLLOWED_FILE = _DIRECTORY / "followed.json"  # the plan that SAs in place follow: a former one where a reload failed
_COMPILED_PID_FILE = Path("/run/charon.pid")  # charon's own; a stale one keeps it from starting

_RENEWAL = 5.0  # seconds for a tunnel to be negotiated afresh
_ANSWER = 5.0  # seconds for the daemon to answer what takes it no time
_LOOK_EVERY = 0.005  # seconds at least between two looks at tunnels that are being negotiated
_PRECISION = 0.05  # of the time that they take: who waits for long looks seldom, for each look is work for the daemon too
_BRIEFLY = 0.5  # seconds, where nothing else may be kept waiting for the daemon
_TOLD = 2.0  # seconds for a peer to hear that a tunnel ends, with one second for a packet of it that is lost
_IN_FLIGHT = 0.1  # seconds that packets of an old SA may still be under way

_CHARON = Daemon("charon", "/usr/lib/ipsec/charon", paths.LOG / "l_vpn_daemon", forwards=True)


@dataclass(frozen=True, slots=True)
class _Plan:
    """What of a connection decides how an SA in place is treated when the policy changes."""

    identity: str
    times: str
    children: tuple[str, ...]
    initiate: bool
    where: str
    peer: str


def apply(configuration: Configuration, active: Callable[[], bool]) -> None:
    """Make the active VPN slot the running one.

    Tunnels that the change does not concern are not touched; where only lifetimes changed, new SAs stand before the
    old ones go; anything else that changed goes down at once and is negotiated again. On a passive member (``active`` says no,
    and is asked at the last moment: it may be taking over) only the files are written. Raises Refused for a policy that cannot
    be translated (nothing has changed then) and ServiceFailed when the daemon does not come up.
    """
    connections = ipsec.translate(configuration)
    plans = {
        connection.key: _Plan(
            identity=connection.identity,
            times=ipsec.render({connection.key: connection.settings}),
            children=tuple(child.key for child in connection.children),
            initiate=not connection.peer.responder_only,
            where=configuration.where(connection.peer.location),
            peer=connection.peer.name,
        )
        for connection in connections
    }
    daemon_changed = write_private(_DAEMON_FILE, ipsec.strongswan_conf(configuration))
    write_private(_POLICY_FILE, ipsec.swanctl_conf(connections))
    write_private(_PLAN_FILE, json.dumps({key: asdict(plan) for key, plan in plans.items()}))
    if not plans or not active():
        stop()
    elif _CHARON.pid() is None:
        start()
    else:
        if daemon_changed:
            _CHARON.signal(signal.SIGHUP)  # reads strongswan.conf again
        _reload(_stored(_FOLLOWED_FILE), plans)
        _follow_plan()


def start() -> None:
    """Start the daemon with the policy last applied, and initiate its tunnels. Does nothing when there is no policy.

    Returns when the first IKE packets are being sent, not when the tunnels are up. Raises ServiceFailed.
    """
    plans = _plans()
    if not plans or _CHARON.pid() is not None:
        return
    _COMPILED_PID_FILE.unlink(missing_ok=True)
    ipsec.SOCKET.unlink(missing_ok=True)
    _CHARON.start([], partial(accepts, ipsec.SOCKET), environment={"STRONGSWAN_CONF": str(_DAEMON_FILE)})
    _follow_plan()
    try:
        _load()
        with _session() as session:
            _initiate(session, _initiated(plans))
    except ServiceFailed:
        stop(silently=True)  # without its policy it would refuse every peer, and never be started again
        raise


def await_tunnels(within: float) -> None:
    """Return once every tunnel that this side initiates is up. Raises ServiceFailed when one is not, after so many seconds."""
    wanted = _initiated(_plans()).keys()
    if not wanted:
        return  # without a policy no daemon runs
    begun = time.monotonic()
    with _session() as session:
        while missing := wanted - {sa.child for sa in security_associations.read(session) if sa.established}:
            waited = time.monotonic() - begun
            if waited > within:
                raise ServiceFailed("charon", f"not up after {within:g} s: {', '.join(sorted(missing))}")
            time.sleep(max(_LOOK_EVERY, waited * _PRECISION))


def given_up() -> frozenset[str]:
    """The tunnels that this side initiates, that do not stand and that nobody negotiates; none when the daemon does not run.

    The daemon asks a peer that is silent for ever, but not again one that refused: as a peer does whose daemon has started and
    does not have its policy yet, or where two negotiations replaced each other. Raises ServiceFailed when it does not answer.
    """
    if _CHARON.pid() is None:
        return frozenset()
    with _session(_BRIEFLY) as session:
        found = security_associations.read(session)
    at_work = {sa.connection for sa in found if sa.ike_state != "ESTABLISHED"}
    there = {sa.child for sa in found}
    return frozenset(child for child, key in _initiated(_plans()).items() if key not in at_work and child not in there)


def ask_again(children: Collection[str]) -> None:
    """Negotiate these tunnels anew. Returns at once. Raises ServiceFailed."""
    with _session(_BRIEFLY) as session:
        _initiate(session, {child: key for child, key in _initiated(_plans()).items() if child in children})


def stop(*, silently: bool = False) -> None:
    """Stop the daemon; its peers are told unless ``silently``. Nothing to do when it does not run."""
    if not silently:
        _end_all()
    _CHARON.stop(sign=signal.SIGKILL if silently else signal.SIGTERM)


def last_failure() -> Failure | None:
    """Why the last negotiation failed, in plain words; None when the last one of every connection succeeded."""
    plans = _plans()
    failure = negotiations.last_failure(ipsec.LOG)
    if failure is None or failure.connection not in plans:
        return failure
    return replace(failure, peer=plans[failure.connection].peer, where=plans[failure.connection].where)


def running() -> bool:
    """Whether the daemon runs."""
    return _CHARON.pid() is not None


def _reload(before: Mapping[str, _Plan], plans: Mapping[str, _Plan]) -> None:
    with _session(_RENEWAL + _ANSWER) as session:  # which answers only when a renewal's time is up
        _load()  # first: what a peer asks for while a tunnel ends is by the new policy
        for key, plan in before.items():
            if key not in plans or plans[key].identity != plan.identity:
                _end(session, key)
        standing = [sa for sa in security_associations.read(session) if sa.established]
        there = {sa.child for sa in standing}
        _initiate(session, {child: key for child, key in _initiated(plans).items() if child not in there})
        for sa in standing:
            changed = sa.connection in before and plans[sa.connection].times != before[sa.connection].times
            if changed and plans[sa.connection].initiate:
                _renew(session, sa)


def _initiated(plans: Mapping[str, _Plan]) -> dict[str, str]:
    """The connection of each tunnel that this side initiates, by the tunnel."""
    return {child: key for key, plan in plans.items() if plan.initiate for child in plan.children}


def _initiate(session: Session, tunnels: Mapping[str, str]) -> None:
    for child, key in tunnels.items():
        session.command("initiate", {"ike": key, "child": child, "timeout": "-1"})


def _renew(session: Session, old: SecurityAssociation) -> None:
    """Negotiate the tunnel afresh and let the old SA go when the new one stands; if none does, the old one stays."""
    try:
        session.command("initiate", {"ike": old.connection, "child": old.child, "timeout": f"{_RENEWAL * 1000:.0f}"})
    except CommandRefused:
        return  # security_associations.last_failure() tells why
    time.sleep(_IN_FLIGHT)
    fresh = {sa.ike_id for sa in security_associations.read(session) if sa.connection == old.connection}
    if fresh == {old.ike_id}:
        security_associations.terminate(session, {"child-id": old.child_id})
    else:
        security_associations.terminate(session, {"ike-id": old.ike_id})


def _end_all() -> None:
    if _CHARON.pid() is not None:
        with suppress(ServiceFailed), _session() as session:  # a daemon that does not answer is stopped all the same
            for key in _stored(_FOLLOWED_FILE):
                _end(session, key)


def _end(session: Session, connection: str) -> None:
    """Let all of the connection go once its peer knows; a peer that does not say so in time does not keep it.

    At once would do here, but not there: what charon tells waits until what it asked before is answered (IKEv2 has one question
    under way, RFC 7296 2.3), and without the time for it the peer is not told at all, and holds a dead tunnel until it asks.
    """
    security_associations.terminate(session, {"ike": connection, "force": "yes", "timeout": f"{_TOLD * 1000:.0f}"})


@contextmanager
def _session(timeout: float = _ANSWER) -> Iterator[Session]:
    """A connection to the daemon; whatever it does not do in time (s) or refuses is ServiceFailed, with its log."""
    try:
        with Session(ipsec.SOCKET, timeout) as session:
            yield session
    except ViciError as error:
        raise ServiceFailed("charon", f"{error}\n{tail(ipsec.LOG)}") from error


def _load() -> None:
    _swanctl("--load-all", "--clear", "--noprompt", "--file", str(_POLICY_FILE))


def _swanctl(*arguments: str) -> None:
    """Run swanctl, always bounded: a daemon short of threads would keep it waiting for ever. Raises ServiceFailed."""
    environment = {"STRONGSWAN_CONF": str(_DAEMON_FILE), "SWANCTL_DIR": str(_DIRECTORY), "PATH": "/usr/sbin:/usr/bin"}
    try:
        done = subprocess.run(
            ["/usr/sbin/swanctl", *arguments], env=environment, capture_output=True, text=True, timeout=5, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise ServiceFailed("charon", f"swanctl {arguments[0]} got no answer\n{tail(ipsec.LOG)}") from error
    if done.returncode:
        raise ServiceFailed("charon", f"swanctl {arguments[0]}: {done.stderr.strip() or done.stdout.strip()}")


def _follow_plan() -> None:
    """What stands from now on follows the plan last applied."""
    write_private(_FOLLOWED_FILE, _PLAN_FILE.read_text())


def _plans() -> dict[str, _Plan]:
    """The plan last applied; empty before the first."""
    return _stored(_PLAN_FILE)


def _stored(file: Path) -> dict[str, _Plan]:
    try:
        stored = json.loads(file.read_text())
    except FileNotFoundError:
        return {}
    return {key: _Plan(**{**plan, "children": tuple(plan["children"])}) for key, plan in stored.items()}
