"""What the IKE daemon negotiated and what the profiles allow, said in the same words; and when a wrong key is given."""

from __future__ import annotations

from typing import Any, NoReturn, cast
from unittest.mock import MagicMock

import pytest

from sns.model import CryptoProfile, Location, Proposal
from steps import security_associations
from steps.security_associations import Suite, as_esp_tells, configured, negotiated
from steps.verdict import Inconclusive


@pytest.mark.parametrize(
    ("told", "suite"),
    [
        ("AES_CBC_256/HMAC_SHA2_256_128/PRF_HMAC_SHA2_256/MODP_2048", Suite("aes/256", "sha256", 14)),
        ("AES_CBC_128/HMAC_SHA1_96/PRF_HMAC_SHA1/MODP_1024", Suite("aes/128", "sha1", 2)),
        ("AES_GCM_16_256/PRF_HMAC_SHA2_384/ECP_384_BP", Suite("aes_gcm_16/256", "sha384", 29)),
        ("AES_CBC_256/HMAC_SHA2_256_128", Suite("aes/256", "sha256", None)),
        ("3DES_CBC/HMAC_SHA1_96", Suite("3des", "sha1", None)),
        ("CAMELLIA_CBC_256/HMAC_SHA2_256_128", Suite("unknown", "sha256", None)),
    ],
)
def test_a_negotiated_suite_is_told_in_the_products_words(told: str, suite: Suite) -> None:
    assert negotiated(told) == suite


@pytest.mark.parametrize(
    ("proposal", "pfs", "suite"),
    [
        (Proposal("aes/256", "sha2_256", 14), None, Suite("aes/256", "sha256", 14)),
        (Proposal("aes/256", "hmac_sha256", None), 14, Suite("aes/256", "sha256", 14)),
        (Proposal("AES/128", "hmac_sha1", None), None, Suite("aes/128", "sha1", None)),
        (Proposal("aes_gcm_16/256", None, 20), None, Suite("aes_gcm_16/256", "none", 20)),
    ],
)
def test_a_profile_is_read_into_the_same_words(proposal: Proposal, pfs: int | None, suite: Suite) -> None:
    profile = CryptoProfile("StrongEncryption", Location("VPN/ph2profile", 1), 3600, (proposal,), pfs)
    assert configured(profile) == [suite]
    assert str(suite).startswith(proposal.encryption.lower())


@pytest.mark.parametrize(
    ("suite", "first", "told"),
    [
        (Suite("aes/256", "sha256", 14), True, Suite("aes/256", "sha256", None)),
        (Suite("aes/256", "sha256", 14), False, Suite("aes/256", "sha256", 14)),
        (Suite("aes_gcm_16/256", "sha256", 20), False, Suite("aes_gcm_16/256", "none", 20)),
    ],
)
def test_the_first_keys_name_no_group_and_a_gcm_cipher_no_hash(suite: Suite, first: bool, told: Suite) -> None:
    assert as_esp_tells(suite, first=first) == told


class Begun(Exception):
    """The wrong key is about to be given."""


class Changing:
    """Changes that nobody may begin."""

    def of(self, firewall: object) -> NoReturn:
        raise Begun


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, set[str]]]:
    """What the two ends hold, look by look; the last from then on."""
    held: list[dict[str, set[str]]] = []
    monkeypatch.setattr(security_associations, "_indexes", lambda scene: held.pop(0) if len(held) > 1 else held[0])
    monkeypatch.setattr(security_associations, "SETTLED_WITHIN", 0.2)
    return held


def give_wrong_key() -> None:
    scene = MagicMock(spec=["environment", "site"])
    security_associations._wrong_key(scene, cast(Any, Changing()))


def test_a_wrong_key_is_given_once_both_ends_hold_the_same_tunnels(looks: list[dict[str, set[str]]]) -> None:
    looks += [{"sbg7": {"a"}, "gra11": {"a", "b"}}] * 3 + [{"sbg7": {"a"}, "gra11": {"a"}}]
    with pytest.raises(Begun):
        give_wrong_key()
    assert len(looks) == 1


def test_a_wrong_key_says_nothing_while_one_end_holds_what_the_other_has_lost(looks: list[dict[str, set[str]]]) -> None:
    looks.append({"sbg7": {"a"}, "gra11": {"a", "b"}})
    with pytest.raises(Inconclusive, match="the two ends of the tunnel do not hold the same keys"):
        give_wrong_key()
