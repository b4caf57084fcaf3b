"""The SSL VPN in OpenVPN's words, and who may use it."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from lab.appliance import directory, openvpn, sslvpn, webadmin
from lab.appliance.errors import Refused
from tests.sns.trees import GUIDE, guide


def server(folder: Path, which: openvpn.Server, *edits: tuple[str, str, str]) -> list[str] | None:
    """The lines of a server's settings, with edits of (file, old, new)."""
    changes = {file: GUIDE[file].replace(old, new) for file, old, new in edits}
    text = openvpn.server_settings(guide(folder, changes), which)
    return None if text is None else text.splitlines()


def test_each_transport_has_its_own_interface_pool_and_port(tmp_path: Path) -> None:
    udp, tcp = server(tmp_path, openvpn.UDP), server(tmp_path, openvpn.TCP)
    assert udp is not None
    assert tcp is not None
    assert {"dev tun0", "proto udp4", "port 1194", "server 10.60.0.0 255.255.255.0"} <= set(udp)
    assert {"dev tun1", "proto tcp4-server", "port 443", "server 10.61.0.0 255.255.255.0"} <= set(tcp)
    assert "topology net30" in udp
    assert "topology net30" in tcp


def test_the_client_learns_the_route_and_nothing_else(tmp_path: Path) -> None:
    lines = server(tmp_path, openvpn.UDP)
    assert lines is not None
    assert [line for line in lines if line.startswith('push "r')] == ['push "route 10.200.0.0 255.255.0.0"']


def test_a_route_to_anywhere_takes_the_default_route(tmp_path: Path) -> None:
    lines = server(tmp_path, openvpn.UDP, ("Openvpn/openvpn", "route=vlan200", "route=any"))
    assert lines is not None
    assert 'push "redirect-gateway def1"' in lines


def test_the_tcp_server_shares_its_port_with_the_administration_page(tmp_path: Path) -> None:
    lines = server(tmp_path, openvpn.TCP)
    assert lines is not None
    assert f"port-share 127.0.0.1 8443 {openvpn.PORT_SHARE_ORIGINS}" in lines


def test_the_page_has_the_port_to_itself_when_there_is_no_tcp_server(tmp_path: Path) -> None:
    off = guide(tmp_path / "off", {"Openvpn/openvpn": "[Config]\nstate=0\n"})
    assert openvpn.server_settings(off, openvpn.TCP) is None
    assert webadmin.listening(off) == ("0.0.0.0", 443)
    udp_only = GUIDE["Openvpn/openvpn"].replace("pool=sslvpn_tcp\n", "")
    assert webadmin.listening(guide(tmp_path / "udp", {"Openvpn/openvpn": udp_only})) == ("0.0.0.0", 443)
    assert webadmin.listening(guide(tmp_path / "both")) == ("127.0.0.1", 8443)


def test_ports_that_differ_are_not_shared(tmp_path: Path) -> None:
    web = "[Config]\nState=1\nTcpPort=admin_page\n[ACL]\nadmin_client\n"
    objects = GUIDE["object"].replace("[Service]\n", "[Service]\nadmin_page=8443/tcp\n")
    changed = guide(tmp_path, {"webadmin": web, "object": objects})
    assert webadmin.listening(changed) == ("0.0.0.0", 8443)
    assert "port-share" not in (openvpn.server_settings(changed, openvpn.TCP) or "")


def test_the_exported_file_tries_udp_first_and_holds_all_it_needs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openvpn.paths, "CONFIG", tmp_path / "ConfigFiles")
    configuration = guide(tmp_path)
    folder = tmp_path / "ConfigFiles" / openvpn.AUTHORITY
    folder.mkdir(parents=True)
    for name in ("CA.cert.pem", "openvpnclient.cert.pem", "openvpnclient.pkey.pem"):
        (folder / name).write_text(f"of {name}\n")
    lines = openvpn.client_settings(configuration).splitlines()
    assert [line for line in lines if line.startswith("remote ")] == [
        "remote 147.135.161.153 1194 udp",
        "remote 147.135.161.153 443 tcp-client",
    ]
    assert lines[lines.index("<ca>") : lines.index("</ca>")] == ["<ca>", "of CA.cert.pem"]
    assert "of openvpnclient.pkey.pem" in lines


