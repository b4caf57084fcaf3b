"""From the tables of ``deployment.toml`` to the typed plan; what is wrong goes to the findings, and reading goes on."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import IPv4Address

from provisioning.cloud_reader import read_cloud_network
from provisioning.deployment_model import (
    DEFAULT_GAPS,
    HOST_ROLES,
    NETWORK_ROLES,
    PROTOCOLS,
    Budgets,
    Firewall,
    Internet,
    Member,
    Network,
    Person,
    Pool,
    PrivateHost,
    PublishedService,
    SecretReference,
    Site,
    Tunnel,
)
from provisioning.toml_table import Table

LONGEST_BUDGET = 600_000  # milliseconds; anything longer is a mistyped unit


def derived_mac(address: IPv4Address, owner: int = 0) -> str:
    """A locally administered MAC that shows the address it belongs to: ``02:00:0a:c8:00:0a`` is 10.200.0.10.

    ``owner`` tells apart the machines that have the same address (the members of a cluster, counted from 1).
    """
    return ":".join(f"{octet:02x}" for octet in (2, owner, *address.packed))


def read_site(name: str, table: Table) -> Site:
    """A ``[sites.NAME]`` table."""
    networks = {key: _network(key, name, entry) for key, entry in table.named_tables("networks").items()}
    site = Site(
        name=name,
        region=table.text("region", default=name),
        region_chosen=table.has("region"),
        distance_ms=table.milliseconds("distance_ms"),
        block=table.network("block"),
        gateway=table.address("gateway"),
        gateway_internet=table.address("gateway_internet"),
        released=table.addresses("released"),
        networks=networks,
        firewall=_firewall(name, table.table("firewall"), networks),
        hosts={key: _host(key, name, entry) for key, entry in table.named_tables("hosts").items()},
        published=tuple(_published(name, entry) for entry in table.tables("published")),
        pools=tuple(_pool(name, entry) for entry in table.tables("pools")),
        people=tuple(_person(name, entry) for entry in table.tables("people")),
        client_lans=table.networks("client_lans"),
        place=table.place,
    )
    table.close()
    return site


def _network(name: str, site: str, table: Table) -> Network:
    network = Network(
        name=name,
        site=site,
        role=table.choice("role", NETWORK_ROLES),
        vlan=table.integer("vlan", 0, 4094),
        subnet=table.network("subnet"),
        dhcp=table.addresses("dhcp"),
        cloud=read_cloud_network(table.optional_table("cloud"), name),
        place=table.place,
    )
    table.close()
    return network


def _firewall(site: str, table: Table, networks: dict[str, Network]) -> Firewall:
    nics = table.texts("nics")
    members = tuple(
        _member(number, site, nics, networks, entry) for number, entry in enumerate(table.tables("members"), start=1)
    )
    firewall = Firewall(site, table.text("model", default="EVA1"), table.has("model"), nics, members, table.place)
    table.close()
    return firewall


def _member(number: int, site: str, nics: tuple[str, ...], networks: dict[str, Network], table: Table) -> Member:
    ha_address = table.optional_address("ha_address")
    written = table.texts("macs")
    derived = tuple(_member_mac(number, networks.get(nic), ha_address) for nic in nics)
    member = Member(
        number=number,
        site=site,
        instance=table.text("instance", default=f"stormshield-{number}"),
        serial=table.text("serial"),
        ha_address=ha_address,
        ports=_ports(table, nics, networks, ha_address),
        macs=tuple(mac.lower() for mac in written) or derived,
        macs_written=bool(written),
        place=table.place,
    )
    table.close()
    return member


def _ports(
    table: Table, nics: tuple[str, ...], networks: dict[str, Network], ha_address: IPv4Address | None
) -> dict[str, IPv4Address]:
    """The fixed addresses as written; where there are some, the HA port has the member's HA address."""
    ports = table.named_addresses("ports")
    if ports and ha_address is not None:
        ports |= {nic: ha_address for nic in nics if nic in networks and networks[nic].role == "ha"}
    return ports


def _member_mac(number: int, network: Network | None, ha_address: IPv4Address | None) -> str:
    """Its own MAC of a NIC, from the address it has there, or the network's when that stands in ConfigFiles."""
    if network is None:
        return derived_mac(IPv4Address(0), number)
    if network.role == "ha" and ha_address is not None:
        return derived_mac(ha_address, number)
    return derived_mac(network.subnet.network_address, number)


