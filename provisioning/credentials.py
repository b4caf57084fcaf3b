"""The keys and certificates of a lab: made when first asked for, kept with its secrets, gone with it.

Nothing here is ever committed or used twice: each lab has authorities of its own, that only its own hosts trust.
Keys are on P-256 and Ed25519: an RSA key costs more time than a host's whole boot.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from typing import TYPE_CHECKING

from provisioning.secrets import Secrets

if TYPE_CHECKING:
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

_BEFORE = timedelta(days=1)  # clocks of hosts may differ
_LIFE = timedelta(days=3650)  # ten years, as the product's default authorities


@dataclass(frozen=True)
class Pair:
    """A certificate with its private key, or an SSH key pair: ``public`` is the certificate, or the line for others."""

    public: bytes
    private: bytes = field(repr=False)


class Credentials:
    """Every pair of a lab, by name; the same again for whoever attaches to the lab later."""

    def __init__(self, secrets: Secrets) -> None:
        self._secrets = secrets

    def ssh(self, name: str) -> Pair:
        """An SSH key pair: OpenSSH form, Ed25519."""
        kept = self._kept(name)
        if kept is not None:
            return kept
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
        from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

        key = Ed25519PrivateKey.generate()
        line = key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH) + f" {name}\n".encode()
        return self._keep(name, Pair(line, key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())))

    def authority(self, name: str, common_name: str, organisation: str = "", unit: str = "") -> Pair:
        """A certificate authority, signed by itself."""
        kept = self._kept(name)
        if kept is not None:
            return kept
        from cryptography import x509

        key = _new_key()
        subject = _name(common_name, organisation, unit)
        extensions = [(x509.BasicConstraints(ca=True, path_length=0), True), (_usage(signs=True), True)]
        return self._keep(name, _signed(key, subject, key, subject, extensions))

    def server(self, name: str, authority: Pair, common_name: str, alternatives: Iterable[str | IPv4Address]) -> Pair:
        """A server's certificate; ``alternatives`` are the names and addresses that it answers by."""
        return self._leaf(name, authority, common_name, tuple(alternatives), is_server=True)

    def client(self, name: str, authority: Pair, common_name: str) -> Pair:
        """A client's certificate."""
        return self._leaf(name, authority, common_name, (), is_server=False)

    def _leaf(
        self, name: str, authority: Pair, common_name: str, alternatives: tuple[str | IPv4Address, ...], *, is_server: bool
    ) -> Pair:
        kept = self._kept(name)
        if kept is not None:
            return kept
        from cryptography import x509
        from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
        from cryptography.hazmat.primitives.serialization import load_pem_private_key
        from cryptography.x509.oid import ExtendedKeyUsageOID

        signer = load_pem_private_key(authority.private, None)
        if not isinstance(signer, EllipticCurvePrivateKey):
            raise TypeError(f"{name}: its authority's key is none of ours")
        purpose = ExtendedKeyUsageOID.SERVER_AUTH if is_server else ExtendedKeyUsageOID.CLIENT_AUTH
        extensions: list[tuple[x509.ExtensionType, bool]] = [
            (x509.BasicConstraints(ca=False, path_length=None), True),
            (_usage(signs=False), True),
            (x509.ExtendedKeyUsage([purpose]), False),
        ]
        if alternatives:
            names = [x509.IPAddress(a) if isinstance(a, IPv4Address) else x509.DNSName(a) for a in alternatives]
            extensions.append((x509.SubjectAlternativeName(names), False))
        issuer = x509.load_pem_x509_certificate(authority.public).subject
        return self._keep(name, _signed(_new_key(), _name(common_name), signer, issuer, extensions))

    def _kept(self, name: str) -> Pair | None:
        public, private = self._secrets.kept(f"public:{name}"), self._secrets.kept(f"key:{name}")
        return Pair(public.encode(), private.encode()) if public and private else None

    def _keep(self, name: str, pair: Pair) -> Pair:
        self._secrets.keep({f"public:{name}": pair.public.decode(), f"key:{name}": pair.private.decode()})
        return pair


def _new_key() -> EllipticCurvePrivateKey:
    from cryptography.hazmat.primitives.asymmetric import ec

    return ec.generate_private_key(ec.SECP256R1())


def _name(common_name: str, organisation: str = "", unit: str = "") -> x509.Name:
    from cryptography import x509
    from cryptography.x509.oid import NameOID

    parts = [(NameOID.ORGANIZATION_NAME, organisation), (NameOID.ORGANIZATIONAL_UNIT_NAME, unit)]
    return x509.Name([x509.NameAttribute(o, v) for o, v in (*parts, (NameOID.COMMON_NAME, common_name)) if v])


def _usage(*, signs: bool) -> x509.KeyUsage:
    from cryptography import x509

    return x509.KeyUsage(
        digital_signature=not signs,
        key_cert_sign=signs,
        crl_sign=signs,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _signed(
    key: EllipticCurvePrivateKey,
    subject: x509.Name,
    signer: EllipticCurvePrivateKey,
    issuer: x509.Name,
    extensions: Iterable[tuple[x509.ExtensionType, bool]],
) -> Pair:
    from cryptography import x509
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _BEFORE)
        .not_valid_after(now + _LIFE)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
    )
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical=critical)
    return Pair(
        builder.sign(signer, SHA256()).public_bytes(Encoding.PEM),
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
    )
