"""From a deployment's plan to the lab's own terms: which hosts, on which wires, with which files.

Everything here is a pure function of the plan and its secrets, so a second process that attaches to a lab computes the
same topology.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from ipaddress import IPv4Address, IPv4Interface
from pathlib import Path

from lab.roles import baremetal, client, dhcp, gateway, nginx, public, web
from lab.roles.boot import Setup
from lab.roles.listening import Listener
from lab.roles.network import Route
from lab.roles.sshd import SshServer
from lab.topology import Distance, Host, Nic, Segment, Topology
from provisioning.deployment import Deployment, DeploymentError, located
from provisioning.deployment_model import Internet, Member, Network, PrivateHost, Site
from provisioning.keys import Keys
from provisioning.secrets import Secrets
from provisioning.toml_lines import field_name

INTERNET = "internet"
FIREWALL = "/usr/Firewall"

# What answers on hosts although nobody published or allowed it: a refusal means something only where something listens.
UNPUBLISHED = (8080, 8443)
ECHO = (Listener("echo", "tcp", 7), Listener("echo", "udp", 7))
NOT_ALLOWED = (22, 23, 25)

DOWNLOAD = nginx.Download("/large", size=50_000_000, rate=500_000)  # 100 s: longer than any scenario

APPLIANCE_SYSCTLS: Mapping[str, str] = {
    "net.ipv4.ip_forward": "1",
    "net.ipv4.ip_local_port_range": "20000 59999",  # ephemeral_fw: the proxy's own connections leave from it too
    "net.ipv4.conf.all.send_redirects": "0",
    "net.ipv4.conf.default.send_redirects": "0",
    # An interface speaks for its own address only, as the product's system does; Linux would answer for any of its host
    "net.ipv4.conf.all.arp_ignore": "1",
    "net.ipv4.conf.all.arp_announce": "2",
    # Sessions that the other member opened are picked up in the middle.
    "net.netfilter.nf_conntrack_tcp_be_liberal": "1",
}
# A member that takes over knows no neighbour yet; the kernel's second between two ARP questions would be its outage.
ARP_RETRY_MS = 20
_LOGS = ("filter", "vpn", "vpn_daemon", "ha", "ha_agent", "conntrackd", "sslvpn_udp", "sslvpn_tcp", "ldap", "server", "sshd")
# Where the product has partitions: one that is full must fill nothing else. Memory is taken for what is in them alone.
APPLIANCE_FILESYSTEMS = {"/log": 32_000_000, FIREWALL: 16_000_000}
APPLIANCE_LOGS = tuple(f"/log/l_{name}" for name in _LOGS)


def topology(deployment: Deployment, secrets: Secrets, *, factory: bool = False) -> Topology:
    """The lab of a deployment; with ``factory`` its firewalls have no configuration yet, and OpenStack's DHCP gives all of
    their ports the planned addresses. Raises DeploymentError when secrets cannot be had, each at its line of the plan.
    """
    _refuse_without(deployment, secrets)
    keys = Keys(deployment, secrets)
    hosts: list[Host] = []
    for number, site in enumerate(deployment.sites.values(), start=1):
        hosts += _site(deployment, site, number, keys, secrets, factory=factory)
    return _of(deployment, (*hosts, *_internet(deployment, keys)))


def surroundings(deployment: Deployment, keys: Keys) -> Topology:
    """What is around a deployment that a cloud makes: the Internet, the providers' gateways, the bare-metal servers.

    Of the Internet, all but the VPN user, where the plan has the cloud make that machine too.
    """
    made = {"vpn-client"} if deployment.cloud is not None and deployment.cloud.vpn_client is not None else set()
    hosts: list[Host] = []
    for number, site in enumerate(deployment.sites.values(), start=1):
        hosts += (_bare_metal(deployment, site, host, keys) for host in site.hosts.values() if host.trunk)
        hosts.append(_gateway(deployment, site, number))
    return _of(deployment, (*hosts, *(host for host in _internet(deployment, keys) if host.name not in made)))


def _of(deployment: Deployment, hosts: tuple[Host, ...]) -> Topology:
    vlans = sorted({network.vlan for site in deployment.sites.values() for network in site.networks.values()})
    return Topology(
        label=deployment.name,
        regions=tuple(dict.fromkeys(site.region for site in deployment.sites.values())),
        segments=(Segment(INTERNET), *(Segment(f"vrack-{vlan}", vlan) for vlan in vlans)),
        hosts=hosts,
        distances=tuple(
            Distance(site.region, site.distance_ms / 1000) for site in deployment.sites.values() if site.distance_ms
        ),
    )


def _refuse_without(deployment: Deployment, secrets: Secrets) -> None:
    missing = secrets.unavailable()
    if missing:
        places = {name: deployment.secrets[name].place for name in missing}
        lines = [(deployment.lines.line(places[name]), field_name(places[name]), missing[name], "") for name in missing]
        raise DeploymentError(located(str(deployment.plan), lines))


# A site -------------------------------------------------------------------------------------------------------------


def _site(deployment: Deployment, site: Site, number: int, keys: Keys, secrets: Secrets, *, factory: bool) -> Iterator[Host]:
    for member in site.firewall.members:
        trees = {} if factory else _trees(deployment, site, secrets)
        yield _appliance(site, member, keys, trees)
    for host in site.hosts.values():
        yield _bare_metal(deployment, site, host, keys) if host.trunk else _web(site, host, keys)
    yield _dhcp(deployment, site, number, factory=factory)
    yield _gateway(deployment, site, number)


def _trees(deployment: Deployment, site: Site, secrets: Secrets) -> dict[str, tuple[bytes, int]]:
    """What the deployment's folder holds of a site, as it is installed."""
    return {
        **_tree(deployment.configuration_folder(site.name), f"{FIREWALL}/ConfigFiles", secrets),
        **_tree(deployment.data_folder(site.name), f"{FIREWALL}/Data", secrets),
    }


