"""nginx, one worker: its configuration from server blocks, and downloads that flow evenly."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from lab.roles.boot import Service, command, word

ACCESS_LOG = "/var/log/nginx/access.log"
ERROR_LOG = "/var/log/nginx/error.log"
ROOT = "/var/www/html"

# The log's first fields are those of the usual "combined" format; the peer's port and the asked name follow.
_HEAD = f"""\
user www-data;
worker_processes 1;
pid /run/nginx.pid;
error_log {ERROR_LOG};
events {{ worker_connections 1024; }}
http {{
    include /etc/nginx/mime.types;
    default_type text/plain;
    sendfile on;
    server_tokens off;
    keepalive_requests 1000000;
    log_format lab '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent '
        '"$http_referer" "$http_user_agent" port=$remote_port host=$host scheme=$scheme';
    access_log {ACCESS_LOG} lab;
    root {ROOT};
"""


@dataclass(frozen=True, slots=True)
class Download:
    """A file of ``size`` zero bytes at ``path``, sent at ``rate`` bytes per second to each client (0: unlimited)."""

    path: str
    size: int
    rate: int = 0


def server(listen: Iterable[str], names: Iterable[str], *body: str) -> str:
    """One server block. ``body`` lines are directives, already in nginx's syntax."""
    lines = [f"listen {where};" for where in listen]
    lines += [f"server_name {' '.join(word(name, 'server name') for name in names) or '_'};", *body]
    return "    server {\n" + "".join(f"        {line}\n" for line in lines) + "    }\n"


def page(path: str, text: str, *, kind: str = "text/plain") -> str:
    """The directive that answers ``path``, exactly, with 200 and ``text`` (which may hold nginx variables)."""
    return f'location = {word(path, "path")} {{ default_type {kind}; return 200 "{text}\\n"; }}'


def download_location(download: Download) -> str:
    """The directive that sends a download.

    nginx repays a second's worth in one burst unless the chunks are small: a hundredth of a second's worth here, 4 KiB
    at least, so that a gap in the stream is a gap in the network.
    """
    path = word(download.path, "path")
    if not download.rate:
        return f"location = {path} {{ }}"
    chunk = max(download.rate // 100, 4096)
    return f"location = {path} {{ limit_rate {download.rate}; sendfile_max_chunk {chunk}; }}"


def nginx(servers: Iterable[str], downloads: Iterable[Download] = ()) -> Service:
    """nginx with these server blocks; it returns with its sockets open, so there is nothing to wait for."""
    configuration = _HEAD + "".join(servers) + "}\n"
    files = tuple(
        command("truncate", "-s", size, f"{ROOT}{path}") for path, size in sorted({d.path: d.size for d in downloads}.items())
    )
    return Service(
        files={"/etc/nginx/nginx.conf": (configuration.encode(), 0o644)},
        folders=(ROOT, "/var/log/nginx"),
        start=(*files, command("run", "nginx", ERROR_LOG, "nginx")),
    )
