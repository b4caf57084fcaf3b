"""Secrets: found or made when asked for, put into files, kept for whoever attaches, never shown."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from lab.errors import LabError, StateUnavailable
from provisioning.deployment_model import SecretReference
from provisioning.secrets import PUBLIC, Secrets, SecretUnavailable


def references(**sources: str) -> dict[str, SecretReference]:
    found = {}
    for name, written in sources.items():
        kind, _, source = written.partition(":")
        found[name] = SecretReference(name, kind, source, ("secrets", name))
    return found


def test_a_secret_comes_from_the_environment_or_a_file(tmp_path: Path) -> None:
    (tmp_path / "psk.txt").write_text("from a file\n")
    secrets = Secrets(references(a="env:PSK", b="file:psk.txt"), tmp_path, environment={"PSK": "from outside"})
    assert (secrets.value("a"), secrets.value("b")) == ("from outside", "from a file")


def test_a_generated_secret_stays_the_same_and_differs_from_others(tmp_path: Path) -> None:
    secrets = Secrets(references(a="generate", b="generate"), tmp_path)
    assert secrets.value("a") == secrets.value("a") != secrets.value("b")


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("env:PSK", "secret 'a': set the environment variable PSK"),
        ("file:psk.txt", "secret 'a': .*psk.txt cannot be read: .*No such file"),
        ("file:empty.txt", "secret 'a': .*empty.txt is empty"),
    ],
)
def test_a_secret_that_cannot_be_had_says_what_to_do(source: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "empty.txt").write_text("\n")
    secrets = Secrets(references(a=source), tmp_path, environment={})
    with pytest.raises(SecretUnavailable, match=message):
        secrets.value("a")
    assert set(secrets.unavailable()) == {"a"}


def test_an_undeclared_secret_is_told() -> None:
    with pytest.raises(SecretUnavailable, match=r"secret 'x': has no source: add it to \[secrets\]"):
        Secrets({}, Path()).fill("key=${secret:x}")


def test_installed_text_has_the_values_in_place(tmp_path: Path) -> None:
    secrets = Secrets(references(a="env:PSK"), tmp_path, environment={"PSK": "correct horse"})
    assert secrets.fill("peer=${secret:a}\t# key") == "peer=correct horse\t# key"


def test_secrets_are_hidden_in_outputs_and_in_their_own_description(tmp_path: Path) -> None:
    secrets = Secrets(references(a="env:PSK"), tmp_path, environment={"PSK": "correct horse"})
    secrets.value("a")
    secrets.keep({"ssh admin/private key": "-----BEGIN KEY-----\nQUJDREVGR0g=\n-----END KEY-----\n"})
    secrets.keep({f"{PUBLIC}ssh admin/public key": "ssh-ed25519 AAAA"})
    assert secrets.redaction.text("> QUJDREVGR0g= and correct horse by ssh-ed25519 AAAA") == (
        "> [secret] and [secret] by ssh-ed25519 AAAA"
    )
    assert "horse" not in repr(secrets)


def test_another_process_that_attaches_knows_what_the_lab_made(tmp_path: Path) -> None:
    store = tmp_path / "lab" / "secrets.json"
    first = Secrets(references(a="generate"), tmp_path, store)
    made = first.value("a")
    second = Secrets(references(a="generate"), tmp_path, store)
    assert second.value("a") == made
    assert second.redaction.text(f"x {made}") == "x [secret]"


def test_the_store_is_its_owners_alone(tmp_path: Path) -> None:
    store = tmp_path / "lab" / "secrets.json"
    Secrets(references(a="generate"), tmp_path, store).value("a")
    assert (store.stat().st_mode & 0o777, store.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    assert list(store.parent.iterdir()) == [store]


@pytest.mark.parametrize("content", [b"{", b"", b"\xff\xfe\x00", b"[1, 2]", b"null"])
def test_a_damaged_store_is_the_labs_error_and_says_what_to_do(content: bytes, tmp_path: Path) -> None:
    store = tmp_path / "secrets.json"
    store.write_bytes(content)
    with pytest.raises(LabError, match=rf"{re.escape(str(store))} .*take the lab down and up again"):
        Secrets({}, tmp_path, store)


def test_a_store_that_cannot_be_written_names_the_file_and_the_reason(tmp_path: Path) -> None:
    made = Secrets(references(a="generate"), tmp_path, tmp_path / "labs" / "secrets.json")
    (tmp_path / "labs").touch()
    with pytest.raises(StateUnavailable, match=r"cannot write .*labs.*: File exists .*REMPART_STATE"):
        made.value("a")
