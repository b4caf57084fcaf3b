"""``boot``: the whole start of an appliance, in order; what does not start is told with its log, and the rest goes on.

Before the first interface is up, the filter is closed and the gate of a cluster's member is shut: until its agent has
asked the other member, it is silent on the data networks.
"""

from __future__ import annotations

import contextlib
import importlib
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from lab.appliance import configuration as configurations
from lab.appliance import devices, factory, filtering, fork_server, leases, network, paths, programs, ruleset, spd
from lab.appliance.errors import ApplianceError, Misused
from sns.errors import ResolutionError
from sns.model import Configuration

Step = Callable[[Configuration], None]


def main(arguments: list[str]) -> int:
    """``boot``: 0 when everything that the configuration asks for runs, else 1 with what does not on standard error."""
    if arguments:
        raise Misused("boot")
    paths.RUN.mkdir(parents=True, exist_ok=True)
    paths.LOG.mkdir(parents=True, exist_ok=True)
    leases.forget_all()
    factory.install_if_empty()
    fork_server.start(cluster=configurations.load().ha.paired)
    failures: list[ApplianceError] = []
    # The order matters: closed before it is connected, filtered before it forwards, services before they are judged.
    for group in ((_close,), (network.apply,), (filtering.apply,), (_vpn, _ssl_vpn, _management), (_agent,)):
        failures += _run(group)
    for failure in failures:
        print(failure, file=sys.stderr)
    return 1 if failures else 0


def _run(group: Sequence[Step]) -> list[ApplianceError]:
    """Run steps side by side, each on the configuration as it is now; what they raised."""
    configuration = configurations.load()

    def one(step: Step) -> ApplianceError | None:
        try:
            step(configuration)
        except ApplianceError as error:
            return error
        return None

    if len(group) == 1:
        results = [one(group[0])]
    else:
        with ThreadPoolExecutor(max_workers=len(group)) as pool:
            results = list(pool.map(one, group))
    return [error for error in results if error is not None]


def _close(configuration: Configuration) -> None:
    """Nothing passes before the policy is there, tunnels' traffic nowhere else; a cluster's member is silent."""
    programs.run(("nft", "-f", "-"), given=ruleset.nothing_passes())
    if configuration.ha.paired:
        from lab.appliance import ha_gate

        link = configuration.interface(configuration.ha.interface or "")
        data = [i for i in configuration.interfaces if i.enabled and i is not link]
        ha_gate.install([devices.device(interface.section) for interface in data])
    with contextlib.suppress(ResolutionError):  # envpn, later, tells what is wrong
        spd.apply(configuration)


def _vpn(configuration: Configuration) -> None:
    _start("lab.appliance.vpn", configuration)


def _ssl_vpn(configuration: Configuration) -> None:
    if configuration.ssl_vpn.enabled:
        _start("lab.appliance.sslvpn", configuration)


def _management(configuration: Configuration) -> None:
    _start("lab.appliance.management", configuration)


def _agent(configuration: Configuration) -> None:
    if configuration.ha.paired:
        _start("lab.appliance.ha_service", configuration)
    elif configuration.ha.enabled:
        from lab.appliance import ha_join

        ha_join.start()


def _start(module: str, configuration: Configuration) -> None:
    """Call ``boot(configuration)`` of a module, imported only when the configuration needs it."""
    importlib.import_module(module).boot(configuration)
