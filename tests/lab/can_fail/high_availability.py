"""The pair: members that do not share, do not hear or do not keep silent."""

from __future__ import annotations

import re

from lab.appliance import conntrackd, ha_wire
from lab.appliance.ha_gate import TABLE
from lab.device import Appliance
from tests.lab.can_fail.altered_agent import active_lacks, passive_lacks
from tests.lab.can_fail.faults import all_of, edited, program_replaced, rule_changed
from tests.lab.can_fail.ground import Ground
from tests.lab.can_fail.row import Fault, Row

SESSIONS_STAY_LOST = 8.0  # s: late are those that have 0.7 s; the administration's alone would have 15
AGENT, SESSIONS = "/var/lib/sns/run/ha_agent.pid", "/var/lib/sns/run/conntrackd.pid"


def _passive(ground: Ground, site: str) -> Appliance:
    states = ground.environment.cluster(site).states()
    return next(one for one in ground.environment.cluster(site).members if states[one.name] == "passive")


def noticed(site: str) -> Fault:
    """The members know that they are not synchronised; they look every 0.1 s."""

    def act(ground: Ground) -> None:
        from steps.eventually import eventually

        members = ground.environment.cluster(site).members
        eventually(lambda: [(one.ha_status() or {}).get("synchronised") for one in members],
                   until=lambda seen: seen == [False, False], within=3.0, phase="the members' word")  # fmt: skip

    return act


def agent_frozen(site: str) -> Fault:
    """The HA agent of the passive member hangs."""
    return lambda ground: ground.shell(_passive(ground, site).name, f"kill -STOP $(cat {AGENT})", f"kill -CONT $(cat {AGENT})")


def sessions_not_shared(site: str) -> Fault:
    """What replicates sessions has died on both members of a site."""

    def act(ground: Ground) -> None:
        for member in ground.environment.cluster(site).members:
            ground.undo(lambda member=member: _boot_again(member))  # type: ignore[misc]
            ground.shell(member.name, f"kill -KILL $(cat {SESSIONS})")

    return act


def _boot_again(member: Appliance) -> None:
    member.host.kill_everything()
    member.host.must(member.host.spec.boot, timeout=30)


_ETHERTYPE = 0x88B7  # for experiments (IEEE 802)
_FRAMES = f"""\
import socket, time
wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
wire.bind(("eth0", 0))
while True:
    wire.send(bytes.fromhex("ffffffffffff" "020000000099" "{_ETHERTYPE:04x}") + bytes(46))
    time.sleep(0.05)
"""


def passive_speaks(ground: Ground) -> None:
    """The passive member's gate is open outwards, and something on it sends broadcasts."""
    ground.shell(_passive(ground, "sbg7").name, *_speaking())


def _speaking(what: str = "") -> tuple[str, str]:
    """Scripts that open a member's gate outwards for these frames and have it send some, and that end both."""
    leaving = f"rule netdev {TABLE} leaving"
    begin = f"nft insert {leaving} {what} accept; python3 -c '{_FRAMES}' >/run/frames.log 2>&1 & echo $! >/run/frames.pid"
    return begin, f"kill $(cat /run/frames.pid); nft flush chain netdev {TABLE} leaving; nft add {leaving} oif @lease accept"


def active_outlives_its_lease(site: str) -> Fault:
    """Something on the active member sends broadcasts, and its gate lets them out whether its agent lives or not."""

    def act(ground: Ground) -> None:
        ground.shell(ground.environment.cluster(site).active().name, *_speaking(f"ether type {_ETHERTYPE}"))

    return act


def takeover_unannounced(site: str) -> Fault:
    """The switch drops gratuitous ARP for the cluster's addresses: its neighbours are not told of a takeover."""

    def act(ground: Ground) -> None:
        deployment = ground.environment.deployment
        addresses = (deployment.public_address(site), deployment.private_address(site))
        said = [f"arp,arp_spa={one},arp_tpa={one}" for one in addresses]
        on_each = "for bridge in $(ovs-vsctl list-br); do {}; done".format
        ground.switch(on_each("; ".join(f'ovs-ofctl add-flow $bridge "priority=99,{one},actions=drop"' for one in said)),
                      on_each("; ".join(f'ovs-ofctl del-flows $bridge "{one}"' for one in said)))  # fmt: skip

    return act


