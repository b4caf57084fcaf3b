"""VPN users."""

from __future__ import annotations

from provisioning.vpn_user import FOLDER
from tests.lab.can_fail.egress import FIRST
from tests.lab.can_fail.faults import edited, program_replaced, rule_above, rule_missing
from tests.lab.can_fail.ground import Ground
from tests.lab.can_fail.row import Row

EXPORTED = "/usr/Firewall/Data/openvpn_mobile_client.ovpn"


def tcp_first(ground: Ground) -> None:
    """The exported configuration names TCP before UDP."""
    path = ground.active("sbg7").path(EXPORTED)
    lines = path.read_text().splitlines()
    remotes = [line for line in lines if line.startswith("remote ")]
    swapped = iter(reversed(remotes))
    path.write_text("".join(f"{next(swapped) if line in remotes else line}\n" for line in lines))


def tcp_dead(ground: Ground) -> None:
    """The TCP server of the SSL VPN has died."""
    firewall = ground.active("sbg7")
    ground.undo(lambda: firewall.apply("enopenvpn"))
    firewall.host.must("sh", "-c", "kill -KILL $(cat /var/lib/sns/run/openvpn-tcp.pid)")


def client_dies_at_work(ground: Ground) -> None:
    """The VPN user's client dies once its host tries SSH through the tunnel."""
    ground.shell(
        ground.environment.vpn_client.name,
        "{ until ss -Htn state syn-sent '( dport = :22 )' | grep -q .; do sleep 0.01; done; "
        f"kill -KILL $(cat {FOLDER}/*/pid); }} >/dev/null 2>&1 & echo $! >/run/awaiting-ssh",
        "kill $(cat /run/awaiting-ssh) || true",
    )


def interface_outlasts_the_client(ground: Ground) -> None:
    """The interface of the VPN user's tunnel stays for seven seconds after its address is gone."""
    address = "ip -4 -o address show dev tun0 | grep -q ."
    ground.shell(
        ground.environment.vpn_client.name,
        "ip tuntap add dev tun0 mode tun; "
        f"{{ until {address}; do sleep 0.05; done; while {address}; do sleep 0.05; done; sleep 7; ip link delete tun0; }} "
        ">/dev/null 2>&1 & echo $! >/run/awaiting-the-end",
        "kill $(cat /run/awaiting-the-end) || true; ip link delete tun0 || true",
    )


ROWS = (
    Row(
        "SNS-RA-01[udp]",
        "The rule for VPN users was forgotten",
        rule_missing("sbg7", "# The private network, nothing else"),
        "expected the VPN user's pings to the private server within 3 s, observed 0 …",
    ),
    Row(
        "SNS-RA-01[tcp]",
        "The interface of the VPN user's tunnel stays for seven seconds after its address is gone",
        interface_outlasts_the_client,
        "the end of the VPN user's tunnel was late: expected no interface tun0 within 5 s, observed True after …",
    ),
    Row(
        "SNS-RA-02[udp]",
        "The pools of the two transports are swapped",
        edited(
            "sbg7",
            "Openvpn/openvpn",
            "pool=sslvpn_tcp\nudpPool=sslvpn_udp",
            "pool=sslvpn_udp\nudpPool=sslvpn_tcp",
            "enopenvpn",
            "enfilter",
        ),
        "expected the address in the tunnel: one of 10.60.0.0/24, observed 10.61.0.…",
    ),
    Row(
        "SNS-RA-03[sbg7]",
        "The exported configuration names TCP before UDP",
        tcp_first,
        "expected the address in the tunnel, of the udp pool: 10.60.0.0/24, observed 10.61.0.…",
    ),
    Row(
        "SNS-RA-04[sbg7]",
        "The SSL VPN's TCP server has died",
        tcp_dead,
        "expected the VPN user's tunnel within 12 s, observed …",
        patience=8.0,
    ),
    Row(
        "SNS-RA-05[udp]",
        "The user has a second password in the directory",
        edited(
            "sbg7", "../Data/Ldapbase.ldif", "\nuserPassword:", "\nuserPassword: not-the-password\nuserPassword:", "enopenvpn"
        ),
        "expected the firewall's answer to the user: refused, observed let in",
    ),
    Row(
        "SNS-RA-06[udp]",
        "enopenvpn does nothing, and says that all went well: the rights of before still count",
        program_replaced("sbg7", "enopenvpn", "exit 0"),
        "expected the firewall's answer to the user: refused, observed let in",
    ),
    Row(
        "SNS-RA-02[tcp]",
        "The exported route is for any network",
        edited("sbg7", "Openvpn/openvpn", "route=vlan200", "route=any", "enopenvpn"),
        "expected the routes through the tunnel: ['10.200.0.0/16'], observed ['0.0.0.0/1'…",
    ),
    Row(
        "SNS-RA-07[udp]",
        "VPN users may go anywhere",
        rule_above("sbg7", FIRST, "pass from sslvpn_clients via sslvpn to any"),
        "expected packets of which something else becomes: [], observed […out as 10.60.0.… with its own port…, not refused…",
    ),
    Row(
        "SNS-RA-08[udp]",
        "The rule for VPN users stands above the block of the administration, and names any destination",
        rule_above("sbg7", FIRST, "pass from sslvpn_clients via sslvpn to any"),
        "expected the VPN user's SSH: silent, observed answered",
    ),
    Row(
        "SNS-RA-08[tcp]",
        "The VPN user's client dies during the attempts",
        client_dies_at_work,
        "the VPN user's tunnel did not outlast the attempts: silence may be its own",
        verdict="inconclusive",
    ),
)