def test_a_missing_pki_and_a_missing_directory_are_refused_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sslvpn.paths, "CONFIG", tmp_path / "ConfigFiles")
    with pytest.raises(Refused) as refused:
        sslvpn.check(guide(tmp_path, {"ldap": "[SERVER]\nDefault=\n", "uac": None}))
    places = {finding.location.file for finding in refused.value.findings}
    assert "ldap" in places
    assert f"{openvpn.AUTHORITY}/CA.cert.pem" in places


RIGHT = "state=on user=address@stormshield.ovh openvpn=pass"


@pytest.mark.parametrize(
    ("rules", "decision", "where"),
    [
        pytest.param(RIGHT, "pass", "sbg7/uac:6", id="granted to the user"),
        pytest.param(RIGHT.replace("state=on", "state=off"), "block", "uac: [Defaults]", id="rule off"),
        pytest.param("", "block", "uac: [Defaults]", id="no rule"),
        pytest.param("state=on group=staff openvpn=pass", "pass", "sbg7/uac:6", id="granted to the group"),
        pytest.param(f"state=on user=address openvpn=block\n{RIGHT}", "block", "sbg7/uac:6", id="first rule wins"),
    ],
)
def test_the_right_decides_and_says_where_it_stands(tmp_path: Path, rules: str, decision: str, where: str) -> None:
    uac = GUIDE["uac"].replace(RIGHT, rules)
    table = [line.split("\t") for line in sslvpn.rights(guide(tmp_path, {"uac": uac})).splitlines()]
    assert [line[0] for line in table] == ["address", "address@stormshield.ovh"]
    assert {(line[1], line[2]) for line in table} == {(decision, where)}


@pytest.fixture
def verifier(tmp_path: Path) -> Path:
    """The program that judges a login, its table of rights, and a directory that knows one password."""
    tools = tmp_path / "tools"
    tools.mkdir()
    bind = tools / "ldapwhoami"
    bind.write_text('#!/bin/sh\nwhile [ "$1" ]; do [ "$1" = -y ] && f=$2; shift; done\n[ "$(cat "$f")" = right ] || exit 49\n')
    bind.chmod(0o755)
    (tmp_path / "rights").write_text(
        "address\tpass\tuac:9\tcn=address,o=x\naddress@d.ovh\tpass\tuac:9\tcn=address,o=x\n"
        "former@d.ovh\tblock\tuac: [Defaults]\tcn=former,o=x\n"
    )
    script = tmp_path / "verify"
    text = sslvpn._VERIFIER
    for word, value in (("LOGFILE", tmp_path / "log"), ("RIGHTS", tmp_path / "rights"), ("URL", directory.URL)):
        text = text.replace(word, str(value))
    script.write_text(text)
    script.chmod(0o700)
    return script


@pytest.mark.parametrize(
    ("login", "password", "code", "said"),
    [
        ("address@d.ovh", "right", 0, "authenticated (uac:9)"),
        ("Address@D.ovh", "right", 0, "authenticated (uac:9)"),
        ("address", "right", 0, "authenticated (uac:9)"),
        ("address@d.ovh", "wrong", 1, "refused: wrong password"),
        ("address@d.ovh", "", 1, "refused: empty password"),
        ("former@d.ovh", "right", 1, "refused: no right to the SSL VPN (uac: [Defaults])"),
        ("nobody@d.ovh", "right", 1, "refused: not a user of the directory"),
        ("", "right", 1, "refused: not a user of the directory"),
        ("$(touch escaped)", "right", 1, "refused: not a user of the directory"),
        (".*", "right", 1, "refused: not a user of the directory"),
        ("address@d.ovh\tpass", "right", 1, "refused: not a user of the directory"),
    ],
)
def test_a_login_is_judged(verifier: Path, login: str, password: str, code: int, said: str) -> None:
    told = verifier.with_name("told")
    told.write_text(f"{login}\n{password}\n")
    environment = {"PATH": f"{verifier.parent}/tools:{os.environ['PATH']}", "untrusted_ip": "198.51.100.103"}
    done = subprocess.run([verifier, told], env=environment, cwd=verifier.parent, check=False)
    assert done.returncode == code
    assert said in verifier.with_name("log").read_text()
    assert not verifier.with_name("told.secret").exists()
    assert not verifier.with_name("escaped").exists()
