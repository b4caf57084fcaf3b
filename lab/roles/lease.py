"""A host that has its address by DHCP: busybox's client, which asks once and keeps what it was given.

The lease is infinite as far as a lab's life goes, so no client stays behind. What was given is kept in
``/run/dhcp/INTERFACE.lease``, one ``name=value`` a line, for whoever wants to compare it with the plan.
"""

from __future__ import annotations

from lab.roles.boot import Service, command
from lab.roles.network import RESOLVER_OPTIONS

SCRIPT_PATH = "/etc/udhcpc/lab.script"

# Routes of option 121 replace the router option (RFC 3442). One `ip` process does it all.
SCRIPT = b"""\
#!/bin/sh
# Called by udhcpc with what happened in $1 and the lease in variables.
case $1 in
    bound | renew) ;;
    *) exit 0 ;;
esac

routes() {
    if [ -z "${staticroutes:-}" ]; then
        for router in ${router:-}; do
            echo "route replace default via $router dev $interface"
            return
        done
        return
    fi
    set -- $staticroutes
    while [ $# -ge 2 ]; do
        case $2 in
            0.0.0.0) echo "route replace $1 dev $interface" ;;
            *) echo "route replace $1 via $2 dev $interface" ;;
        esac
        shift 2
    done
}

{ echo "address replace $ip/$mask dev $interface"; routes; } | ip -batch - || exit 1

if [ -n "${dns:-}" ]; then
    { for server in $dns; do echo "nameserver $server"; done; echo "%(options)s"; } >/etc/resolv.conf
fi

cat >"/run/dhcp/$interface.lease" <<end
address=$ip/$mask
router=${router:-}
routes=${staticroutes:-}
nameservers=${dns:-}
server=${serverid:-}
seconds=${lease:-}
end
""" % {b"options": RESOLVER_OPTIONS.encode()}


def question(nic: str) -> tuple[str, ...]:
    """The command that asks the DHCP service for an address of ``nic``, and takes it; it ends, well or not, within 5 s."""
    return ("udhcpc", "-f", "-q", "-n", "-t", "5", "-T", "1", "-O", "staticroutes", "-s", SCRIPT_PATH, "-i", nic)


def lease_file(nic: str) -> str:
    """Where what was given to ``nic`` is kept."""
    return f"/run/dhcp/{nic}.lease"


def lease(nic: str) -> Service:
    """An address, routes and name servers for ``nic`` from the DHCP service; five tries of one second."""
    log = f"/run/dhcp/{nic}.log"
    ask = command(*question(nic))
    return Service(
        files={SCRIPT_PATH: (SCRIPT, 0o755)},
        # In the background: the other services start while the answer travels.
        folders=("/run/dhcp",),
        start=(f"{ask} >{log} 2>&1 </dev/null &", "asking=$!"),
        ready=(f'wait "$asking" || fail {command(f"DHCP on {nic}", log)}',),
    )
