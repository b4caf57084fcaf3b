"""The HTTP side of serverd: logins, sessions, commands and files under ``/auth`` and ``/api`` (sns.md 4)."""

from __future__ import annotations

import base64
import binascii
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email import message_from_bytes
from http import HTTPStatus
from http.cookies import CookieError, SimpleCookie
from ipaddress import IPv4Address
from urllib.parse import parse_qs

from lab.appliance import ha_cluster
from lab.appliance.errors import ApplianceError
from lab.appliance.serverd import passwords
from lab.appliance.serverd.replies import (
    Disconnected,
    Nws,
    Refusal,
    Reply,
    UnknownCommand,
    authentication,
    nws,
    rendered,
)
from lab.appliance.serverd.service import Serverd
from lab.appliance.serverd.sessions import Session

_XML, _BYTES = "text/xml; charset=utf-8", "application/octet-stream"


@dataclass(frozen=True, slots=True)
class Request:
    """A request for serverd, TLS and HTTP taken off. ``client`` is the true one."""

    method: str
    path: str
    query: str
    cookies: str
    content_type: str
    body: bytes
    client: IPv4Address


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back; ``after`` is to be called when it has gone."""

    body: bytes
    status: HTTPStatus = HTTPStatus.OK
    content_type: str = _XML
    cookie: str = ""
    after: Callable[[], object] | None = None


class Endpoints:
    """Serverd as it is reached over HTTPS."""

    def __init__(self, serverd: Serverd) -> None:
        self._serverd = serverd
        self._cookie = f"{_serial()}_admin"
        self._served: Mapping[tuple[str, str], Callable[[Request], Answer]] = {
            ("POST", "/auth/admin.html"): self._authenticate,
            ("GET", "/auth/admin.html"): self._authenticate_by_certificate,
            ("POST", "/api/auth/login"): self._login,
            ("GET", "/api/auth/logout"): self._in_session(self._logout),
            ("GET", "/api/command"): self._in_session(self._command),
            ("GET", "/api/download/tmp.file"): self._in_session(self._download),
            ("POST", "/api/upload"): self._in_session(self._upload),
        }

    def answer(self, request: Request) -> Answer:
        """The answer to a request."""
        serve = self._served.get((request.method, request.path))
        if serve is None:
            return Answer(b"Not found\n", HTTPStatus.NOT_FOUND, "text/plain")
        return serve(request)

    def _authenticate(self, request: Request) -> Answer:
        sessions = self._serverd.sessions
        self._serverd.configure()
        if delay := sessions.banned_for(request.client):
            return Answer(authentication("ERR_BRUTEFORCE", delay=str(delay)))
        form = parse_qs(request.body.decode(errors="replace"))
        user, password = _decoded(form, "uid"), _decoded(form, "pswd")
        if not passwords.right(user, password):
            sessions.failed(request.client)
            return Answer(authentication("AUTH_FAILED"))
        cookie = sessions.logged_in(request.client, user)
        return Answer(authentication("AUTH_SUCCESS"), cookie=f"{self._cookie}={cookie}; Path=/; Secure; HttpOnly")

    def _authenticate_by_certificate(self, _request: Request) -> Answer:
        """No administrator has a certificate here."""
        return Answer(authentication("AUTH_FAILED"))

    def _login(self, request: Request) -> Answer:
        form = parse_qs(request.body.decode(errors="replace"))
        wanted = form.get("reqlevel", [""])[0].replace(" ", "")
        try:
            session = self._serverd.sessions.open(self._bearer(request), request.client, filter(None, wanted.split(",")))
        except Refusal as refused:
            return Answer(rendered(Reply(ret=refused.ret, code=refused.code, msg=str(refused))))
        if session is None:
            return Answer(nws(code=Nws.AUTHENTICATION))
        told = f"<sessionid>{session.number}</sessionid><protocol>1.0</protocol>"
        return Answer(nws(f"{told}<sessionlevel>{session.shown_level}</sessionlevel>"))

    def _in_session(self, serve: Callable[[Request, Session], Answer]) -> Callable[[Request], Answer]:
        def within(request: Request) -> Answer:
            number = parse_qs(request.query).get("sessionid", [""])[0]
            try:
                session = self._serverd.sessions.find(number, self._bearer(request))
            except TimeoutError:
                return Answer(nws(code=Nws.EXPIRED_SESSION))
            return serve(request, session) if session else Answer(nws(code=Nws.INVALID_SESSION))

        return within

    def _logout(self, _request: Request, session: Session) -> Answer:
        self._serverd.sessions.close(session)
        return Answer(nws())

    def _command(self, request: Request, session: Session) -> Answer:
        text = parse_qs(request.query, keep_blank_values=True).get("cmd", [""])[0].strip()
        if not text:
            return Answer(nws(code=Nws.REQUEST_ERROR))
        return self._told(session, lambda: self._serverd.command(session, text))

    def _download(self, _request: Request, session: Session) -> Answer:
        content, session.download = session.download, None
        if content is None:
            return Answer(nws(code=Nws.REQUEST_ERROR), HTTPStatus.NOT_FOUND)
        return Answer(content, content_type=_BYTES)

    def _upload(self, request: Request, session: Session) -> Answer:
        if session.upload is None:
            return Answer(nws(code=Nws.REQUEST_ERROR))
        content = _part(request.content_type, request.body, "upload")
        if content is None:
            return Answer(nws(code=Nws.REQUEST_ERROR))
        return self._told(session, lambda: self._serverd.uploaded(session, content))

    def _told(self, session: Session, act: Callable[[], Reply]) -> Answer:
        try:
            reply = act()
        except UnknownCommand:
            return Answer(nws(code=Nws.UNKNOWN_COMMAND))
        except Disconnected:
            self._serverd.sessions.close(session)
            return Answer(nws(code=Nws.DISCONNECTED))
        except Exception:  # a mistake of ours must not leave the client waiting
            traceback.print_exc()
            return Answer(nws(code=Nws.INTERNAL))
        if reply.ends:
            self._serverd.sessions.close(session)
        return Answer(rendered(reply), after=reply.after)

    def _bearer(self, request: Request) -> str:
        """The value of our cookie, empty without one."""
        try:
            morsel = SimpleCookie(request.cookies).get(self._cookie)
        except CookieError:
            return ""
        return morsel.value if morsel else ""


def _decoded(form: Mapping[str, list[str]], name: str) -> str:
    try:
        return base64.b64decode(form.get(name, [""])[0], validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return ""


def _part(content_type: str, body: bytes, name: str) -> bytes | None:
    """The content of one field of a multipart form; None when it is not there."""
    whole = message_from_bytes(f"Content-Type: {content_type}\r\n\r\n".encode() + body)
    for part in whole.walk():
        if part.get_param("name", header="content-disposition") == name:
            content = part.get_payload(decode=True)
            return content if isinstance(content, bytes) else None
    return None


def _serial() -> str:
    try:
        return ha_cluster.own_serial()
    except ApplianceError:
        return "firewall"
