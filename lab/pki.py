"""Certificates and keys of a lab, made when it is built and never kept: authorities, server certificates, SSH keys.

Everything is PEM (or OpenSSH) bytes. Keys are EC P-256, the cheapest that every client accepts; SSH keys Ed25519.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cryptography.x509 import CertificateBuilder, Name

VALID = timedelta(days=3650)  # as the appliance's own default authority: ten years from its first boot


@dataclass(frozen=True, slots=True)
class Certified:
    """A certificate and its private key."""

    certificate: bytes
    key: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class SshKey:
    """An SSH key pair in OpenSSH's own forms."""

    private: bytes = field(repr=False)
    public: bytes


def authority(common_name: str) -> Certified:
    """A self-signed certificate authority."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = _name(common_name)
    usage = x509.KeyUsage(
        digital_signature=True, key_cert_sign=True, crl_sign=True, content_commitment=False, key_encipherment=False,
        data_encipherment=False, key_agreement=False, encipher_only=False, decipher_only=False,
    )  # fmt: skip
    builder = (
        _builder(name, name)
        .public_key(key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
    )
    return _finished(builder.sign(key, hashes.SHA256()), key)


def issue(
    issuer: Certified,
    common_name: str,
    *,
    names: Sequence[str] = (),
    addresses: Sequence[IPv4Address] = (),
    client: bool = False,
) -> Certified:
    """A certificate by ``issuer`` for a server (or a ``client``), good for these names and addresses."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import load_pem_private_key
    from cryptography.x509.oid import ExtendedKeyUsageOID

    signer = load_pem_private_key(issuer.key, None)
    parent = x509.load_pem_x509_certificate(issuer.certificate)
    key = ec.generate_private_key(ec.SECP256R1())
    purpose = ExtendedKeyUsageOID.CLIENT_AUTH if client else ExtendedKeyUsageOID.SERVER_AUTH
    alternatives: list[x509.GeneralName] = [x509.DNSName(name) for name in names]
    alternatives += [x509.IPAddress(address) for address in addresses]
    builder = (
        _builder(_name(common_name), parent.subject)
        .public_key(key.public_key())
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
    )
    if alternatives:
        builder = builder.add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
    assert isinstance(signer, ec.EllipticCurvePrivateKey)  # noqa: S101 - authority() makes no other
    return _finished(builder.sign(signer, hashes.SHA256()), key)


def ssh_key(comment: str) -> SshKey:
    """A fresh Ed25519 key pair for SSH."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())
    public = key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
    return SshKey(private, public + b" " + comment.encode() + b"\n")


def _name(common_name: str) -> Name:
    from cryptography import x509
    from cryptography.x509.oid import NameOID

    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _builder(subject: Name, issuer: Name) -> CertificateBuilder:
    from cryptography import x509

    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + VALID)
    )


def _finished(certificate: object, key: object) -> Certified:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
    from cryptography.x509 import Certificate

    assert isinstance(certificate, Certificate)  # noqa: S101 - for the type checker
    assert isinstance(key, EllipticCurvePrivateKey)  # noqa: S101 - for the type checker
    return Certified(
        certificate.public_bytes(Encoding.PEM),
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
    )
