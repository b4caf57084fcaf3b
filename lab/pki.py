"""Certificates and keys of a lab, made when it is built and never kept: the appliances' and the public site's.

All keys are EC P-256. Everything returned is PEM bytes. The ``cryptography`` package is imported when first needed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address, ip_address
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

SSL_VPN_AUTHORITY = "sslvpn-full-default-authority"
"""The product's own CA for remote access, made at first boot (sns.md 1.8)."""

_VALID = timedelta(days=3650)  # as the product's
_SKEW = timedelta(days=1)  # a lab's hosts share one clock, a real appliance does not


@dataclass(frozen=True, slots=True)
class Credential:
    """A certificate and its private key, both PEM."""

    certificate: bytes
    key: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Authority:
    """A certificate authority of its own. Make one with :meth:`create`."""

    certificate: bytes
    _certificate: x509.Certificate = field(repr=False)
    _key: EllipticCurvePrivateKey = field(repr=False)

    @classmethod
    def create(cls, name: str, subject: Mapping[str, str] | None = None) -> Authority:
        """A new authority with this common name. ``subject`` adds attributes by their short names (C, ST, O, OU)."""
        from cryptography import x509
        from cryptography.hazmat.primitives import hashes
        from cryptography.hazmat.primitives.asymmetric import ec

        key = ec.generate_private_key(ec.SECP256R1())
        identity = _name({**(subject or {}), "CN": name})
        certificate = (
            _builder(identity, identity, key)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_usage(authority=True), critical=True)
            .sign(key, hashes.SHA256())
        )
        return cls(_pem(certificate), certificate, key)

    def issue(self, name: str, alternatives: Sequence[str] = (), *, client: bool = False) -> Credential:
        """A certificate for a server, or for a client. ``alternatives`` are DNS names and addresses."""
        from cryptography import x509
        from cryptography.hazmat.primitives import hashes
        from cryptography.hazmat.primitives.asymmetric import ec
        from cryptography.x509.oid import ExtendedKeyUsageOID as Usage

        key = ec.generate_private_key(ec.SECP256R1())
        purpose = Usage.CLIENT_AUTH if client else Usage.SERVER_AUTH
        issuer = self._certificate.public_key()
        builder = (
            _builder(_name({"CN": name}), self._certificate.subject, key)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(authority=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer), critical=False)  # type: ignore[arg-type]
        )
        if alternatives:
            builder = builder.add_extension(x509.SubjectAlternativeName([_general(a) for a in alternatives]), False)
        return Credential(_pem(builder.sign(self._key, hashes.SHA256())), _private_pem(key))


def ssl_vpn_files() -> dict[str, bytes]:
    """The remote access PKI as files of ``ConfigFiles`` (relative path -> content): CA, server, all clients' one.

    The CA's key is not among them: nothing signs with it again.
    """
    subject = {"C": "US", "ST": "Default state", "O": "Stormshield", "OU": "sslvpnfull"}
    authority = Authority.create(SSL_VPN_AUTHORITY, subject)
    server = authority.issue("openvpnserver.com")
    client = authority.issue("openvpnclient", client=True)
    folder = f"Certificates/{SSL_VPN_AUTHORITY}"
    return {
        f"{folder}/CA.cert.pem": authority.certificate,
        f"{folder}/openvpnserver.cert.pem": server.certificate,
        f"{folder}/openvpnserver.pkey.pem": server.key,
        f"{folder}/openvpnclient.cert.pem": client.certificate,
        f"{folder}/openvpnclient.pkey.pem": client.key,
    }


def ssh_host_key() -> Credential:
    """An ED25519 SSH host key; ``certificate`` is the public line, ``key`` OpenSSH's private format.

    One for both members of a cluster, so that a takeover alarms no client.
    """
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    key = Ed25519PrivateKey.generate()
    public = key.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption())
    return Credential(public + b"\n", private)


def _builder(subject: x509.Name, issuer: x509.Name, key: EllipticCurvePrivateKey) -> x509.CertificateBuilder:
    from cryptography import x509

    now = datetime.now(UTC)
    public = key.public_key()
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _SKEW)
        .not_valid_after(now + _VALID)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
    )


def _usage(*, authority: bool) -> x509.KeyUsage:
    from cryptography import x509

    return x509.KeyUsage(
        digital_signature=True, key_cert_sign=authority, crl_sign=authority, content_commitment=False,
        key_encipherment=False, data_encipherment=False, key_agreement=False, encipher_only=False, decipher_only=False,
    )  # fmt: skip


def _name(attributes: Mapping[str, str]) -> x509.Name:
    from cryptography import x509
    from cryptography.x509.oid import NameOID

    oids = {
        "C": NameOID.COUNTRY_NAME,
        "ST": NameOID.STATE_OR_PROVINCE_NAME,
        "O": NameOID.ORGANIZATION_NAME,
        "OU": NameOID.ORGANIZATIONAL_UNIT_NAME,
        "CN": NameOID.COMMON_NAME,
    }
    return x509.Name([x509.NameAttribute(oids[short], value) for short, value in attributes.items()])


def _general(name: str) -> x509.GeneralName:
    from cryptography import x509

    try:
        address = ip_address(name)
    except ValueError:
        return x509.DNSName(name)
    return x509.IPAddress(IPv4Address(address))


def _pem(certificate: x509.Certificate) -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding

    return certificate.public_bytes(Encoding.PEM)


def _private_pem(key: EllipticCurvePrivateKey) -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