def _appliance(site: Site, member: Member, keys: Keys, trees: Mapping[str, tuple[bytes, int]]) -> Host:
    nics = tuple(
        Nic(f"eth{place}", site.networks[name].segment, member.macs[place], site.region)
        for place, name in enumerate(site.firewall.nics)
    )
    return appliance(member.id, nics, site.name, {**trees, **keys.firewall(site), **identity(member)})


def identity(member: Member) -> dict[str, tuple[bytes, int]]:
    """What an appliance knows of itself that no configuration says: its names and its serial number."""
    text = f"[Options]\nSystemName={member.instance}\nSystemNodeName={member.id}\nSerial={member.serial}\n"
    return {f"{FIREWALL}/System/global": (text.encode(), 0o644)}


def appliance(name: str, nics: tuple[Nic, ...], site: str, files: Mapping[str, tuple[bytes, int]]) -> Host:
    """A simulated appliance with these files; without configuration among them it is as delivered."""
    return Host(
        name=name,
        role="appliance",
        nics=nics,
        site=site,
        files={**files, **_commands()},
        boot=f"{FIREWALL}/sbin/boot",
        order=1,
        sysctls=APPLIANCE_SYSCTLS,
        arp_retry_ms=ARP_RETRY_MS,
        code=True,
        filesystems=APPLIANCE_FILESYSTEMS,
        logs=APPLIANCE_LOGS,
    )


def _tree(source: Path, target: str, secrets: Secrets) -> dict[str, tuple[bytes, int]]:
    """A folder's files as they are installed, secrets in place. What is no text is installed as it is."""
    files = {}
    for path in sorted(source.rglob("*")) if source.is_dir() else ():
        if path.is_file():
            content = path.read_bytes()
            if b"${secret:" in content:
                content = secrets.fill(content.decode()).encode()
            files[f"{target}/{path.relative_to(source)}"] = (content, 0o600)
    return files


def _commands() -> dict[str, tuple[bytes, int]]:
    from lab.appliance.__main__ import ALONE, COMMANDS
    from lab.appliance.command import CODE, INSTALLED

    # -S: they need the standard library alone, and to look for site's packages is a quarter of an interpreter's start.
    # The environment is named here: a login shell over SSH does not have it. -I: the client imports nothing of ours.
    alone = f"PYTHONPATH={CODE} PYTHONPYCACHEPREFIX=/opt/pycache exec python3 -S -m lab.appliance"
    asking = f"exec python3 -I -S {INSTALLED}"
    return {
        f"{FIREWALL}/sbin/{name}": (f'#!/bin/sh\n{alone if name in ALONE else asking} {name} "$@"\n'.encode(), 0o755)
        for name in COMMANDS
    }


