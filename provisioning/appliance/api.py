"""The management API, through the vendor's own client library."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from provisioning.appliance import answers, commands
from provisioning.appliance.answers import Answer
from provisioning.appliance.driver import Access, MemberState, Row
from provisioning.appliance.errors import ApplianceError, CommandRefused, LoginRefused, Unreachable, Untrusted, hidden
from provisioning.appliance.tree import Tree
from provisioning.sources import Opening, SourceError, opened

if TYPE_CHECKING:
    from collections.abc import Callable


class Api:
    """A session of the management API. Sockets are opened by the thread that calls, in its network namespace."""

    def __init__(self, access: Access, *, force: bool = False) -> None:
        """Log in, and take the privilege to modify; from whoever has it when ``force`` is given.

        Raises Unreachable, Untrusted, LoginRefused.
        """
        self.access = access
        self._client = self._connected()
        if force:
            self.must("MODIFY ON FORCE")

    def __enter__(self) -> Api:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Log out. What does not answer any more is left as it is."""
        from requests.exceptions import RequestException

        try:
            self._client.disconnect()
        except RequestException:
            self._client.session.close()

    def send(self, command: str) -> Answer:
        """The answer to a command; the caller judges it. Raises Unreachable, LoginRefused, CommandRefused."""
        return answers.read(self._asked(command, partial(self._client.send_command, command)))

    def must(self, command: str) -> Answer:
        """The answer to a command that has to work. Raises CommandRefused, Unreachable."""
        answer = self.send(command)
        if not answer.ok:
            raise CommandRefused(str(self.access.address), command, answer.ret, answer.code, answer.msg)
        return answer

    # The driver

    def version(self) -> str:
        """The firmware that runs."""
        return self.must("SYSTEM PROPERTY").sections["Result"]["Version"]

    @contextmanager
    def configuration(self) -> Iterator[Tree]:
        """Its configuration, by its own backup."""
        with tempfile.TemporaryDirectory(prefix="rempart-backup-") as folder:
            backup = Path(folder) / "backup.na"
            self.must(f"CONFIG BACKUP list=all > {backup}")
            try:
                with opened(str(backup), Opening(unsigned=self.access.unsigned)) as source:
                    yield Tree.of(source.folder, self.access.name)
            except SourceError as why:
                raise CommandRefused(str(self.access.address), "CONFIG BACKUP list=all", 200, "", str(why)) from why

    def restore(self, backup: Path) -> None:
        """Put back a backup of its own."""
        self.must(f"CONFIG RESTORE list=all < {backup}")

    def write(self, wanted: Tree) -> Sequence[str]:
        """Bring it to a configuration by commands; what it is a member of stays as it is. The commands, without secrets."""
        with self.configuration() as present:
            lines = commands.commands(present, wanted, directory_password=self.access.password)
        try:
            for line in lines:
                self.must(line)
        except CommandRefused:
            for group in _GROUPS:  # what was edited and cannot be finished must not be activated by the next who comes
                self.send(f"CONFIG {group} ACTIVATE CANCEL")
            raise
        return [hidden(line) for line in lines]

    def members(self) -> Sequence[MemberState]:
        """Its cluster, by ``HA INFO``; empty where high availability is off."""
        if not self.must("HA CLUSTER LIST").listed["HA"]:
            return ()
        told = self.must("HA INFO").lines
        return tuple(_member(serial, lines[0]) for serial, lines in told.items() if serial != "Notifications" and lines)

    def synchronise(self) -> None:
        """``HA SYNC``."""
        self.must("HA SYNC")

    def security_associations(self) -> Sequence[Row]:
        """``MONITOR GETSA``."""
        return self.must("MONITOR GETSA").lines["Result"]

    def vpn_sessions(self) -> Sequence[Row]:
        """``MONITOR OPENVPN LIST``."""
        return self.must("MONITOR OPENVPN LIST").lines["Result"]

    def connections(self) -> Sequence[Row]:
        """``MONITOR CONNECTION``."""
        return self.must("MONITOR CONNECTION").lines["Result"]

    def counters(self) -> Mapping[str, int]:
        """``MONITOR FILTER``: packets by rule."""
        return {line["rule"]: int(line["packets"]) for line in self.must("MONITOR FILTER").lines["Result"]}

    # The library

    def _connected(self) -> Any:
        from stormshield.sns.sslclient import MissingCABundle, SSLClient

        access = self.access
        try:
            client = SSLClient(
                user=access.user,
                password=access.password,
                host=access.name,
                ip=str(access.address),
                cabundle=str(access.authority) if access.authority else None,
                timeout=access.timeout,
                autoconnect=False,
            )
        except MissingCABundle as why:
            raise Untrusted(str(access.address), f"{access.authority}: {why}", "give the file of the CA that signs it") from why
        # REQUESTS_CA_BUNDLE and CURL_CA_BUNDLE in the environment would replace the authority that was given.
        client.session.trust_env = False
        try:
            self._asked("log in", client.connect)
        except ApplianceError:
            client.session.close()
            raise
        return client

    def _asked(self, command: str, ask: Callable[[], Any]) -> Any:
        """What the library answers, its errors in our words."""
        from requests.exceptions import RequestException, SSLError
        from stormshield.sns.sslclient import AuthenticationError, ServerError, TOTPNeededError

        host, shown = str(self.access.address), hidden(command)
        try:
            return ask()
        except SSLError as why:
            remedy = f"is {self.access.authority} the CA of {self.access.name}?"
            raise Untrusted(
                host, f"{shown}: its certificate does not prove that it is {self.access.name}: {why}", remedy
            ) from why
        except RequestException as why:
            remedy = "is it up, is its address right, does its policy let us in?"
            raise Unreachable(host, f"{shown}: no answer: {why}", remedy) from why
        except (AuthenticationError, TOTPNeededError) as why:
            raise LoginRefused(host, f"{shown}: {why}", "check user and password; several failures ban for a minute") from why
        except ServerError as why:
            if "Unknown command" in str(why):
                raise CommandRefused(host, command, 201, "", "there is no such command on this firmware") from why
            raise LoginRefused(host, f"{shown}: {why}", "log in again; is our address in webadmin's list?") from why


_GROUPS = ("OBJECT", "NETWORK", "FILTER", "IPSEC", "OPENVPN", "WEBADMIN", "SSH")


def _member(serial: str, told: Mapping[str, str]) -> MemberState:
    return MemberState(
        serial=serial,
        replies=told.get("Reply") == "1",
        mode=told.get("Mode", "").lower(),
        state=told.get("State", ""),
        quality=int(told.get("Quality", "0") or 0),
        priority=int(told.get("Priority", "0") or 0),
        link=told.get("Link", ""),
    )
