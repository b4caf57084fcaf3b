"""The published web server."""

from __future__ import annotations

from tests.lab.can_fail.faults import (
    all_of,
    edited,
    rule_above,
    rule_changed,
    rule_missing,
    translation_added,
    web_server_changed,
)
from tests.lab.can_fail.row import Row

RULE = "# The private web server"
PAGE = "/var/www/html/index.html"
SLOW = "limit_req_zone $server_port zone=slow:1m rate=30r\\/m; limit_req zone=slow burst=9;\\n"  # 2 s between two requests

ROWS = (
    Row(
        "SNS-WEB-01[sbg7-http]",
        "The rule that publishes the web server was forgotten",
        rule_missing("sbg7", RULE),
        "expected the answer: HTTP/1.1 200 OK, observed curl: (28) …",
    ),
    Row(
        "SNS-WEB-01[gra11-http]",
        "Another page was put in the place of the server's own",
        lambda ground: ground.shell(
            "web-gra11", f"mv {PAGE} /run/kept; echo '<p>Welcome to nginx!</p>' >{PAGE}", f"mv /run/kept {PAGE}"
        ),
        "expected the page: This is web-gra11., observed <p>Welcome to nginx!</p>",
    ),
    Row(
        "SNS-WEB-02[sbg7-http]",
        "What comes from the Internet is translated too: its source becomes the firewall's private address",
        rule_changed("sbg7", RULE, "-> to ubuntu", "-> from Firewall_in port ephemeral_fw to ubuntu"),
        "expected the client in the web server's log: 198.51.100.102, observed 10.200.0.1",
    ),
    Row(
        "SNS-WEB-02[gra11-http]",
        "The rule that publishes the web server was forgotten",
        rule_missing("gra11", RULE),
        "expected the stranger's request in the web server's log: one line, observed 0 lines; the stranger was told curl: …",
    ),
    Row(
        "SNS-WEB-03[sbg7-http]",
        "The rule publishes all ports of the web server",
        rule_changed("sbg7", RULE, "port http -> to ubuntu-webserver port http", "-> to ubuntu-webserver"),
        "expected ports that answer or refuse: {}, observed {…answered…}",
    ),
    Row(
        "SNS-WEB-04[sbg7-http]",
        "A second rule publishes the same server, under another name of the service",
        all_of(
            edited("sbg7", "object", "http=80/tcp", "www=80/tcp\nhttp=80/tcp"),
            rule_above("sbg7", RULE, "pass from internet on out to Firewall_out port www -> to ubuntu-webserver port www"),
        ),
        "expected the stranger's request: not answered, observed answered",
    ),
    Row(
        "SNS-WEB-04[gra11-http]",
        "A second rule publishes the same server, whose page takes its time",
        all_of(
            translation_added("gra11", "nat from internet on out to Firewall_out port http -> to ubuntu-webserver port http"),
            web_server_changed("web-gra11", f"s/^ *root /{SLOW}&/"),
        ),
        "expected the stranger's request: not answered, observed answered",
    ),
    Row(
        "SNS-WEB-05[sbg7-http]",
        "The rule leads to the bare-metal server",
        all_of(
            edited("sbg7", "object", "ubuntu-webserver=", "baremetal=10.200.0.20,resolve=static\nubuntu-webserver="),
            rule_changed("sbg7", RULE, "-> to ubuntu-webserver", "-> to baremetal"),
        ),
        "expected packets of which something else becomes: [], observed […to 10.200.0.20:80, not in as … to 10.200.0.10:80…",
    ),
    Row(
        "SNS-WEB-05[gra11-http]",
        "One of the three private ranges is missing in the group of those that never arrive from the Internet",
        edited("gra11", "objectgroup", "rfc5735_private_2\n", "", "enfilter"),
        "expected packets of which something else becomes: [], observed […in as 172.16.0.1 with its own port…",
    ),
)