def _web(site: Site, host: PrivateHost, keys: Keys) -> Host:
    network = site.networks[host.network]
    nic = Nic("eth0", network.segment, host.mac, site.region)
    return web_server(site, host, host.id, keys, (nic,), _ssh(keys, host))


def web_server(site: Site, host: PrivateHost, called: str, keys: Keys, nics: tuple[Nic, ...], ssh: SshServer) -> Host:
    """A private web server of the plan, its address by DHCP, and what it calls itself."""
    published = [entry for entry in site.published if entry.host == host.name]
    ports = {entry.port for entry in published if entry.protocol == "tcp"} or {80}
    answering = tuple(Listener("echo", "udp", entry.port) for entry in published if entry.protocol == "udp")
    setup = web.web(
        name=called,
        authorities=keys.authorities,
        ssh=ssh,
        port=min(ports),
        unpublished=tuple(sorted({*ports, *UNPUBLISHED} - {min(ports)})),
        download=DOWNLOAD,
        listeners=(*ECHO, *answering),
    )
    return _host(host.id, "web", nics, setup, site, order=1, sysctls=web.SYSCTLS, logs=web.LOGS)


def _bare_metal(deployment: Deployment, site: Site, host: PrivateHost, keys: Keys) -> Host:
    network = site.networks[host.network]
    setup = baremetal.baremetal(
        name=host.id,
        vlan=network.vlan,
        mac=host.mac,
        authorities=keys.authorities,
        ssh=_ssh(keys, host),
        addressing=baremetal.Addressing(
            site.host_interface(host),
            deployment.private_address(site.name, host.network),
            (deployment.internet.resolver,),
        ),
        listeners=ECHO,
    )
    nic = Nic("eth0", network.segment, host.mac, site.region, trunk=host.trunk)
    return _host(host.id, "baremetal", (nic,), setup, site, order=1, sysctls=baremetal.SYSCTLS, logs=baremetal.LOGS)


def _dhcp(deployment: Deployment, site: Site, number: int, *, factory: bool) -> Host:
    offered = [network for network in site.networks.values() if network.dhcp]
    if factory:  # last: who attaches to the lab later counts the interfaces of the others
        offered.append(site.network_of("external"))
    subnets, nics = [], []
    for place, network in enumerate(offered):
        nics.append(Nic(f"eth{place}", network.segment, _mac(0xD0, number, place), site.region))
        private = network.role == "private"
        reservations = [
            dhcp.Reservation(host.mac, host.address, host.name)
            for host in site.hosts.values()
            if host.network == network.name and not host.trunk
        ]
        reservations += [
            dhcp.Reservation(member.macs[site.firewall.nics.index(network.name)], member.ha_address, member.id)
            for member in site.firewall.members
            if network.role == "ha" and member.ha_address is not None
        ]
        if factory and network.role != "ha":
            reservations += [
                dhcp.Reservation(member.macs[site.firewall.nics.index(network.name)], member.ports[network.name], member.id)
                for member in site.firewall.members
                if network.name in member.ports
            ]
        subnets.append(
            dhcp.Subnet(
                nic=f"eth{place}",
                network=network.subnet,
                own=network.dhcp or (_spare(site),),
                gateway=_router(deployment, site, network),
                nameservers=(deployment.internet.resolver,) if private else (),
                reservations=tuple(reservations),
            )
        )
    setup = dhcp.dhcp(name=f"dhcp-{site.name}", subnets=subnets)
    return _host(f"dhcp-{site.name}", "dhcp", tuple(nics), setup, site, sysctls=dhcp.SYSCTLS, logs=dhcp.LOGS)


def _router(deployment: Deployment, site: Site, network: Network) -> IPv4Address | None:
    """The gateway that a subnet names to its ports."""
    if network.role == "external":
        return site.gateway
    return deployment.private_address(site.name, network.name) if network.role == "private" else None


def _spare(site: Site) -> IPv4Address:
    """An address of the public block that nobody has. Raises StopIteration when all are taken."""
    taken = {site.gateway, *site.released, *(port for member in site.firewall.members for port in member.ports.values())}
    return next(address for address in reversed(list(site.block.hosts())) if address not in taken)


