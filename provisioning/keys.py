"""The certificates and SSH keys of one lab: made when first asked for, kept with the lab, never committed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from lab.roles.client import SshIdentity
from lab.roles.public import Certificate
from provisioning.deployment import Deployment
from provisioning.deployment_model import Site
from provisioning.secrets import PUBLIC, Secrets

DATA = "/usr/Firewall/Data"
CONFIG = "/usr/Firewall/ConfigFiles"
PAGE = f"{CONFIG}/Certificates/firewall/firewall"

_AUTHORITY, _CHAIN, _KEY, _LINE = "authority", "certificate", "private key", "public key"
_WITHOUT_SECRET = (_AUTHORITY, _CHAIN, _LINE, ".cert.pem")  # how the names of what anybody may see end


@dataclass(frozen=True)
class SshKey:
    """An SSH key pair, in OpenSSH's forms; ``public`` is the line that others authorise."""

    public: bytes
    private: bytes = field(repr=False)


class Keys:
    """What must be certified or signed in a lab. The same lab always gives the same answer."""

    def __init__(self, deployment: Deployment, secrets: Secrets) -> None:
        self._deployment = deployment
        self._secrets = secrets

    @property
    def authorities(self) -> bytes:
        """The authorities that the lab's hosts trust, PEM: the public site's, and nobody else."""
        return self._public_site()[_AUTHORITY]

    @property
    def public_site(self) -> Certificate:
        """The public web server's certificate, for all its names."""
        made = self._public_site()
        return Certificate(made[_CHAIN], made[_KEY])

    @property
    def administrator(self) -> SshIdentity:
        """The administrator's key, and the firewalls as the administrator knows them."""
        known = b"".join(
            f"{self._deployment.public_address(site)} ".encode() + self.ssh(f"firewall {site}").public
            for site in self._deployment.sites
        )
        key = self.admin
        return SshIdentity(key.private, key.public, known)

    @property
    def admin(self) -> SshKey:
        """The administrator's key: it opens the firewalls and, forwarded, the private servers."""
        return self.ssh("admin")

    def ssh(self, name: str) -> SshKey:
        """The SSH key of this name."""

        def make() -> Mapping[str, bytes]:
            from lab import pki

            made = pki.ssh_host_key()
            return {_LINE: made.certificate, _KEY: made.key}

        made = self._kept(f"ssh {name}", make)
        return SshKey(made[_LINE], made[_KEY])

    def firewall(self, site: Site) -> dict[str, tuple[bytes, int]]:
        """A firewall's own keys as files, and who may log in."""
        return {
            **self.firewall_identity(site),
            f"{DATA}/authorized_keys": (self.admin.public, 0o600),
            f"{DATA}/admin_password": (self._password_hash(), 0o600),
        }

    def firewall_identity(self, site: Site) -> dict[str, tuple[bytes, int]]:
        """A firewall's own keys as files, the same on both members: a client must not notice which one answers."""
        page = self._page(site)
        files = {
            f"{DATA}/ssh_host_ed25519_key": (self.ssh(f"firewall {site.name}").private, 0o600),
            f"{PAGE}.cert.pem": (page[_CHAIN], 0o644),
            f"{PAGE}.pkey.pem": (page[_KEY], 0o600),
        }
        if site.pools:
            for path, content in self._ssl_vpn(site).items():
                files[f"{CONFIG}/{path}"] = (content, 0o600)
        return files

    def _password_hash(self) -> bytes:
        """The administrator's password as the appliance's system keeps it, crypt(3)."""
        password = self._secrets.value("admin_password")
        return self._kept("admin password", lambda: {"hash": _crypt(password)})["hash"]

    def page_authority(self, site: Site) -> bytes:
        """The authority that signed the administration page's certificate of a firewall, PEM."""
        return self._page(site)[_AUTHORITY]

    def _public_site(self) -> Mapping[str, bytes]:
        internet = self._deployment.internet
        names = tuple(dict.fromkeys((*internet.allowed, *internet.refused, internet.mirror_name)))
        return self._kept("public site", lambda: _certified("The lab's Internet", names[0], names))

    def _page(self, site: Site) -> Mapping[str, bytes]:
        """The page's certificate: its name is the serial number, as the product's (sns.md 4)."""
        serials = tuple(member.serial for member in site.firewall.members)
        addresses = (self._deployment.public_address(site.name), self._deployment.private_address(site.name))
        names = (*serials, *map(str, addresses))
        return self._kept(f"page {site.name}", lambda: _certified("SNS-WebServer-default-authority", serials[0], names))

    def _ssl_vpn(self, site: Site) -> Mapping[str, bytes]:
        def make() -> Mapping[str, bytes]:
            from lab import pki

            return pki.ssl_vpn_files()

        return self._kept(f"ssl vpn {site.name}", make)

    def _kept(self, group: str, make: Callable[[], Mapping[str, bytes]]) -> Mapping[str, bytes]:
        """What was made for a purpose, made now if it never was; all of it is text."""
        if kept := self._secrets.kept(group):
            return {name: text.encode() for name, text in kept.items()}
        made = make()
        self._secrets.keep(
            {f"{PUBLIC if name.endswith(_WITHOUT_SECRET) else ''}{group}/{name}": made[name].decode() for name in made}
        )
        return made


def _certified(authority: str, name: str, alternatives: tuple[str, ...]) -> Mapping[str, bytes]:
    from lab import pki

    issuer = pki.Authority.create(authority)
    made = issuer.issue(name, alternatives)
    return {_AUTHORITY: issuer.certificate, _CHAIN: made.certificate, _KEY: made.key}


def _crypt(password: str) -> bytes:
    """SHA-512 crypt by the system's own library: Python's module for it is gone from 3.13 on."""
    import ctypes
    from secrets import token_hex

    library = ctypes.CDLL("libcrypt.so.1")
    library.crypt.restype = ctypes.c_char_p
    hashed: bytes | None = library.crypt(password.encode(), f"$6${token_hex(8)}".encode())
    if hashed is None:
        raise OSError("crypt(3) does not know SHA-512 on this machine")
    return hashed + b"\n"
