"""Another configuration in place: only what differs, sessions that it allows go on, and a refusal changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from http.client import HTTPConnection

import pytest

from lab.probe import Outcome, Target, connect
from provisioning import in_place
from provisioning.environment import LabEnvironment
from provisioning.in_place import ApplyRefused, Tree
from steps.eventually import eventually

pytestmark = pytest.mark.lab

SITE = "sbg7"
PUBLISHED = "pass log from internet on out to Firewall_out port http"
LAST = "block log from any to any rulename"

Edit = Callable[..., Tree]


@pytest.fixture
def edited(environment: LabEnvironment) -> Edit:
    """The site's files with one text in one of them replaced."""
    files = in_place.files(environment.deployment.configuration_folder(SITE))

    def edit(name: str, old: str, new: str) -> Tree:
        text = files[name].decode()
        assert old in text
        return {**files, name: text.replace(old, new).encode()}

    return edit


@pytest.fixture
def session(environment: LabEnvironment) -> Iterator[HTTPConnection]:
    """A stranger's open connection to the published web server, which has answered once."""
    address = str(environment.deployment.public_address(SITE))
    opened = HTTPConnection(address)
    opened.auto_open = 0  # an answer over another connection says nothing of this one
    with closing(environment.stranger.socket()) as opened.sock:
        opened.sock.settimeout(2.0)
        opened.sock.connect((address, 80))
        assert _answers(opened)
        yield opened


def _answers(session: HTTPConnection) -> bool:
    session.request("GET", "/")
    try:
        with session.getresponse() as answer:
            return bool(answer.read()) and answer.status == 200
    except TimeoutError:
        return False


def _reached(environment: LabEnvironment, port: int) -> Outcome:
    target = Target(environment.deployment.public_address(SITE), port)
    return connect(environment.stranger, [target])[target]


def test_the_same_tree_is_nothing_to_do(environment: LabEnvironment) -> None:
    applied = in_place.apply(environment, SITE, environment.deployment.configuration_folder(SITE))
    assert (applied.files, applied.commands) == ((), ())


def test_one_rule_more_is_one_file_and_one_command_and_is_undone(environment: LabEnvironment, edited: Edit) -> None:
    opened = "pass from any on out to Firewall_out port ssh -> to ubuntu-webserver port ssh\n"
    assert _reached(environment, 22) is Outcome.SILENT
    applied = in_place.apply(environment, SITE, edited("Filter/05", "[Filter]\n", f"[Filter]\n{opened}"))
    assert (applied.files, applied.commands) == (("Filter/05",), ("enfilter",))
    assert _reached(environment, 22) is Outcome.ANSWERED
    applied.undo()
    assert _reached(environment, 22) is Outcome.SILENT


def test_a_session_that_the_new_policy_allows_goes_on(
    environment: LabEnvironment, edited: Edit, session: HTTPConnection
) -> None:
    applied = in_place.apply(environment, SITE, edited("object", "mirror=198.51.100.30", "mirror=198.51.100.31"))
    assert "ennetwork" in applied.commands
    assert "enfilter" in applied.commands
    assert _answers(session)
    applied.undo()
    assert _answers(session)


def test_a_session_that_the_new_policy_refuses_ends(environment: LabEnvironment, edited: Edit, session: HTTPConnection) -> None:
    applied = in_place.apply(environment, SITE, edited("Filter/05", PUBLISHED, f"off {PUBLISHED}"))
    assert not _answers(session)
    applied.undo()
    assert _reached(environment, 80) is Outcome.ANSWERED


def test_a_refusal_names_file_and_line_and_changes_nothing(
    environment: LabEnvironment, edited: Edit, session: HTTPConnection
) -> None:
    with pytest.raises(ApplyRefused, match=r"enfilter: Filter/05:26: destination: unknown address object \"nobody\""):
        in_place.apply(environment, SITE, edited("Filter/05", LAST, "block log from any to nobody\npass from any to any\n#"))
    assert _answers(session)
    assert _reached(environment, 22) is Outcome.SILENT


def test_a_secret_that_nobody_has_is_a_refusal(environment: LabEnvironment, edited: Edit) -> None:
    with pytest.raises(ApplyRefused, match="secret 'of_nobody': has no source"):
        in_place.apply(environment, SITE, edited("VPN/psk", "ipsec_sbg7_gra11", "of_nobody"))


def test_with_some_members_only_the_others_keep_what_they_have(environment: LabEnvironment, edited: Edit) -> None:
    active = environment.firewall(SITE)
    applied = in_place.apply(environment, SITE, edited("Filter/05", PUBLISHED, f"off {PUBLISHED}"), members=[active.name])
    texts = {member.name: member.read("Filter/05") for member in environment.cluster(SITE).members}
    assert [name for name, text in texts.items() if f"off {PUBLISHED}" in text] == [active.name]
    applied.undo()
    eventually(lambda: _reached(environment, 80), until=lambda seen: seen is Outcome.ANSWERED, within=2.0, phase="the page")
