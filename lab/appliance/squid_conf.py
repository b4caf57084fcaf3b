"""What squid is told: ``URLFiltering``, ``SSLFiltering`` and their groups as ``squid.conf`` and block pages. Pure text.

First match decides within a slot; a name that no rule of the slot describes is refused, as a packet is that no filter
rule describes (simulated: the vendor's slots all end with ``any``).
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Mapping

from lab.appliance import paths
from lab.appliance.proxies import HTTP_PORT, TLS_PORT, Proxy
from sns.model import Configuration, Group, NameFilterRule

FOLDER = paths.STATE / "proxy"
"""squid's configuration and certificate."""
PAGES = FOLDER / "pages"
"""What squid answers when it refuses or fails."""
LOG = paths.LOG / "l_web"
"""One line per request: time, client, what was asked for, what was done, and the group that decided."""
USER = "proxy"

_FIXED = f"""\
http_port 127.0.0.1:3128 name=own
cache deny all
cache_mem 0 MB
memory_pools off
pinger_enable off
icp_port 0
shutdown_lifetime 0 seconds
cache_effective_user {USER}
cache_log {paths.LOG / "squid"}
cache_store_log none
logfile_rotate 0
pid_filename none
coredump_dir none
max_filedescriptors 2048
workers 1
visible_hostname firewall
via off
forwarded_for delete
httpd_suppress_version_string on
dns_timeout 500 milliseconds
dns_retransmit_interval 300 milliseconds
host_verify_strict off
client_dst_passthru on
error_directory {PAGES}
logformat l_web time="%{{%Y-%m-%d %H:%M:%S}}tl" src=%>a dst=%>la op=%rm arg="%ru" name="%ssl::>sni" action=%Ss \
result=%>Hs category=%{{category}}note
access_log stdio:{LOG} logformat=l_web
"""
# client_dst_passthru, host_verify_strict off: the packet's own destination is used, whatever name the client asks for.
# squid looks the name up all the same; when no resolver answers, a request goes its way after a second. It forgets a query only
# when it is to be sent again and dns_timeout is over: with its own 5 s for that, one lost packet held a request for so long.

_PAGE = """\
<!DOCTYPE html>
<html><head><meta charset="utf-8"><title>Access refused</title></head>
<body><h1>Access refused</h1>
<p>The firewall's URL filtering does not allow <b>%U</b>.</p>
<p>Category: <b>{group}</b> (URLFiltering/{slot:02d}:{line})</p></body></html>
"""


def translate(configuration: Configuration, proxies: tuple[Proxy, ...]) -> tuple[Mapping[str, str], str]:
    """The block pages by file name, and ``squid.conf``."""
    pages: dict[str, str] = {}
    lines = [_FIXED]
    tls = sorted({proxy.slot for proxy in proxies if proxy.kind == "tls"})
    if tls:
        lines += [
            "acl hello at_step SslBump1",
            "ssl_bump peek hello",
            "acl nameless ssl::server_name_regex ^[0-9.]+$",
        ]
    for slot in tls:
        lines += _tls(configuration, slot)
    if tls:
        lines.append("ssl_bump terminate all")
    for slot in sorted({proxy.slot for proxy in proxies if proxy.kind == "http"}):
        lines += _http(configuration, slot, pages)
    lines += ["acl own myportname own", "http_access deny own", "http_access allow all"]
    return pages, "\n".join(lines) + "\n"


def _http(configuration: Configuration, slot: int, pages: dict[str, str]) -> Iterator[str]:
    port = f"url{slot:02d}"
    yield f"http_port {HTTP_PORT + 2 * slot} intercept name={port}"
    yield f"acl {port} myportname {port}"
    for rule in _enabled(configuration.url_filters.get(slot, ())):
        name = f"{port}_{rule.location.line}"
        yield from _acl(name, "url_regex -i", [_url(p) for p in _patterns(rule, configuration.objects.url_groups)])
        yield f"acl {name}_said annotate_transaction category={rule.group}"
        if rule.action == "pass":
            yield f"http_access allow {port} {name} {name}_said"
        else:
            page = f"refused_{name}"
            pages[page] = _PAGE.format(group=html.escape(rule.group), slot=slot, line=rule.location.line)
            yield f"acl {name}_refused myportname {port}"
            yield f"deny_info {page} {name}_refused"
            yield f"http_access deny {port} {name} {name}_said {name}_refused"
    yield f"http_access deny {port}"


def _tls(configuration: Configuration, slot: int) -> Iterator[str]:
    port = f"ssl{slot:02d}"
    certificate = FOLDER / "proxy.pem"
    yield (
        f"https_port {TLS_PORT + 2 * slot} intercept ssl-bump tls-cert={certificate} generate-host-certificates=off name={port}"
    )
    yield f"acl {port} myportname {port}"
    rules = configuration.ssl_filters.get(slot, ())
    if any(rule.enabled and rule.action != "pass" for rule in rules):
        yield f"ssl_bump terminate {port} nameless"  # or a client would pass by not saying where it goes
    for rule in _enabled(rules):
        name = f"{port}_{rule.location.line}"
        patterns = [_server(p) for p in _patterns(rule, configuration.objects.cn_groups)]
        yield from _acl(name, "ssl::server_name_regex -i", patterns)
        yield f"acl {name}_said annotate_transaction category={rule.group}"
        yield f"ssl_bump {'splice' if rule.action == 'pass' else 'terminate'} {port} {name} {name}_said"


def _enabled(rules: tuple[NameFilterRule, ...]) -> Iterator[NameFilterRule]:
    return (rule for rule in rules if rule.enabled)


def _patterns(rule: NameFilterRule, groups: Mapping[str, Group]) -> list[str]:
    """The patterns of the rule's group, groups within it included; ``*`` for any."""
    if rule.group.lower() == "any":
        return ["*"]
    group = groups.get(rule.group.lower())
    return [member for member, _ in group.members] if group else []


def _acl(name: str, kind: str, expressions: list[str]) -> Iterator[str]:
    if not expressions:
        yield f"acl {name} localport 0"  # an empty group matches nothing
    for expression in expressions:
        yield f"acl {name} {kind} {expression}"


def _url(pattern: str) -> str:
    """A URL pattern (``*.example.org/*``: host and path; ``*`` any text, ``?`` any character) as an expression."""
    if pattern == "*":
        return "."
    host, slash, path = pattern.partition("/")
    return f"^[a-z]+://{_glob(host, any_character='[^/]')}(:[0-9]+)?{slash}{_glob(path) if slash else '(/.*)?'}$"


def _server(pattern: str) -> str:
    return "." if pattern == "*" else f"^{_glob(pattern)}$".removeprefix("^.*")


def _glob(pattern: str, any_character: str = ".") -> str:
    return re.escape(pattern).replace(r"\*", f"{any_character}*").replace(r"\?", any_character)
