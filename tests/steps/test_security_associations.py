"""What the IKE daemon negotiated and what the profiles allow, said in the same words."""

from __future__ import annotations

import pytest

from sns.model import CryptoProfile, Location, Proposal
from steps.security_associations import Suite, as_esp_tells, configured, negotiated


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
