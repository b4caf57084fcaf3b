"""Secrets that a test plants wherever a run could pick them up, and a pytest plugin (``-p``) that lets them out again.

One scenario (:data:`LEAKY`) prints them in commands, sends them in clear over the wires, finds them in a host's log and
fails with them in its message. pytest loads this before the project's conftest, so imports of ``steps`` come late.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from urllib.parse import quote

import pytest

LEAKY = "SNS-WEB-02[sbg7-http]"
ANSWERED = "SNS-PLAT-06[sbg7]"
"""In this scenario a host that has no part in it answers for an address for which nobody may."""
INTRUDER = "gw-gra11"
FILE = "PLANTED_SECRETS"
"""The environment variable that names the file with the planted secrets, by where they were planted."""


def disguised(secret: str) -> dict[str, bytes]:
    """A secret as programs write it."""
    raw = secret.encode()
    behind = {f"in base64, behind {before}": base64.b64encode(b"a" * before + raw) for before in range(3)}
    return behind | {
        "as it is": raw,
        "in hex": raw.hex().encode(),
        "in HEX": raw.hex().upper().encode(),
        "for a URL": quote(secret, safe="").encode(),
        "in JSON": json.dumps(secret)[1:-1].encode(),
        "in UTF-16, low byte first": secret.encode("utf-16-le"),
        "in UTF-16, high byte first": secret.encode("utf-16-be"),
    }


def traces(secret: str) -> dict[str, bytes]:
    """What to search for: of base64 and UTF-16 what does not depend on what stands before and behind the secret."""
    forms = disguised(secret)
    inner = {form: octets[4:-4] for form, octets in forms.items() if "base64" in form or "UTF-16" in form}
    return forms | inner


def pytest_addoption(parser: pytest.Parser) -> None:
    """An option as an operator's own plugin might have one."""
    parser.addoption("--appliance-password", default="")


def pytest_bdd_before_step_call(request: pytest.FixtureRequest) -> None:
    """Let them out when the first step of the leaky scenario is about to run."""
    if request.node.name == LEAKY:
        import os

        _leak(request, json.loads(Path(os.environ[FILE]).read_text()))
    if request.node.name == ANSWERED:
        _intrude(request)


def _intrude(request: pytest.FixtureRequest) -> None:
    scene, changes = request.getfixturevalue("scene"), request.getfixturevalue("changes")
    intruder = scene.environment.lab.host(INTRUDER)
    address = ("address", "replace", f"{scene.site.released[0]}/32", "dev", "eth0")
    intruder.must("ip", *address)
    changes.undo(lambda: intruder.run("ip", "address", "delete", *address[2:]))  # one for each step, the first does it


def _leak(request: pytest.FixtureRequest, planted: Mapping[str, str]) -> None:
    from steps.verdict import Refuted

    scene, record = request.getfixturevalue("scene"), request.getfixturevalue("record")
    lines = [line for secret in planted.values() for line in secret.splitlines()]
    everything = "\n".join([*planted.values(), *_in_all_forms(lines)])
    stranger, public = scene.environment.stranger, scene.public_address
    stranger.run("printf", "%s\n", *_in_all_forms(lines))
    stranger.run("sh", "-c", "cat; cat >&2 <<END\n" + everything + "\nEND", stdin=everything.encode())
    stranger.facts.run("echo %s", planted["directory"])
    stranger.run("curl", "-s", "-u", f"ada:{planted['directory']}", "-b", f"session={planted['cookie']}", f"http://{public}/")
    for line in lines:
        stranger.run("curl", "-s", "--data-binary", "@-", f"http://{public}/", stdin="\n".join(_in_all_forms([line])).encode())
    scene.server.run("sh", "-c", "cat >> /var/log/nginx/error.log", stdin=everything.encode())
    record.observe(f"of {planted['cookie']}", expected={planted["directory"]: 1}, observed=lines, holds=True)
    raise Refuted(expected="nothing", observed=everything, prediction=everything)


def _in_all_forms(lines: Iterable[str]) -> list[str]:
    """As text: what is no text of its own (UTF-16) has zeros between its letters, which no argument can hold."""
    return [form.decode() for line in lines for form in disguised(line).values() if b"\0" not in form]