def members_unheard_on_the_data_networks(ground: Ground) -> None:
    """The switch drops what the members tell each other beside the HA link, for as long as the scenario lasts.

    Five seconds, no longer: the scenario itself waits at its end until the members hear each other everywhere.
    """
    members = ground.environment.cluster("sbg7").members
    ports = [ground.port(member.name, nic) for member in members for nic in ("eth0", "eth1")]
    numbers = (f"$(ovs-vsctl get interface {port} ofport)" for port in ports)
    flow = f"dl_type={ha_wire.ETHERTYPE:#06x}"
    adding = (f'ovs-ofctl add-flow vrack "hard_timeout=5,priority=99,in_port={one},{flow},actions=drop"' for one in numbers)
    ground.switch("; ".join(adding), f'ovs-ofctl del-flows vrack "{flow}"')


def other_agent_hangs(site: str) -> Fault:
    """The HA agent of the passive member hangs for nine seconds, no longer: in the end the scenario waits for the pair.

    It looks three times at least, and a look at two members that hang takes two seconds.
    """

    def act(ground: Ground) -> None:
        passive = _passive(ground, site).name
        ground.shell(passive, f"kill -STOP $(cat {AGENT}); (sleep 9; kill -CONT $(cat {AGENT})) >/dev/null 2>&1 &")

    return act


_ONCE = """\
#!/bin/sh
[ -e /run/once ] && { echo "# by hand" >>/usr/Firewall/ConfigFiles/object; exit 0; }
touch /run/once
PYTHONPATH=/opt/rempart PYTHONPYCACHEPREFIX=/opt/pycache exec python3 -m lab.appliance hasync
"""


def synchronises_once(ground: Ground) -> None:
    """hasync works once; then a change comes, it does nothing, and says that all went well."""
    path = "/usr/Firewall/sbin/hasync"
    name = ground.active("gra11").name
    ground.shell(
        name, f"cp -a {path} {path}.kept; cat >{path} <<'END'\n{_ONCE}END", f"mv -f {path}.kept {path}; rm -f /run/once"
    )


def sessions_lost_with_the_first_failover(ground: Ground) -> None:
    """From the moment when the active member loses power, the switch drops what carries sessions on the HA link.

    For twenty seconds, no longer; sessions that stood before are on the other member by then.
    """
    member = ground.environment.cluster("gra11").active()
    flow = f"udp,tp_dst={conntrackd.PORT}"
    wait = f"while ip -o link show {ground.port(member.name)} | grep -q LOWER_UP; do sleep 0.01; done"
    on_each = "for bridge in $(ovs-vsctl list-br); do {}; done".format
    drop = on_each(f'ovs-ofctl add-flow $bridge "hard_timeout=20,priority=99,{flow},actions=drop"')
    allow = on_each(f'ovs-ofctl del-flows $bridge "{flow}"')
    ground.switch(f"({wait}; {drop}) >/dev/null 2>&1 & echo $! >/run/awaiting-the-failover",
                  f"kill $(cat /run/awaiting-the-failover) || true; {allow}")  # fmt: skip


def preferred(site: str) -> Fault:
    """The active member has the higher priority: it takes the work back when it can."""

    def act(ground: Ground) -> None:
        pair = ground.environment.cluster(site)
        serial = re.escape(pair.active().host.read("/usr/Firewall/System/global").partition("Serial=")[2].split()[0])
        for member in pair.members:
            ground.undo(lambda member=member: _reread(member))  # type: ignore[misc]
            ground.restored(member).edit(
                "HA/hacluster", lambda text: re.sub(rf"(\[{serial}\][^\[]*Priority=)0", r"\g<1>100", text)
            )
            _reread(member)

    return act


def _reread(member: Appliance) -> None:
    member.call("from lab.appliance.ha_control import ask; ask('reload')")