def _gateway(deployment: Deployment, site: Site, number: int) -> Host:
    external = site.network_of("external")
    inside = IPv4Interface((site.gateway, site.block.prefixlen))
    outside = IPv4Interface((site.gateway_internet, deployment.internet.network.prefixlen))
    nics = (
        Nic("eth0", external.segment, _mac(0x67, number, 0), site.region, inside),
        Nic("eth1", INTERNET, _mac(0x67, number, 1), site.region, outside),
    )
    others = (other for other in deployment.sites.values() if other is not site)
    setup = gateway.gateway(name=f"gw-{site.name}", remote=_to_blocks(others))
    return _host(f"gw-{site.name}", "gateway", nics, setup, site, sysctls=gateway.SYSCTLS, logs=gateway.LOGS)


# The Internet -------------------------------------------------------------------------------------------------------


def _internet(deployment: Deployment, keys: Keys) -> Iterator[Host]:
    internet = deployment.internet
    hub = next(iter(deployment.sites.values())).region
    blocks = tuple(_to_blocks(deployment.sites.values()))
    yield _public(internet, hub, blocks, keys)
    for place, (name, address) in enumerate(
        (("admin", internet.admin), ("stranger", internet.stranger), ("vpn-client", internet.vpn_client)), start=2
    ):
        setup = client.client(
            name=name,
            authorities=keys.authorities,
            nameservers=(internet.resolver,),
            remote=blocks,
            ssh=keys.administrator if name == "admin" else None,
            listeners=ECHO,
        )
        nic = Nic("eth0", INTERNET, _mac(0x49, 0, place), hub, IPv4Interface((address, internet.network.prefixlen)))
        yield _host(name, "client", (nic,), setup, None, sysctls=client.SYSCTLS, logs=client.LOGS)


def _public(internet: Internet, hub: str, blocks: Iterable[Route], keys: Keys) -> Host:
    prefix = internet.network.prefixlen
    page_host, page_path = _split(internet.page)
    echo_host, _ = _split(internet.echo)
    sites = [
        public.Site(page_host, internet.public, pages=("/", page_path), echo=echo_host == page_host),
        *([] if echo_host == page_host else [public.Site(echo_host, internet.public, echo=True)]),
        *(public.Site(name, internet.public) for name in internet.refused),
        public.Site(internet.mirror_name, internet.mirror, download=DOWNLOAD),
    ]
    setup = public.public(
        name="public",
        addresses=[
            IPv4Interface((address, prefix)) for address in dict.fromkeys((internet.public, internet.mirror, internet.resolver))
        ],
        sites=sites,
        certificate=keys.public_site,
        authorities=keys.authorities,
        resolver_address=internet.resolver,
        remote=blocks,
        listeners=(*_echo(internet.public), *(Listener("greet", "tcp", port) for port in NOT_ALLOWED)),
    )
    nic = Nic("eth0", INTERNET, _mac(0x49, 0, 1), hub)
    return _host("public", "public", (nic,), setup, None, sysctls=public.SYSCTLS, logs=public.LOGS)


# Parts --------------------------------------------------------------------------------------------------------------


def _host(
    name: str,
    role: str,
    nics: tuple[Nic, ...],
    setup: Setup,
    site: Site | None,
    *,
    sysctls: Mapping[str, str],
    logs: tuple[str, ...],
    order: int = 0,
) -> Host:
    return Host(
        name=name,
        role=role,
        nics=nics,
        site=site.name if site else "",
        files=setup.files,
        boot=setup.boot,
        order=order,
        sysctls=dict(sysctls),
        logs=tuple(logs),
    )


def _ssh(keys: Keys, host: PrivateHost) -> SshServer:
    return SshServer(user="ubuntu", authorized_keys=keys.admin.public, host_key=keys.ssh(f"host {host.id}").private)


def _echo(address: IPv4Address) -> tuple[Listener, ...]:
    """The echo servers on one address: where there are several, a UDP server must name its own."""
    return tuple(replace(listener, address=address) for listener in ECHO)


def _to_blocks(sites: Iterable[Site]) -> Iterator[Route]:
    return (Route(site.block, site.gateway_internet) for site in sites)


def _split(url: str) -> tuple[str, str]:
    """Host and path of an address."""
    host, _, path = url.partition("://")[2].partition("/")
    return host, f"/{path}"


def _mac(kind: int, number: int, place: int) -> str:
    """A locally administered address: what kind of host, of which site, which of its interfaces."""
    return f"02:52:{kind:02x}:00:{number:02x}:{place:02x}"
