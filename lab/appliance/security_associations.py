"""The security associations that the IKE daemon holds: what the product shows as SAD."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass

from lab.appliance import ipsec
from lab.appliance.vici import CommandRefused, Message, Session, ViciError


@dataclass(frozen=True, slots=True)
class SecurityAssociation:
    """A CHILD_SA under its IKE_SA; an IKE_SA with no child has an empty ``child``.

    Proposals are in strongSwan's words, algorithms joined by ``/``. Times are in seconds: how long ago it was
    established, in how long it will be renewed, in how long it ends. Selectors are networks, joined by ``,``.
    """

    connection: str
    ike_id: str
    ike_state: str
    ike_version: str
    initiator: bool
    local: str
    remote: str
    ike_proposal: str
    ike_established: int
    ike_rekey_in: int
    child: str = ""
    child_id: str = ""
    child_state: str = ""
    esp_proposal: str = ""
    encapsulated: bool = False
    local_selectors: str = ""
    remote_selectors: str = ""
    spi_in: str = ""
    spi_out: str = ""
    bytes_in: int = 0
    bytes_out: int = 0
    packets_in: int = 0
    packets_out: int = 0
    installed: int = 0
    rekey_in: int = 0
    life: int = 0

    @property
    def established(self) -> bool:
        """Whether traffic passes by this SA."""
        return self.ike_state == "ESTABLISHED" and self.child_state == "INSTALLED"

    @property
    def shown(self) -> str:
        """The SA for people, in a few lines."""
        lines = [
            f"{self.connection}[{self.ike_id}] {self.ike_state} IKEv{self.ike_version} {self.local} {self.remote}",
            f"  {self.ike_proposal}",
        ]
        if self.child:
            lines += [
                f"  {self.child}{{{self.child_id}}} {self.child_state} {self.local_selectors} === {self.remote_selectors}",
                f"  {self.esp_proposal} in {self.spi_in} {self.bytes_in} bytes, out {self.spi_out} {self.bytes_out} bytes",
            ]
        return "\n".join(lines)


def security_associations() -> list[SecurityAssociation]:
    """All SAs of the running daemon; none when it does not run."""
    try:
        with Session(ipsec.SOCKET) as session:
            return read(session)
    except ViciError:
        return []


_BEGIN_AGAIN = ("start", "restart")  # charon's words for it, new and old


@dataclass(frozen=True, slots=True)
class Peer:
    """A peer as the daemon knows it: how often it is asked whether it lives (s, 0 for never), and whether the tunnels that end
    with it are begun again.
    """

    connection: str
    asked_every: int
    begun_again: bool


def peers(session: Session) -> list[Peer]:
    """All peers that charon lists."""
    found = []
    for event in session.listing("list-conns", "list-conn"):
        for connection, told in event.items():
            if isinstance(told, dict):
                children = told.get("children")
                several = children.values() if isinstance(children, dict) else ()
                actions = [one.get("dpd_action") for one in several if isinstance(one, dict)]
                found.append(Peer(connection, int(str(told.get("dpd_delay", 0))), all(one in _BEGIN_AGAIN for one in actions)))
    return found


def read(session: Session) -> list[SecurityAssociation]:
    """All SAs that charon lists, oldest IKE_SA first."""
    found = []
    for event in session.listing("list-sas", "list-sa"):
        for connection, ike in event.items():
            if isinstance(ike, dict):
                found.extend(_of_ike(connection, ike))
    return found


def renew(session: Session) -> None:
    """Have charon renew the keys of every tunnel that stands now, as at the end of their lifetime. Raises ViciError."""
    for sa in read(session):
        if sa.established:
            session.command("rekey", {"child-id": sa.child_id})


def give_up(session: Session) -> None:
    """Have charon end what is being negotiated and stands nowhere yet, whoever began it. Raises ViciError."""
    for ike_id in dict.fromkeys(sa.ike_id for sa in read(session) if sa.ike_state == "CONNECTING"):
        terminate(session, {"ike-id": ike_id, "force": "yes"})


def terminate(session: Session, which: Mapping[str, str]) -> None:
    """Have charon let go of these, and do not wait for it unless ``which`` has a time-out (ms). Raises ViciError."""
    with suppress(CommandRefused):  # nothing of that name is up: just what was wanted
        session.command("terminate", {"timeout": "-1", **which})


def _of_ike(connection: str, ike: Message) -> list[SecurityAssociation]:
    base = SecurityAssociation(
        connection=connection,
        ike_id=_text(ike, "uniqueid"),
        ike_state=_text(ike, "state"),
        ike_version=_text(ike, "version"),
        initiator=ike.get("initiator") == "yes",
        local=_text(ike, "local-host"),
        remote=_text(ike, "remote-host"),
        ike_proposal=_algorithms(ike),
        ike_established=_number(ike, "established"),
        ike_rekey_in=_number(ike, "rekey-time"),
    )
    children = ike.get("child-sas", {})
    named = [child for child in children.values() if isinstance(child, dict)] if isinstance(children, dict) else []
    return [_of_child(base, child) for child in named] or [base]


def _of_child(base: SecurityAssociation, child: Message) -> SecurityAssociation:
    return SecurityAssociation(
        **{
            **asdict(base),
            "child": _text(child, "name"),
            "child_id": _text(child, "uniqueid"),
            "child_state": _text(child, "state"),
            "esp_proposal": _algorithms(child),
            "encapsulated": child.get("encap") == "yes",
            "local_selectors": _joined(child, "local-ts"),
            "remote_selectors": _joined(child, "remote-ts"),
            "spi_in": _text(child, "spi-in"),
            "spi_out": _text(child, "spi-out"),
            "bytes_in": _number(child, "bytes-in"),
            "bytes_out": _number(child, "bytes-out"),
            "packets_in": _number(child, "packets-in"),
            "packets_out": _number(child, "packets-out"),
            "installed": _number(child, "install-time"),
            "rekey_in": _number(child, "rekey-time"),
            "life": _number(child, "life-time"),
        }
    )


def _algorithms(sa: Message) -> str:
    parts = []
    for kind in ("encr", "integ", "prf", "dh"):
        name, size = _text(sa, f"{kind}-alg") or _text(sa, f"{kind}-group"), _text(sa, f"{kind}-keysize")
        if name:
            parts.append(f"{name}_{size}" if size else name)
    return "/".join(parts)


def _text(section: Message, name: str) -> str:
    value = section.get(name, "")
    return value if isinstance(value, str) else ""


def _joined(section: Message, name: str) -> str:
    value = section.get(name, [])
    return ",".join(value) if isinstance(value, list) else ""


def _number(section: Message, name: str) -> int:
    text = _text(section, name)
    return int(text) if text.isdigit() else 0
