"""The way from the private network to the Internet."""

from __future__ import annotations

from tests.lab.can_fail.faults import FINAL, all_of, edited, rule_above, rule_changed, rule_missing, web_server_changed
from tests.lab.can_fail.platform import lost_by_the_switch, port_is, slow_port
from tests.lab.can_fail.row import Row

NAMES, TLS, NAT = "# Names", "# Web over TLS", "# Leave with the public address"
GRA11 = "203.0.113.153"  # its firewall
FIRST = "# Traffic between the members"

ROWS = (
    Row(
        "SNS-EGRESS-01[web-sbg7]",
        "The final block stands above the rule for the web over TLS",
        rule_above("sbg7", TLS, "block log from any to any"),
        "expected the answer: HTTP/2 200, observed curl: (28) …",
    ),
    Row(
        "SNS-EGRESS-02[web-sbg7]",
        "The translation takes other source ports than ephemeral_fw",
        all_of(
            edited("sbg7", "object", "[Protocol]", "low_ports=2000-2999/any\n[Protocol]"),
            rule_changed("sbg7", NAT, "port ephemeral_fw", "port low_ports"),
        ),
        "expected source ports to the resolver outside ephemeral_fw: [], observed [2…]",
    ),
    Row(
        "SNS-EGRESS-02[web-gra11]",
        "The translation of the source was forgotten",
        rule_missing("gra11", NAT),
        "expected the address it was reached from: 203.0.113.153, observed curl: (6) Could not resolve host: …",
    ),
    Row(
        "SNS-EGRESS-03[web-sbg7]",
        "The translation of the source was forgotten",
        rule_missing("sbg7", NAT),
        "expected the address: 198.51.100.10, observed no answer…",
    ),
    Row(
        "SNS-EGRESS-04[baremetal-sbg7]",
        "The bare-metal server's port does not carry its VLAN",
        port_is("baremetal-sbg7", "trunks=0,199", "trunks=0,200"),
        "expected the answer: HTTP/2 200, observed curl: (6) Could not resolve host: …",
    ),
    Row(
        "SNS-EGRESS-05[ssh-web-sbg7]",
        "The rule for the web names no service: it lets everything out",
        rule_changed(
            "sbg7", TLS, "pass sslfiltering 00 from vlan200 on in to internet port https", "pass from vlan200 on in to internet"
        ),
        "expected the attempt's outcome: not answered, observed answered",
    ),
    Row(
        "SNS-EGRESS-05[smtp-web-gra11]",
        "The final block was forgotten: what nobody names is dropped without a trace",
        rule_missing("gra11", FINAL),
        "expected the rule that decides about it: one that blocks, observed no rule describes it: refused and not logged",
    ),
    Row(
        "SNS-EGRESS-05[ssh-web-gra11]",
        "The rule for the web lets SSH out too, and only names are translated: it leaves with its private address",
        all_of(
            rule_above("gra11", TLS, "pass from vlan201 on in to internet port ssh"),
            rule_changed("gra11", NAT, "to internet on out", "to internet port dns on out"),
        ),
        "expected the attempt between the firewall and its provider, from any address: 0, observed …",
    ),
    Row(
        "SNS-EGRESS-05[smtp-web-sbg7]",
        "The attempt is lost before it reaches the firewall, which refuses nothing",
        lost_by_the_switch("web-sbg7", "tcp,tp_dst=25"),
        "the count of it under this rule was late: expected 1 or more within …, observed 0 after …",
    ),
    Row(
        "SNS-EGRESS-05[telnet-web-sbg7]",
        "The public site does not offer the service at all",
        lambda ground: ground.shell(
            "public",
            "nft 'table ip broken { chain in { type filter hook input priority 0; tcp dport 23 drop; }; }'",
            "nft delete table ip broken",
        ),
        "expected the stranger's telnet to the public site: answered, observed silent",
        verdict="inconclusive",
    ),
    Row(
        "SNS-EGRESS-06[web-sbg7]",
        "The line that refuses the sites is off",
        edited("sbg7", "URLFiltering/00", "state=on action=block", "state=off action=block", "enfilter"),
        "expected the answer for www.refused.example: HTTP/1.1 403 Forbidden, observed HTTP/1.1 200 OK",
    ),
    Row(
        "SNS-EGRESS-06[web-gra11]",
        "The line that refuses the sites is off, and the site refuses the firewall's address by itself",
        all_of(
            edited("gra11", "URLFiltering/00", "state=on action=block", "state=off action=block", "enfilter"),
            web_server_changed("public", f"s/server_name .*refused.example;/& if ($remote_addr = {GRA11}) {{ return 403; }}/"),
        ),
        "expected the category on the page for www.refused.example: one of refused_sites, observed <html>…403 Forbidden…",
    ),
    Row(
        "SNS-EGRESS-07[web-gra11]",
        "The refused name leads nowhere: who gets no answer there was not refused one",
        lambda ground: ground.shell(
            "stranger", "cp /etc/hosts /run/kept; echo 127.0.0.1 www.refused.example >>/etc/hosts", "cat /run/kept >/etc/hosts"
        ),
        "expected the stranger's https request for www.refused.example: 200, observed curl: (7) …",
        verdict="inconclusive",
    ),
    Row(
        "SNS-EGRESS-07[web-sbg7]",
        "The line that lets all sites pass stands above the one that refuses some",
        edited("sbg7", "SSLFiltering/00", "[Rules]\n", "[Rules]\nstate=on action=pass group=any\n", "enfilter"),
        "expected the TLS connection to www.refused.example: no answer, curl status 35, observed …200…",
    ),
    Row(
        "SNS-EGRESS-08[web-sbg7]",
        "A rule lets the Internet reach the private network's own addresses",
        rule_above("sbg7", FIRST, "pass from internet on out to vlan200 port http"),
        "expected packets at the private server of sbg7: 0, observed 1",
    ),
    Row(
        "SNS-EGRESS-08[web-gra11]",
        "The same, and what reaches the private server takes 0.1 s longer",
        all_of(
            rule_above("gra11", FIRST, "pass from internet on out to vlan201 port http"),
            slow_port("web-gra11", 201, 0.1),
        ),
        "expected packets at the private server of gra11: 0, observed 1",
    ),
    Row(
        "SNS-EGRESS-09[web-sbg7]",
        "The interface of the private network is not declared protected",
        edited("sbg7", "network", "Protected=1", "Protected=0", "ennetwork", "enfilter"),
        "the count of these packets as refused at sbg7 was late: expected 20 or more within 1 s, observed 0 after …",
    ),
    Row(
        "SNS-EGRESS-10[sbg7]",
        "A rule lets the Internet reach the private network's own addresses",
        rule_above("sbg7", FIRST, "pass from internet on out to vlan200"),
        "expected packets at its internal port: 0, observed …",
    ),
    Row(
        "SNS-EGRESS-11[sbg7]",
        "The network object of the private network ends before its last address",
        edited("sbg7", "object", "vlan200=10.200.0.0/16", "vlan200=10.200.0.0/17", "enfilter"),
        "expected packets of which something else becomes: [], observed […10.200.255.254…refused, not out as …",
    ),
    Row(
        "SNS-EGRESS-11[gra11]",
        "The rule for names lets them go to any resolver",
        rule_changed("gra11", NAMES, "to dns_resolver", "to any"),
        "expected packets of which something else becomes: [], observed […out as 203.0.113.153 to …, not refused…",
    ),
    Row(
        "SNS-EGRESS-12[sbg7]",
        "The implicit rule for what the firewall itself sends is off",
        edited("sbg7", "Filter/filter", "fwdefault=1", "fwdefault=0", "enfilter"),
        "expected packets of which something else becomes: [], observed […refused, not out as 147.135.161.153 with its own…",
    ),
)
