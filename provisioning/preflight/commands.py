"""Rules about the commands of a runbook, one by one and in their order."""

from __future__ import annotations

import re
from collections.abc import Iterator
from difflib import get_close_matches
from pathlib import Path

from lab.appliance.__main__ import COMMANDS
from provisioning.preflight.ground import Ground
from provisioning.preflight.rule import Doubt, Severity
from provisioning.preflight.runbook import Command, Runbook
from provisioning.preflight.servers import format_of, versions_differ

_SHELL = "break case cd do done echo elif else esac exit export false fi for if local read return set source test then true"
_TOOLS = (
    "awk cat chmod chown cp curl cut date dig env file git grep head host jq kill ls mkdir mv nslookup openssl printf rm sed"
)
_MORE = "awk trap sha256sum sleep sort sudo tail tar tee time touch tr unset until vi vim nano wait wget while xargs"
_CLIENTS = "apt apt-get openstack openvpn pip ping rempart scp ssh ssh-add ssh-keygen"
ELSEWHERE = frozenset(word for words in (_SHELL, _TOOLS, _MORE, _CLIENTS) for word in words.split())
"""Programs of an administrator's machine that a runbook may use without a word; beside them stand the appliance's own."""

_INSTALLERS = ("apt", "apt-get", "dnf", "yum")
_ECHOES = re.compile(r"\b(ipinfo\.io|ifconfig\.(?:me|co)|icanhazip\.com|api\.ipify\.org|checkip\.\S+)")
_CONFIG_FILE = re.compile(r"ConfigFiles/(\w+)")
_APPLIES = {"object": "enfilter", "network": "ennetwork", "route": "ennetwork", "webadmin": "enservice"}


def check(ground: Ground) -> Iterator[Doubt]:
    """All of them, where there is a runbook."""
    runbook = ground.runbook
    if runbook is None:
        return
    yield from _image(ground, runbook)
    yield from _networks(ground, runbook)
    yield from _servers(ground, runbook)
    yield from _keys(ground, runbook)
    yield from _session(ground, runbook)
    yield from _shell(ground, runbook)
    yield from _appliance(ground, runbook)
    yield from _tests(ground, runbook)
    yield from _placeholders(ground, runbook)


def _image(ground: Ground, runbook: Runbook) -> Iterator[Doubt]:
    for command in runbook.openstack("image", "create"):
        file, name = command.option("--file"), command.target
        if versions_differ(file, name):
            yield ground.in_runbook("O1", command, f"{name} is made from {Path(file).name}")
        real, declared = format_of(Path(runbook.file).parent / file), command.option("--disk-format") or "raw"
        if file and real and real != declared:
            yield ground.in_runbook("O2", command, f"{declared}, and {Path(file).name} is {real}")


def _networks(ground: Ground, runbook: Runbook) -> Iterator[Doubt]:
    segments = {one.target: one.option("--provider-segment") for one in runbook.openstack("network", "create")}
    for command in runbook.openstack("network", "create"):
        if command.has("--disable-port-security"):
            yield ground.in_runbook("O11", command, f"{command.target} loses port security as a whole")
    for command in runbook.openstack("subnet", "create"):
        outside = segments.get(command.option("--network")) == "0"
        if outside and not command.has("--no-dhcp"):
            yield ground.in_runbook("O4", command, f"{command.target} gets a DHCP service on VLAN 0")
        if not command.has("--gateway"):
            yield ground.in_runbook("O5" if outside else "O6", command, f"{command.target} gets Neutron's own gateway")


def _servers(ground: Ground, runbook: Runbook) -> Iterator[Doubt]:
    uploaded = {one.target for one in runbook.openstack("image", "create")}
    for command in runbook.openstack("server", "create"):
        if not command.has("--wait"):
            yield ground.in_runbook("O16", command, f"nobody waits for {command.target}")
        if len(command.options("--network")) > 1:
            yield ground.in_runbook("O17", command, f"{command.target} has its interfaces in the order of --network")
        image = command.option("--image")
        if image in uploaded and not command.has("--user-data"):
            yield ground.in_runbook("O18", command, f"{command.target} is configured at a console")
        if image and image not in uploaded and not _is_uuid(image):
            yield ground.in_runbook("O29", command, f"{image!r} was not looked for", Severity.INFORMATION)
    created = [*runbook.openstack("network", "create"), *runbook.openstack("image", "create")]
    for command in created:
        if not command.guarded:
            yield ground.in_runbook("O15", command, f"run again, it makes a second {command.target}")
    if created and not any(command.is_openstack() and "delete" in command.words for command in runbook.commands):
        yield ground.in_runbook("O31", created[-1], "nothing that is created is ever deleted")


