"""An apply that is interrupted, by a kill or by the cloud itself, goes on where it was; nothing is made twice."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import pytest
from keystoneauth1.session import Session

from tests.cloud.account import Account
from tests.cloud.faulty_proxy import PIECE, Answer, Proxy, proxy
from tests.provisioning.cloud.applicable import IMAGE, one_firewall, one_site

REGION = "SBG7"
RESOURCES, OF_A_PAIR = 15, 23  # of a site with one firewall, and with two
KILL_WITHIN = 120.0  # s


@pytest.fixture
def ground(account: Account) -> Iterator[None]:
    """A region that is empty again afterwards."""
    yield
    account.configure()
    account.sweep(REGION)


@pytest.fixture
def deployment(ground: None, tmp_path: Path) -> Path:
    """Small: what goes wrong on the way has nothing to do with the size."""
    return one_firewall(tmp_path).folder


@pytest.fixture
def pair(ground: None, tmp_path: Path) -> Path:
    """One with a step of every kind."""
    return one_site(tmp_path).folder


@pytest.fixture
def networking(account: Account) -> Iterator[Proxy]:
    """Neutron, behind a proxy."""
    with proxy(account.region(REGION).network.get_endpoint()) as found:
        account.configure(network_endpoint_override=f"{found.url}")
        yield found


def _whole(account: Account, deployment: Path, resources: int = RESOURCES) -> None:
    """All of it is there, once."""
    there = account.has(REGION)
    twice = {kind: [name for name, number in Counter(names).items() if number > 1] for kind, names in there.items()}
    assert not any(twice.values()), twice
    done = account.rempart("status", deployment)
    assert (done.status, done.output) == (0, f"{resources} as planned\n")


class Killed(BaseException):
    """Like a kill: nothing that we wrote catches it."""


def test_killed_after_every_single_request_it_goes_on_each_time(
    account: Account, pair: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Each run dies when the cloud has done one more thing, and before it knows.
    asking = Session.request
    done: list[str] = []

    def request(self: Session, url: str, method: str, **options: Any) -> Any:
        answer = asking(self, url, method, **options)
        if method in ("POST", "PUT", "PATCH", "DELETE") and "/auth/tokens" not in url:
            done.append(f"{method} {url}")
            raise Killed
        return answer

    monkeypatch.setattr(Session, "request", request)
    runs = 0
    while True:
        try:
            last = account.rempart("apply", pair)
        except Killed:
            runs += 1
            assert runs < 3 * OF_A_PAIR, done[-5:]
        else:
            break
    monkeypatch.undo()

    assert last.status == 0, last.errors  # it makes nothing any more; the last server may still be built
    assert runs > OF_A_PAIR
    _whole(account, pair, OF_A_PAIR)


def test_killed_in_the_middle_of_a_slow_upload_it_uploads_again_as_slowly_to_the_end(
    account: Account, deployment: Path
) -> None:
    image, size = account.region(REGION).image, (deployment / IMAGE).stat().st_size
    with proxy(image.get_endpoint()) as slow:
        slow.delay, slow.takes = 0.1, size // PIECE // 2  # on a busy machine the kill may come late, the other half not
        account.configure(image_endpoint_override=urljoin(slow.url, "/"))  # where its versions are told
        with account.start("apply", deployment) as running:
            assert running.stdout is not None
            for line in running.stdout:
                if re.search(r"image stormshield-SNS-EVA-4.8.3: [3-9]0 % uploaded", line):
                    break
            running.kill()
    (left,) = image.images(owner=account.region(REGION).current_project_id)
    assert left.status in ("queued", "saving")

    with proxy(image.get_endpoint()) as slow:
        slow.delay = 0.1
        account.configure(image_endpoint_override=urljoin(slow.url, "/"))
        done = account.rempart("apply", deployment)

    account.configure()
    assert done.status == 0, done.errors
    again = f"make again {REGION} image stormshield-SNS-EVA-4.8.3: its upload did not end ({left.status})"
    took = re.search(rf"{re.escape(again)} \((\d+\.\d) s\)", done.output)
    assert took, done.output
    assert float(took[1]) >= size / PIECE * slow.delay, "it was waited for"
    assert re.findall(r"(\d+) % uploaded", done.output) == [str(percent) for percent in range(10, 101, 10)]
    (made,) = image.images(owner=account.region(REGION).current_project_id)
    assert made.hash_value == hashlib.sha512((deployment / IMAGE).read_bytes()).hexdigest()
    _whole(account, deployment)


def test_a_busy_cloud_is_asked_again_and_makes_nothing_twice(account: Account, deployment: Path, networking: Proxy) -> None:
    # Of each kind, the first is refused twice, and the second is made although the answer says that it was not.
    asked: Counter[str] = Counter()

    def fault(method: str, path: str) -> Answer | None:
        kind = path.rpartition("/")[2]
        if method != "POST" or kind not in ("networks", "subnets", "ports"):
            return None
        asked[kind] += 1
        answers = {1: Answer(429, {"Retry-After": "0"}), 2: Answer(503, {"Retry-After": "0"})}
        return answers.get(asked[kind], Answer(503, {"Retry-After": "0"}, done=True) if asked[kind] == 4 else None)

    networking.fault = fault
    done = account.rempart("apply", deployment)

    assert done.status == 0, done.errors
    assert done.output.count("again in 0 s") == 9
    _whole(account, deployment)


def test_credentials_that_are_refused_in_the_middle_are_said_and_what_is_done_stays(
    account: Account, deployment: Path, networking: Proxy
) -> None:
    refused: list[str] = []

    def fault(method: str, path: str) -> Answer | None:
        if refused or (method == "POST" and path.endswith("/ports")):
            refused.append(path)
        return Answer(401) if refused else None

    networking.fault = fault
    stopped = account.rempart("apply", deployment)
    assert stopped.status == 2
    assert "the cloud does not accept our credentials any more" in stopped.errors
    before = account.has(REGION)
    assert before["networks"]
    assert not before["servers"]

    networking.fault = lambda method, path: None
    done = account.rempart("apply", deployment)
    assert done.status == 0, done.errors
    _whole(account, deployment)


def test_a_token_that_has_run_out_is_renewed_without_a_word(account: Account, deployment: Path, networking: Proxy) -> None:
    refused: list[str] = []
    looked_up: list[str] = []

    def fault(method: str, path: str) -> Answer | None:
        if "name=" in path:
            looked_up.append(path)
        if method == "POST" and path.endswith("/subnets") and not refused:
            refused.append(path)
            return Answer(401)
        return None

    networking.fault = fault
    done = account.rempart("apply", deployment)
    assert (done.status, done.last) == (0, f"done: {RESOURCES} create"), done.errors
    assert refused
    assert len(set(looked_up)) == len(looked_up) == 3, "a network's name is looked up once, however many ports are on it"


def test_two_applies_at_once_from_two_machines_leave_everything_once(
    account: Account, deployment: Path, tmp_path: Path
) -> None:
    running = [account.start("apply", deployment, REMPART_STATE=str(tmp_path / name)) for name in ("here", "there")]
    told = [process.communicate(timeout=KILL_WITHIN)[0] for process in running]
    assert "Traceback" not in "".join(told)

    done = account.rempart("apply", deployment)
    assert done.status == 0, done.errors
    _whole(account, deployment)
