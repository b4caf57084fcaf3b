"""Who manages the firewalls."""

from __future__ import annotations

from tests.lab.can_fail.faults import all_of, cable_dead, edited, program_replaced, rule_above, rule_changed
from tests.lab.can_fail.ground import Ground
from tests.lab.can_fail.row import Row

WEB, SSH, OTHERS = "# Web administration", "# SSH", "# All others"
PUBLISHED = "# The private web server"


def _without_the_key(ground: Ground) -> None:
    folder = "$(getent passwd ubuntu | cut -d: -f6)/.ssh"
    ground.shell("web-sbg7", f"mv {folder}/authorized_keys {folder}/kept", f"mv {folder}/kept {folder}/authorized_keys")


ROWS = (
    Row(
        "SNS-MGMT-01[sbg7]",
        "The administrator's address is not in the list of those that the page answers",
        edited("sbg7", "webadmin", "\nadmin_client", "\nmirror", "enservice"),
        "expected the login page: 200, observed HTTP/1.1 403 Forbidden",
    ),
    Row(
        "SNS-MGMT-02[sbg7]",
        "The SSH service is off",
        edited("sbg7", "system", "State=1", "State=0", "enservice"),
        "expected the active slot: 05, observed ssh: connect to host 147.135.161.153 port 22: Connection refused",
    ),
    Row(
        "SNS-MGMT-03[web-sbg7]",
        "The private server does not know the administrator's key",
        _without_the_key,
        "expected the host at the end: web-sbg7, observed …Permission denied (publickey)…",
    ),
    Row(
        "SNS-MGMT-04[sbg7]",
        "SSH is open to any source",
        rule_changed("sbg7", SSH, "from admin_client", "from any"),
        "expected the stranger's SSH: silent, observed answered",
    ),
    Row(
        "SNS-MGMT-04[gra11]",
        "The list of those that the page answers holds a network instead of one address",
        all_of(
            edited("gra11", "object", "[Network]", "[Network]\noffice=198.51.100.0/24", "enfilter"),
            edited("gra11", "webadmin", "\nadmin_client", "\noffice", "enservice"),
            rule_changed("gra11", WEB, "from admin_client", "from office"),
        ),
        "expected the stranger's login page: withheld, observed HTTP/1.1 200 OK",
    ),
    Row(
        "SNS-MGMT-05[web-sbg7]",
        "The implicit rule that opens SSH to the protected interfaces was left on",
        edited("sbg7", "Filter/filter", "Sshd=0", "Sshd=1", "enfilter"),
        "expected the private server's SSH: silent, observed answered",
    ),
    Row(
        "SNS-MGMT-05[web-gra11]",
        "The private server's cable carries nothing to the switch",
        cable_dead("web-gra11"),
        "expected the private server's https request: 200, observed curl: …",
        verdict="inconclusive",
        patience=1.0,
    ),
    Row(
        "SNS-MGMT-06[sbg7]",
        "The rule publishes a port more",
        all_of(
            edited("sbg7", "object", "http=80/tcp", "webcache=8080/tcp\nhttp=80/tcp"),
            rule_above("sbg7", PUBLISHED, "pass from internet on out to Firewall_out port webcache -> to ubuntu-webserver"),
        ),
        "expected the ports that answer: [80, 443], observed [80, 443, 8080]",
    ),
    Row(
        "SNS-MGMT-06[gra11]",
        "The implicit rule that refuses ident was left on",
        edited("gra11", "Filter/filter", "Ident=0", "Ident=1", "enfilter"),
        "expected the ports that refuse: [], observed [113]",
    ),
    Row(
        "SNS-MGMT-07[sbg7]",
        "The running rules are emptied before the new ones are read",
        program_replaced("sbg7", "enfilter", "nft delete table ip sns; exec python3 -m lab.appliance enfilter"),
        "expected the stranger's request to the published site: HTTP/1.1 200 OK, observed …",
    ),
    Row(
        "SNS-MGMT-07[gra11]",
        "The refusal names the file alone",
        program_replaced(
            "gra11",
            "enfilter",
            "python3 -m lab.appliance enfilter 2>/run/told; s=\\$?; sed 's/:[0-9]*:/:/' /run/told >&2; exit \\$s",
        ),
        "expected the refusal: Filter/05:…: … nobody_knows …, observed …Filter/05:…",
    ),
    Row(
        "SNS-MGMT-08[sbg7]",
        "A rule lets names be asked of the firewall from anywhere",
        rule_above("sbg7", PUBLISHED, "pass from any on out to Firewall_out port dns"),
        "expected the UDP ports that are let through: [1194], observed [53, 1194]",
    ),
    Row(
        "SNS-MGMT-08[gra11]",
        "The rule that ends the slot refuses by an answer",
        rule_changed("gra11", "192c4b70005_1", "block log", "reset"),
        "expected the UDP ports that answer all the same: [], observed […",
    ),
    Row(
        "SNS-MGMT-09[sbg7]",
        "The implicit rule that answers names for the protected interfaces was left on",
        edited("sbg7", "Filter/filter", "Dns=0", "Dns=1", "enfilter"),
        "expected packets of which something else becomes: [], observed […taken, not refused…",
    ),
    Row(
        "SNS-MGMT-09[gra11]",
        "The translation leads to another port of the web server",
        rule_changed("gra11", PUBLISHED, "-> to ubuntu-webserver port http", "-> to ubuntu-webserver port https"),
        "expected packets of which something else becomes: [], observed […to 10.201.0.10:443, not in as … to 10.201.0.10:80…",
    ),
    Row(
        "SNS-POL-01[sbg7]",
        "A rule of the slot was changed, and the slot not activated",
        edited("sbg7", "Filter/05", "block log from any to firewall_all port", "pass log from any to firewall_all port"),
        "expected packets of which something else becomes: [], observed […",
    ),
)
