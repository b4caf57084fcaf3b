"""Kinds of mistakes in a firewall's configuration: each makes a fault out of where and what."""

from __future__ import annotations

from collections.abc import Callable

from tests.lab.can_fail.ground import Ground
from tests.lab.can_fail.row import Fault

SLOT = "Filter/05"
FINAL = "# Block all, and say so"


def all_of(*faults: Fault) -> Fault:
    """Several mistakes at once: where the product has more than one guard, all of them must be missing."""

    def act(ground: Ground) -> None:
        for fault in faults:
            fault(ground)

    return act


def edited(site: str, file: str, old: str, new: str, *commands: str) -> Fault:
    """A text in a configuration file is another one."""
    return lambda ground: ground.edit(site, file, lambda text: text.replace(old, new), *commands)


def rule_changed(site: str, comment: str, old: str, new: str) -> Fault:
    """In the rule with this comment something is written differently."""
    return _rules(site, lambda lines: [line.replace(old, new) if comment in line else line for line in lines])


def rule_missing(site: str, comment: str) -> Fault:
    """The rule with this comment was forgotten."""
    return _rules(site, lambda lines: [line for line in lines if comment not in line])


def rule_above(site: str, comment: str, rule: str) -> Fault:
    """A rule stands above the one with this comment."""
    return _rules(site, lambda lines: [one for line in lines for one in ((rule, line) if comment in line else (line,))])


def translation_added(site: str, rule: str) -> Fault:
    """The NAT policy begins with this rule."""
    return _rules(site, lambda lines: [one for line in lines for one in ((line, rule) if line == "[NAT]" else (line,))])


def program_replaced(site: str, program: str, script: str) -> Fault:
    """A command of the active firewall does something else."""
    path = f"/usr/Firewall/sbin/{program}"

    def act(ground: Ground) -> None:
        name = ground.environment.firewall(site).name
        ground.shell(
            name,
            f"cp -a {path} {path}.kept && rm {path} && printf '#!/bin/sh\\n%s\\n' \"{script}\" >{path} && chmod 755 {path}",
            f"mv -f {path}.kept {path}",
        )

    return act


def web_server_changed(host: str, change: str) -> Fault:
    """A host's nginx works by its configuration as a script of sed changes it."""
    file = "/etc/nginx/nginx.conf"
    until_gone = "timeout 5 sh -c 'while kill -0 $0; do sleep 0.01; done' $old"  # who serves by the former one
    anew = f"old=$(pgrep -P $(cat /run/nginx.pid)); nginx -s reload; {until_gone}"
    edit, mend = f"cp {file} /run/kept; sed -i '{change}' {file}", f"cp /run/kept {file}; nginx -s reload"
    return lambda ground: ground.shell(host, f"{edit}; {anew}", mend)


def cable_dead(host: str) -> Fault:
    """The switch of the vRack takes nothing from a host; the cable is not pulled, for captures listen there."""

    def act(ground: Ground) -> None:
        port = f"in_port=$(ovs-vsctl get interface {ground.port(host)} ofport)"
        bridge = ground.environment.lab.fabric.switch_bridge(ground.host(host).nic("eth0").region)
        ground.switch(f'ovs-ofctl add-flow {bridge} "priority=99,{port},actions=drop"',
                      f'ovs-ofctl --strict del-flows {bridge} "priority=99,{port}"')  # fmt: skip

    return act


def _rules(site: str, change: Callable[[list[str]], list[str]]) -> Fault:
    return lambda ground: ground.edit(site, SLOT, lambda text: "\n".join(change(text.split("\n"))), "enfilter")