def _is_uuid(text: str) -> bool:
    return bool(re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", text))


def _keys(ground: Ground, runbook: Runbook) -> Iterator[Doubt]:
    known = {one.target for one in runbook.openstack("keypair", "create")}
    if ground.deployment.cloud is not None:
        known.add(ground.deployment.cloud.key)
    for command in runbook.openstack("keypair", "create"):
        if Path(command.option("--public-key")).name == "id_rsa.pub":
            yield ground.in_runbook("O22", command, f"only {command.option('--public-key')} would do")
    for command in runbook.openstack("server", "create"):
        name = command.option("--key-name")
        if name and name not in known:
            yield ground.in_runbook("O21", command, f"{name} is not made here ({', '.join(sorted(known)) or 'none is'})")


def _session(ground: Ground, runbook: Runbook) -> Iterator[Doubt]:
    """What a command of ``openstack`` takes from its surroundings."""
    commands = runbook.openstack()
    if not commands:
        return
    sourced = any(one.program in ("source", ".") or one.text.startswith(". ") for one in runbook.commands)
    for rule, options, variables in (
        ("O23", ("--os-region-name",), {"OS_REGION_NAME"}),
        ("O24", ("--os-cloud", "--os-auth-url"), {"OS_CLOUD", "OS_AUTH_URL"}),
    ):
        bare = [one for one in commands if not one.has(*options)]
        if bare and not runbook.defined & variables and not (sourced and rule == "O24"):
            message = f"{len(bare)} commands say neither {options[0]} nor {max(variables)}"
            yield ground.in_runbook(rule, bare[0], message)


def _shell(ground: Ground, runbook: Runbook) -> Iterator[Doubt]:
    known = {*ELSEWHERE, *COMMANDS, *runbook.defined}
    for command in runbook.commands:
        program = command.program
        if program and program not in known and not program.startswith("."):
            near = get_close_matches(program, known, n=1, cutoff=0.8)
            if near:
                yield ground.in_runbook("S6", command, f"{program!r}: did you mean {near[0]!r}?")
        if program == "ssh" and command.has("-A"):
            yield ground.in_runbook("S13", command, f"{command.text}: the agent goes along")
        if program == "scp" and "~/Download/" in command.text:
            yield ground.in_runbook("V7", command, "~/Download/")
    for first, then in zip(runbook.commands, runbook.commands[1:], strict=False):
        if first.block == then.block and first.program == "ssh" and _is_interactive(first) and then.program:
            yield ground.in_runbook("S7", then, f"{then.text}: behind {first.text!r}, it runs here")


def _is_interactive(command: Command) -> bool:
    """Whether an ``ssh`` has no command of its own: a target, and nothing behind it."""
    takes_a_value = {"-p", "-i", "-J", "-l", "-o", "-F", "-L", "-R", "-D", "-b", "-c", "-E", "-e", "-m", "-Q", "-S", "-W", "-w"}
    operands, words = [], list(command.words[1:])
    while words:
        word = words.pop(0)
        if word in takes_a_value and words:
            words.pop(0)
        elif not word.startswith("-"):
            operands.append(word)
    return len(operands) == 1


def _appliance(ground: Ground, runbook: Runbook) -> Iterator[Doubt]:
    """Each file that is edited has a command that makes it count."""
    run = {word for command in runbook.commands for word in command.words}
    for command in runbook.programs("vi", "vim", "nano"):
        for name in _CONFIG_FILE.findall(command.text):
            if _APPLIES.get(name, "") not in run:
                yield ground.in_runbook("S4", command, f"{name} is edited, and {_APPLIES.get(name, 'nothing')} is not run")


def _tests(ground: Ground, runbook: Runbook) -> Iterator[Doubt]:
    for command in runbook.commands:
        if command.program == "ping":
            yield ground.in_runbook("S15", command, "an echo alone")
        if command.program == "curl" and (echo := _ECHOES.search(command.text)):
            yield ground.in_runbook("S9", command, f"{echo[1]} tells the address that is let in")
        elif command.program == "curl" and command.has("-I", "--head"):
            yield ground.in_runbook("S15", command, f"{command.words[-1]} answers, and nothing is said of what must not")


def _placeholders(ground: Ground, runbook: Runbook) -> Iterator[Doubt]:
    """What is left to be filled in, and which of it means one thing here and another there."""
    uses: dict[str, dict[str, Command]] = {}
    for command in runbook.commands:
        for placeholder in command.placeholders:
            if "dns" in placeholder:
                yield ground.in_runbook("O19", command, f"{placeholder} is never given")
            uses.setdefault(placeholder, {}).setdefault(_use(command), command)
    for placeholder, by_use in uses.items():
        if len(by_use) > 1:
            first = next(iter(by_use.values()))
            yield ground.in_runbook("S14", first, f"{placeholder} is {', '.join(by_use)} in turn")


def _use(command: Command) -> str:
    """What the machine behind a placeholder is, as far as the command tells."""
    if user := re.search(r"(\w+)@<", command.text):
        return f"where {user[1]} logs in"
    return {"curl": "a web server", "ping": "what is pinged", "": "an answer"}.get(command.program, f"of {command.program}")
