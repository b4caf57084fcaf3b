"""Certificates of a lab: what they are for, and that the tools which use them believe them."""

from __future__ import annotations

import subprocess
from pathlib import Path

from lab.pki import SSL_VPN_AUTHORITY, Authority, ssh_host_key, ssl_vpn_files


def openssl(*arguments: str | Path) -> str:
    return subprocess.run(["openssl", *arguments], capture_output=True, text=True, check=True).stdout


def test_a_server_is_believed_under_each_of_its_names_and_under_no_other(tmp_path: Path) -> None:
    authority = Authority.create("The lab's Internet")
    server = authority.issue("www.ovh.com", ["www.ovh.com", "198.51.100.10"])
    (tmp_path / "ca").write_bytes(authority.certificate)
    (tmp_path / "server").write_bytes(server.certificate)
    verify = ("verify", "-purpose", "sslserver", "-CAfile", tmp_path / "ca")
    assert "OK" in openssl(*verify, "-verify_hostname", "www.ovh.com", tmp_path / "server")
    assert "OK" in openssl(*verify, "-verify_ip", "198.51.100.10", tmp_path / "server")
    refused = subprocess.run(["openssl", *verify, "-verify_hostname", "x.example", tmp_path / "server"], check=False,
                             capture_output=True)  # fmt: skip
    assert refused.returncode != 0


def test_the_remote_access_pki_is_the_products_and_its_ca_key_is_gone(tmp_path: Path) -> None:
    files = ssl_vpn_files()
    assert {Path(name).name for name in files} == {
        "CA.cert.pem",
        "openvpnserver.cert.pem",
        "openvpnserver.pkey.pem",
        "openvpnclient.cert.pem",
        "openvpnclient.pkey.pem",
    }
    for name, content in files.items():
        (tmp_path / Path(name).name).write_bytes(content)
    verify = ("verify", "-CAfile", tmp_path / "CA.cert.pem")
    assert "OK" in openssl(*verify, "-purpose", "sslserver", tmp_path / "openvpnserver.cert.pem")
    assert "OK" in openssl(*verify, "-purpose", "sslclient", tmp_path / "openvpnclient.cert.pem")
    subject = openssl("x509", "-noout", "-subject", "-in", tmp_path / "CA.cert.pem")
    assert "OU = sslvpnfull" in subject
    assert SSL_VPN_AUTHORITY in subject


def test_no_two_labs_share_a_key() -> None:
    assert ssl_vpn_files() != ssl_vpn_files()
    assert ssh_host_key() != ssh_host_key()


def test_a_key_is_not_shown_when_a_credential_is_printed() -> None:
    credential = Authority.create("a").issue("b")
    assert "PRIVATE" not in repr(credential)
    assert "PRIVATE" not in repr(ssh_host_key())


def test_ssh_reads_its_host_key(tmp_path: Path) -> None:
    made = ssh_host_key()
    key = tmp_path / "key"
    key.write_bytes(made.key)
    key.chmod(0o600)
    public = subprocess.run(["ssh-keygen", "-y", "-f", key], capture_output=True, check=True).stdout
    assert public.split()[:2] == made.certificate.split()[:2]
