"""What a run leaves is sealed, and signed when asked; a key that will not sign is told before anything is started."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from reports.seal import SIGNATURE, SUMS, TOKEN
from reports.verification import verify
from tests.plugins.tree import DEFAULT, Tree, feature
from tests.reports.authority import authority
from tests.reports.sealed import new_key, new_keys

SCENARIO = """
@SNS-A-01
Scenario: It holds
  Given a host
  Then all is well
"""


def _planted(folder: Path, *, renders: bool = False) -> Tree:
    return Tree.plant(folder, {"a.feature": feature(SCENARIO)}, DEFAULT, renders=renders)


def test_a_run_is_sealed_signed_and_stamped_over_all_that_it_leaves(tmp_path: Path) -> None:
    tree, keys = _planted(tmp_path, renders=True), new_keys(tmp_path)
    (tmp_path / "authority").mkdir()
    with authority(tmp_path / "authority") as somebody:
        assert tree.run("-n", "2", "features/a.feature", "--sign", "key", "--timestamp-url", somebody.url).status == 0
        (folder,) = tree.runs
        done = verify(folder, signers=keys.signers, timestamp_ca=somebody.ca)
    assert not done.findings
    assert done.signed is not None
    assert done.signed.who == "ada@example.net"
    assert done.stamped.endswith("GMT")
    assert {SUMS, SIGNATURE, TOKEN, "record.jsonl", "report.html", "junit.xml"} <= {path.name for path in folder.iterdir()}


@pytest.mark.parametrize(
    "url, status, told",
    [("ftp://x", 4, "ERROR: --timestamp-url: ftp://x: not the address of"), ("http://127.0.0.1:9", 9, "Connection refused")],
)
def test_an_authority_that_cannot_be_asked_is_told(tmp_path: Path, url: str, status: int, told: str) -> None:
    tree = _planted(tmp_path)
    done = tree.run("features/a.feature", "--timestamp-url", url)
    assert done.status == status
    assert told in done.output
    assert "Traceback" not in done.output
    assert all(not verify(folder).findings for folder in tree.runs), "sealed all the same"


def _a_key_with_a_passphrase(folder: Path) -> Path:
    return new_key(folder / "locked", "-N", "open sesame")


def _a_key_that_others_can_read(folder: Path) -> Path:
    key = new_key(folder / "open")
    key.chmod(0o644)
    return key


def _a_public_key_alone(folder: Path) -> Path:
    key = new_key(folder / "gone")
    key.unlink()
    return key.with_suffix(".pub")


def _a_key_that_is_none(folder: Path) -> Path:
    path = folder / "x25519.pem"
    subprocess.run(["openssl", "genpkey", "-algorithm", "X25519", "-out", str(path)], check=True)
    return path


WRONG: dict[str, tuple[Callable[[Path], Path], str]] = {
    "none there": (lambda folder: folder / "nowhere", "no such file"),
    "a folder": (lambda folder: folder, "the key cannot be read"),
    "locked": (_a_key_with_a_passphrase, "the key has a passphrase: load it into ssh-agent, and give the public key"),
    "open to others": (_a_key_that_others_can_read, "others can read this key, so it is not used (chmod 600 it)"),
    "public alone": (_a_public_key_alone, "its private key is neither beside it nor in ssh-agent"),
    "of the wrong type": (_a_key_that_is_none, "this is no SSH key that can sign"),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_a_key_that_will_not_sign_is_told_before_anything_is_started(tmp_path: Path, wrong: str) -> None:
    make, message = WRONG[wrong]
    tree = _planted(tmp_path)
    key = make(tmp_path)
    done = tree.run("features/a.feature", "--sign", str(key))
    assert done.status == pytest.ExitCode.USAGE_ERROR
    assert f"ERROR: --sign: {key}: {message}" in done.output
    assert "Traceback" not in done.output
    assert tree.environment_log == []
    assert not tree.runs


def test_a_key_that_an_agent_holds_signs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keys, socket = new_keys(tmp_path), tmp_path / "agent"
    agent = subprocess.Popen(["ssh-agent", "-D", "-a", str(socket)], stdout=subprocess.DEVNULL)
    try:
        monkeypatch.setenv("SSH_AUTH_SOCK", str(socket))
        _await(socket)
        subprocess.run(["ssh-add", "-q", str(keys.key)], check=True)
        keys.key.unlink()
        tree = _planted(tmp_path)
        assert tree.run("features/a.feature", "--sign", "key.pub").status == 0
        assert not verify(tree.runs[0], signers=keys.signers).findings
    finally:
        agent.terminate()
        agent.wait()


def _await(socket: Path) -> None:
    from steps.eventually import eventually

    eventually(socket.exists, within=5, phase="the agent's socket")


def test_a_key_that_goes_while_the_run_goes_leaves_a_sealed_record_and_is_told(tmp_path: Path) -> None:
    sentences = DEFAULT + '\n@when("the key goes")\ndef _gone():\n    import os\n    os.unlink("key")\n'
    scenario = "@SNS-A-01\nScenario: It holds\n  Given a host\n  When the key goes\n  Then all is well"
    tree = Tree.plant(tmp_path, {"a.feature": feature(scenario)}, sentences)
    new_key(tmp_path / "key").with_suffix(".pub").unlink()
    done = tree.run("features/a.feature", "--sign", "key")
    assert done.status == 9
    assert f"The record is not complete: {tmp_path}/key: no such file" in done.output
    (folder,) = tree.runs
    assert not verify(folder).findings
    assert os.access(folder / SUMS, os.R_OK)