def change_undone_by_synchronising(site: str) -> Fault:
    """hasync puts back what the active member had before it was changed, and sends that."""

    def act(ground: Ground) -> None:
        kept, objects = "/run/object.kept", "/usr/Firewall/ConfigFiles/object"
        ground.shell(ground.active(site).name, f"cp -a {objects} {kept}")
        program_replaced(site, "hasync", f"cp -a {kept} {objects}; exec python3 -m lab.appliance hasync")(ground)

    return act


def last_write_lost(ground: Ground) -> None:
    """What was written last has not reached the disk of the active member when it boots."""
    kept, objects, boot = "/usr/Firewall/object.kept", "/usr/Firewall/ConfigFiles/object", "/usr/Firewall/sbin/boot"
    ground.shell(
        ground.active("sbg7").name,
        f"cp -a {objects} {kept}; mv {boot} {boot}.kept; "
        f"printf '#!/bin/sh\\ncp -a {kept} {objects}\\nexec {boot}.kept\\n' >{boot}; chmod 755 {boot}",
        f"mv -f {boot}.kept {boot}; rm -f {kept}",
    )


ROWS = (
    Row(
        "SNS-HA-01[sbg7]",
        "The HA agent of the passive member hangs",
        agent_frozen("sbg7"),
        "expected the members' modes: ['active', 'passive'], observed ['active', 'silent']",
    ),
    Row(
        "SNS-HA-02[sbg7]",
        "The passive member's gate is open outwards, and something on it sends broadcasts",
        passive_speaks,
        "expected frames that fw…-sbg7, passive, sent on the data networks: 0, observed …",
    ),
    Row(
        "SNS-HA-03[sbg7]",
        "hasync does nothing, and says that all went well",
        program_replaced("sbg7", "hasync", "exit 0"),
        "the members' word on their synchronisation was late: expected synchronised: yes, by both within 3 s, observed …",
    ),
    Row(
        "SNS-HA-03[gra11]",
        "hasync puts back what was there before the change, and sends that",
        change_undone_by_synchronising("gra11"),
        "expected files of which the active member had others before: [], observed ['usr/Firewall/ConfigFiles/object']",
    ),
    Row(
        "SNS-HA-04[sbg7]",
        "What replicates sessions has died on both members",
        sessions_not_shared("sbg7"),
        "expected the longest silence of …: at most 700 ms, observed …, and it did not come back…",
        patience=SESSIONS_STAY_LOST,
    ),
    Row(
        "SNS-HA-05[gra11]",
        "What replicates sessions has died on both members",
        sessions_not_shared("gra11"),
        "expected the longest silence of …: at most 700 ms, observed …, and it did not come back…",
        patience=SESSIONS_STAY_LOST,
    ),
    Row(
        "SNS-HA-06[sbg7]",
        "What replicates sessions has died on both members",
        sessions_not_shared("sbg7"),
        "expected the longest silence of …: at most 700 ms, observed …, and it did not come back…",
        patience=SESSIONS_STAY_LOST,
    ),
    Row(
        "SNS-HA-07[sbg7]",
        "The switch drops what the members tell each other beside the HA link",
        members_unheard_on_the_data_networks,
        "expected members active at once, at the most: 1, observed 2",
    ),
    Row(
        "SNS-HA-08[sbg7]",
        "A takeover is not announced to the switches",
        takeover_unannounced("sbg7"),
        "expected announcements of 147.135.161.153 heard by gw-sbg7: some, observed 0",
    ),
    Row(
        "SNS-HA-08[gra11]",
        "A change of the active member was never synchronised",
        edited("gra11", "object", "[Network]", "a_new_host=192.0.2.1\n[Network]"),
        "the members' word on their synchronisation was late: expected synchronised: yes, by both within 3 s, observed …",
    ),
    Row(
        "SNS-HA-09[sbg7]",
        "The HA agent of the passive member hangs",
        other_agent_hangs("sbg7"),
        "the takeover was late: expected fw…-sbg7 active, alone within 3 s, observed …",
    ),
    Row(
        "SNS-HA-09[gra11]",
        "The active member's lease on its gate outlasts a hang",
        active_lacks("gra11", ("ha_timers", "lease=max(dead - heartbeat - 0.008, dead / 2)", "lease=30.0")),
        "expected frames that fw…-gra11 sent on the data networks before it was one of the pair again: 0, observed …",
    ),
    Row(
        "SNS-HA-10[sbg7]",
        "The switch drops what the members tell each other beside the HA link",
        members_unheard_on_the_data_networks,
        "expected takeovers: [], observed ['fw…-sbg7: the peer is silent on the HA link and on every data segment'…]",
    ),
    Row(
        "SNS-HA-11[gra11]",
        "The HA agent of the passive member hangs",
        other_agent_hangs("gra11"),
        "the takeover was late: expected fw…-gra11 active, alone within 3 s, observed …",
    ),
    Row(
        "SNS-HA-12[sbg7]",
        "The HA agent of the passive member hangs",
        other_agent_hangs("sbg7"),
        "the takeover was late: expected fw…-sbg7 active, alone within 3 s, observed …",
    ),
    Row(
        "SNS-HA-12[gra11]",
        "The gate of the active member does not close on something there that sends broadcasts",
        active_outlives_its_lease("gra11"),
        "expected frames that fw…-gra11, silent, sent on the data networks: 0, observed …",
    ),
    Row(
        "SNS-HA-13[gra11]",
        "hasync works once; then a change comes, it does nothing, and says that all went well",
        synchronises_once,
        "expected files that differ: [], observed ['usr/Firewall/ConfigFiles/object']",
    ),
    Row(
        "SNS-HA-14[gra11]",
        "No sessions are carried any more once the first member has failed",
        sessions_lost_with_the_first_failover,
        "expected the longest silence of …: at most 700 ms, observed … in failover 2 …, and it did not come back…",
        patience=SESSIONS_STAY_LOST,
    ),
    Row(
        "SNS-HA-15[sbg7]",
        "A configuration that comes is unpacked over the one that is there, not beside it",
        passive_lacks(
            "sbg7",
            ("ha_sync", "unpack(archive, _INCOMING)", 'unpack(archive, Path("/"))'),
            ("ha_sync", ".mkdir(parents=True)", ".mkdir(parents=True, exist_ok=True)"),
        ),
        "expected files of fw…-sbg7 that changed: [], observed ['usr/Firewall/ConfigFiles/object'…]",
    ),
    Row(
        "SNS-HA-16[sbg7]",
        "The member with the loose cable has the higher priority, and an advantage need not last",
        all_of(preferred("sbg7"), passive_lacks("sbg7", ("ha_timers", "settle=max(1.0, 10 * dead)", "settle=0.0"))),
        "expected takeovers: one, by fw…-sbg7, observed ['fw…-sbg7: the peer hands over', 'fw…-sbg7: the peer hands over'…]",
    ),
    Row(
        "SNS-HA-17[gra11]",
        "A member does not notice that nothing comes in",
        active_lacks("gra11", ("ha_timers", "deaf=max(0.5, dead)", 'deaf=float("inf")')),
        "the takeover was late: expected fw…-gra11 active, alone within 3 s, observed …",
    ),
    Row(
        "SNS-HA-18[sbg7]",
        "What was written last has not reached the disk of the member that lost power",
        last_write_lost,
        "the members' word on their synchronisation was late: expected synchronised: no, by both within 3 s, observed …",
    ),
    Row(
        "SNS-HA-19[sbg7]",
        "A change was made on the active member alone",
        all_of(edited("sbg7", "object", "[Network]", "a_new_host=192.0.2.1,resolve=static\n[Network]"), noticed("sbg7")),
        "the members' word on their synchronisation was late: expected synchronised: yes, by both within 3 s, observed …",
    ),
    Row(
        "SNS-HA-20[sbg7]",
        "The rule for the members' traffic names no destination",
        rule_changed("sbg7", "# Traffic between the members", "to Firewall_ha", "to any"),
        "expected packets of which something else becomes: [], observed […not refused…",
    ),
    Row(
        "SNS-HA-20[gra11]",
        "The HA network is in the list of those that the page answers",
        edited("gra11", "webadmin", "\nadmin_client", "\nadmin_client\nNetwork_ha", "enservice"),
        "expected the login page: withheld, observed HTTP/1.1 200 OK",
    ),
)