def _host(name: str, site: str, table: Table) -> PrivateHost:
    address = table.address("address")
    host = PrivateHost(
        name=name,
        site=site,
        role=table.choice("role", HOST_ROLES),
        network=table.text("network"),
        address=address,
        instance=table.text("instance", default=f"{name}-{site}"),
        trunk=table.integers("trunk"),
        mac=table.text("mac", default=derived_mac(address)).lower(),
        mac_written=table.has("mac"),
        place=table.place,
    )
    table.close()
    return host


def _published(site: str, table: Table) -> PublishedService:
    service = PublishedService(
        name=table.text("name"),
        site=site,
        protocol=table.choice("protocol", PROTOCOLS),
        port=table.integer("port", 1, 65535),
        host=table.text("host"),
        place=table.place,
    )
    table.close()
    return service


def _pool(site: str, table: Table) -> Pool:
    pool = Pool(site, table.choice("protocol", PROTOCOLS), table.network("network"), table.place)
    table.close()
    return pool


def _person(site: str, table: Table) -> Person:
    person = Person(site, table.text("login"), _secret_name(table, "password"), table.place)
    table.close()
    return person


def read_tunnel(table: Table) -> Tunnel:
    """A ``[[tunnels]]`` table: ``between = ["SITE.NETWORK", "SITE.NETWORK"]``."""
    ends = table.texts("between")
    if len(ends) != 2:
        table.findings.add(table.at("between"), "a tunnel has two ends", 'write ["SITE.NETWORK", "SITE.NETWORK"]')
        ends = ("", "")
    (first_site, _, first_network), (second_site, _, second_network) = (end.partition(".") for end in ends)
    key = _secret_name(table, "key")
    table.close()
    return Tunnel((first_site, second_site), (first_network, second_network), key, table.place)


def read_internet(table: Table) -> Internet:
    """The ``[internet]`` table."""
    public, mirror = table.table("public"), table.table("mirror")
    internet = Internet(
        network=table.network("network"),
        resolver=table.address("resolver"),
        admin=table.address("admin"),
        stranger=table.address("stranger"),
        vpn_client=table.address("vpn_client"),
        public=public.address("address"),
        page=_url(public, "page", "https"),
        echo=_url(public, "echo", "http"),
        refused=public.texts("refused"),
        mirror=mirror.address("address"),
        mirror_name=mirror.text("name"),
        place=table.place,
    )
    for part in (public, mirror, table):
        part.close()
    return internet


def _url(table: Table, key: str, scheme: str) -> str:
    url = table.text(key)
    if url and not url.startswith(f"{scheme}://"):
        table.findings.add(table.at(key), f"{url!r} is not an {scheme} address", f"begin it with {scheme}://")
    return url


def _secret_name(table: Table, key: str) -> str:
    """The name behind ``secret:``. What stands there instead may be the secret itself: it is never repeated."""
    written = table.text(key)
    prefix, _, name = written.partition(":")
    if written and (prefix != "secret" or not name):
        table.findings.add(
            table.at(key), "a secret in clear", 'write "secret:NAME" here, and where NAME comes from in [secrets]'
        )
        return ""
    return name


def read_secrets(table: Table) -> dict[str, SecretReference]:
    """The ``[secrets]`` table: ``env:NAME``, ``file:PATH`` or ``generate``; any other value is a secret in clear."""
    references = {}
    for name in table.keys():  # noqa: SIM118 (not a mapping)
        written = table.text(name)
        kind, _, source = written.partition(":")
        if written and written != "generate" and not (kind in ("env", "file") and source):
            remedy = 'write "env:NAME", "file:PATH" or "generate" and keep the value out'
            table.findings.add(table.at(name), "a secret in clear", remedy)
            kind = source = ""  # the value goes no further
        references[name] = SecretReference(name, kind, source, table.at(name))
    return references


def read_budgets(table: Table | None) -> Budgets:
    """The ``[budgets]`` table; what it leaves out has a default."""
    if table is None:
        return Budgets()
    restored = table.integer("tunnel_restored", 1, LONGEST_BUDGET, default=Budgets.tunnel_restored)
    takeover = table.integer("takeover", 1, LONGEST_BUDGET, default=Budgets.takeover)
    gaps = {event: _read_gaps(table.optional_table(event), classes) for event, classes in DEFAULT_GAPS.items()}
    table.close()
    return Budgets(restored, takeover, gaps)


def _read_gaps(table: Table | None, defaults: Mapping[str, int]) -> Mapping[str, int]:
    if table is None:
        return defaults
    values = {name: table.integer(name, 1, LONGEST_BUDGET, default=default) for name, default in defaults.items()}
    table.close()
    return values
