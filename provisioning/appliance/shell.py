"""SSH: the appliance's own shell, its files and commands."""

from __future__ import annotations

import io
import json
import socket
import tarfile
import tempfile
from base64 import b64decode
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from lab.appliance import changes
from provisioning.appliance.driver import Access, MemberState, Row
from provisioning.appliance.errors import ApplianceError, CommandRefused, LoginRefused, Unreachable, Untrusted
from provisioning.appliance.tree import Tree
from provisioning.unpacking import unpack

FIREWALL = "/usr/Firewall"
CONFIG = f"{FIREWALL}/ConfigFiles"
_BASE = "Data/Ldapbase.ldif"
_ARGUMENTS: Mapping[str, str] = {"enfilter": "-u", "envpn": "-u"}
_OWN = ("Certificates", "HA")
"""What a change of policy leaves alone: each appliance's keys, and what it is a member of."""


class Shell:
    """An open SSH connection. Its socket is of the thread that opened it, in its network namespace."""

    def __init__(self, access: Access) -> None:
        """Connect; only the host key that is expected is accepted. Raises Unreachable, Untrusted, LoginRefused."""
        from paramiko import SSHClient

        self.access = access
        self._client = SSHClient()
        try:
            self._connect()
        except ApplianceError:
            self._client.close()
            raise

    def __enter__(self) -> Shell:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Hang up."""
        self._client.close()

    def run(self, command: str, given: bytes = b"") -> bytes:
        """What a command printed. Raises CommandRefused with what it said, Unreachable."""
        from paramiko import SSHException

        host = str(self.access.address)
        try:
            stdin, stdout, stderr = self._client.exec_command(command, timeout=self.access.timeout)
            stdin.write(given)
            stdin.channel.shutdown_write()
            printed: bytes = stdout.read()
            said: bytes = stderr.read()
            status = stdout.channel.recv_exit_status()
        except (OSError, SSHException) as why:
            raise Unreachable(host, f"{command}: no answer: {why or 'time-out'}", "is it still up?") from why
        if status != 0:
            told = (said or printed).decode(errors="replace").strip()
            raise CommandRefused(host, command, 200, str(status), told)
        return printed

    # The driver

    def version(self) -> str:
        """The system beneath: the shell has no other word for what runs."""
        return self.run("uname -sr").decode().strip()

    @contextmanager
    def configuration(self) -> Iterator[Tree]:
        """Its files."""
        packed = self.run(f"cd {FIREWALL} && tar -cf - ConfigFiles $(ls {_BASE} 2>/dev/null)")
        with tempfile.TemporaryDirectory(prefix="rempart-files-") as folder:
            with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
                unpack(archive, Path(folder))
            yield Tree.of(Path(folder) / "ConfigFiles", self.access.name)

    def write(self, wanted: Tree) -> Sequence[str]:
        """Bring it to a configuration: the files that differ, then the commands that make them count. Both are told."""
        with self.configuration() as present:
            changed = _changed(present, wanted)
        if not changed:
            return ()
        self.run(f"tar -C {FIREWALL} -xf -", _packed(changed))
        done = [f"write {name}" for name in changed]
        for command in self._commands(changed):
            self.run(command)
            done.append(command)
        return done

    def members(self) -> Sequence[MemberState]:
        """Its cluster, by ``hainfo``; empty where high availability is off."""
        try:
            told = json.loads(self.run("hainfo --json"))
        except CommandRefused:
            return ()
        others = [told["peer"] or {"serial": told["peer_serial"], "reply": 0, "link": told["link"]}]
        return tuple(
            MemberState(
                serial=one["serial"],
                replies=bool(one["reply"]),
                mode=one.get("mode", ""),
                state=one.get("state", ""),
                quality=one.get("quality", 0),
                priority=one.get("priority", 0),
                link=one["link"],
            )
            for one in (told["local"], *others)
        )

    def synchronise(self) -> None:
        """``hasync``."""
        self.run("hasync")

    def security_associations(self) -> Sequence[Row]:
        """``showSAD``."""
        told = json.loads(self.run("showSAD --json"))["security_associations"]
        return [{name: str(value) for name, value in one.items()} for one in told]

    def vpn_sessions(self) -> Sequence[Row]:
        """``enopenvpn -l``."""
        names = ("transport", "user", "origin", "address")
        return [dict(zip(names, line.split(), strict=True)) for line in self.run("enopenvpn -l").decode().splitlines()]

    def connections(self) -> Sequence[Row]:
        """The kernel's own table."""
        from lab.appliance.serverd.monitor import CONNECTIONS, connections

        return list(connections(self.run(" ".join(CONNECTIONS)).decode()))

    def counters(self) -> Mapping[str, int]:
        """The packet filter's own counters."""
        from lab.appliance.counters import key

        found: dict[str, int] = {}
        for table in ("sns", "sns_spd"):
            told = json.loads(self.run(f"nft -j list counters table ip {table}"))
            found |= {key(one["counter"]["name"]): one["counter"]["packets"] for one in told["nftables"] if "counter" in one}
        return found

    def _commands(self, changed: Mapping[str, bytes]) -> list[str]:
        names = [name for name in changes.commands_for(changed) if name != changes.AGENT]
        return [f"{name} {_ARGUMENTS.get(name, '')}".strip() for name in names]

    def _connect(self) -> None:
        from paramiko import AuthenticationException, Ed25519Key, RejectPolicy, SSHException
        from paramiko.ssh_exception import BadHostKeyException

        access, host, client = self.access, str(self.access.address), self._client
        client.set_missing_host_key_policy(RejectPolicy())
        if access.host_key:
            kind, text = access.host_key.decode().split()[:2]
            client.get_host_keys().add(host, kind, Ed25519Key(data=b64decode(text)))
        key = Ed25519Key.from_private_key(io.StringIO(access.key.decode())) if access.key else None
        try:
            plain = socket.create_connection((host, 22), timeout=access.timeout)
            client.connect(
                host,
                username=access.user,
                password=access.password or None,
                pkey=key,
                sock=plain,
                timeout=access.timeout,
                banner_timeout=access.timeout,
                auth_timeout=access.timeout,
                allow_agent=False,
                look_for_keys=False,
            )
        except BadHostKeyException as why:
            raise Untrusted(host, f"SSH: another host key than the expected one: {why}", "is this the appliance?") from why
        except AuthenticationException as why:
            raise LoginRefused(host, f"SSH as {access.user}: {why}", "check key and password, and CONFIG SSH on it") from why
        except SSHException as why:
            if "not found in known_hosts" in str(why):
                raise Untrusted(host, "SSH: its host key is not known", "give the key that it should have") from why
            raise Unreachable(host, f"SSH: {why}", "is it up, does its policy let us in?") from why
        except OSError as why:
            raise Unreachable(host, f"SSH: {why}", "is it up, does its policy let us in?") from why


def _changed(present: Tree, wanted: Tree) -> dict[str, bytes]:
    """The wanted files that the present tree has not, or has otherwise, named as ``hasync`` does."""
    found: dict[str, bytes] = {}
    for path in sorted(wanted.root.rglob("*")):
        name = str(path.relative_to(wanted.root))
        if path.is_file() and name.partition("/")[0] not in _OWN and _content(present.root / name) != path.read_bytes():
            found[name] = path.read_bytes()
    base = wanted.root.parent / _BASE
    if base.is_file() and _content(present.root.parent / _BASE) != base.read_bytes():
        found[_BASE] = base.read_bytes()
    return found


def _content(path: Path) -> bytes | None:
    return path.read_bytes() if path.is_file() else None


def _packed(files: Mapping[str, bytes]) -> bytes:
    """An archive to unpack in ``/usr/Firewall``."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name if name == _BASE else f"ConfigFiles/{name}")
            member.size, member.mode = len(content), 0o600
            archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()
