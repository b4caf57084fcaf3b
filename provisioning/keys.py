"""The certificates and SSH keys of one lab: made when first asked for, remembered by the lab's secrets, never committed."""

from __future__ import annotations

from lab import pki
from lab.pki import Certified, SshKey
from lab.roles.client import SshIdentity
from lab.roles.public import Certificate
from provisioning.deployment import Deployment
from provisioning.deployment_model import Site
from provisioning.secrets import Secrets

DATA = "/usr/Firewall/Data"
SSL_VPN = "/usr/Firewall/ConfigFiles/Certificates/sslvpn-full-default-authority"


class Keys:
    """What must be certified or signed in a lab. The same lab always gives the same answer."""

    def __init__(self, deployment: Deployment, secrets: Secrets) -> None:
        self._deployment = deployment
        self._secrets = secrets

    @property
    def authorities(self) -> bytes:
        """The authorities that the lab's hosts trust."""
        return self._authority("internet").certificate

    @property
    def admin(self) -> SshKey:
        """The administrator's key."""
        return self.ssh("admin")

    @property
    def administrator(self) -> SshIdentity:
        """The administrator's key as their machine has it."""
        return SshIdentity(self.admin.private, self.admin.public)

    def ssh(self, name: str) -> SshKey:
        """The SSH key of this name."""
        public, private = self._kept(f"ssh_{name}", lambda: _ssh_pair(name))
        return SshKey(private, public)

    def public_site(self, names: tuple[str, ...]) -> Certificate:
        """The public web server's certificate, for all its names."""
        issuer = self._authority("internet")

        def make() -> tuple[bytes, bytes]:
            made = pki.issue(issuer, names[0], names=names)
            return made.certificate, made.key

        chain, key = self._kept("public_site", make)
        return Certificate(chain, key)

    def appliance(self, site: Site) -> dict[str, tuple[bytes, int]]:
        """A firewall's own keys, the same on both members: a client must not notice which one answers."""
        host = self.ssh(f"firewall_{site.name}")
        web = self._issued(f"web_{site.name}", f"web-{site.name}", site.firewall.members[0].serial, site)
        files = {
            f"{DATA}/authorized_keys": (self.admin.public, 0o600),
            f"{DATA}/ssh_host_ed25519_key": (host.private, 0o600),
            f"{DATA}/webadmin.cert.pem": (web.certificate, 0o644),
            f"{DATA}/webadmin.pkey.pem": (web.key, 0o600),
        }
        if site.pools:
            authority = self._authority(f"sslvpn-{site.name}")
            server = self._issued(f"sslvpn_server_{site.name}", f"sslvpn-{site.name}", "openvpnserver.com", site)
            user = self._issued(f"sslvpn_client_{site.name}", f"sslvpn-{site.name}", "openvpnclient", site, client=True)
            files |= {
                f"{SSL_VPN}/CA.cert.pem": (authority.certificate, 0o644),
                f"{SSL_VPN}/openvpnserver.cert.pem": (server.certificate, 0o644),
                f"{SSL_VPN}/openvpnserver.pkey.pem": (server.key, 0o600),
                f"{SSL_VPN}/openvpnclient.cert.pem": (user.certificate, 0o644),
                f"{SSL_VPN}/openvpnclient.pkey.pem": (user.key, 0o600),
            }
        return files

    def _authority(self, name: str) -> Certified:
        def make() -> tuple[bytes, bytes]:
            made = pki.authority(f"{name} authority of a simulated lab")
            return made.certificate, made.key

        return Certified(*self._kept(f"authority_{name}", make))

    def _issued(self, name: str, authority: str, common_name: str, site: Site, *, client: bool = False) -> Certified:
        issuer = self._authority(authority)
        addresses = (self._deployment.public_address(site.name),)

        def make() -> tuple[bytes, bytes]:
            made = pki.issue(issuer, common_name, names=(common_name,), addresses=addresses, client=client)
            return made.certificate, made.key

        return Certified(*self._kept(name, make))

    def _kept(self, name: str, make: object) -> tuple[bytes, bytes]:
        first, second = self._secrets.kept(f"{name}_public"), self._secrets.kept(f"{name}_private")
        if first is None or second is None:
            assert callable(make)  # noqa: S101 - for the type checker
            public, private = make()
            first = self._secrets.keep(f"{name}_public", public.decode())
            second = self._secrets.keep(f"{name}_private", private.decode())
        return first.encode(), second.encode()


def _ssh_pair(name: str) -> tuple[bytes, bytes]:
    made = pki.ssh_key(name)
    return made.public, made.private
