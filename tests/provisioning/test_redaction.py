"""Secrets are taken out whatever a program made of them on their way."""

from __future__ import annotations

import base64
import json
import subprocess
from urllib.parse import quote, quote_plus

import pytest

from provisioning.redaction import HIDDEN, Redaction, told_to_the_process

SECRET = 'p/ss+"w0rd & Größe'
PLAIN = "correct-horse/battery+staple"


@pytest.fixture(scope="module")
def redaction() -> Redaction:
    found = Redaction()
    found.learn(SECRET, PLAIN, "short", "-----BEGIN PRIVATE KEY-----\nQUJDREVGR0g=\n-----END PRIVATE KEY-----")
    return found


@pytest.mark.parametrize("secret", [SECRET, PLAIN])
@pytest.mark.parametrize(
    "written",
    [
        str,
        quote,
        quote_plus,
        lambda text: quote(text, safe=""),
        json.dumps,
        lambda text: json.dumps(text, ensure_ascii=False),
        lambda text: text.encode().hex(),
        lambda text: text.encode().hex().upper(),
        lambda text: text.encode().hex(":"),
    ],
)
def test_a_known_secret_is_hidden_in_every_form(secret: str, written: object, redaction: Redaction) -> None:
    form = written(secret)  # type: ignore[operator]
    hidden = redaction.text(f"before {form} after")
    assert HIDDEN in hidden
    assert form.strip('"') not in hidden
    assert hidden.startswith("before ")
    assert hidden.endswith(" after")


@pytest.mark.parametrize("before", ["", "a", "ab", "abc", "user:"])
@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
def test_in_base64_it_is_hidden_wherever_it_begins(before: str, encode: object, redaction: Redaction) -> None:
    text = encode(f"{before}{PLAIN}:tail".encode()).decode()  # type: ignore[operator]
    hidden = redaction.text(f"Basic {text}")
    left = hidden.removeprefix("Basic ").replace(HIDDEN, "")
    assert HIDDEN in hidden
    assert len(left) <= len(text) - len(PLAIN) * 8 // 6 + 1


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-16"])
def test_in_utf_16_it_is_hidden_in_texts_and_in_bytes(encoding: str, redaction: Redaction) -> None:
    data = f"x{PLAIN}y".encode(encoding)
    ((first, last),) = redaction.places(data)
    assert last - first == 2 * len(PLAIN) - 1
    assert HIDDEN in redaction.text(data.decode(errors="replace"))


def test_a_key_in_pem_is_hidden_line_by_line_and_whole_although_nobody_knows_it(redaction: Redaction) -> None:
    assert redaction.text("> QUJDREVGR0g=") == f"> {HIDDEN}"
    made = subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519"], capture_output=True, text=True, check=True).stdout
    assert redaction.text(f"a\n{made}b") == f"a\n{HIDDEN}\nb"
    half = made[: len(made) // 2]
    assert redaction.text(half) == HIDDEN


@pytest.mark.parametrize(
    "text, hidden",
    [
        ("Set-Cookie: sid=8f3a; Path=/\nServer: nginx", "Set-Cookie: [secret]\nServer: nginx"),
        ("cookie: sid=8f3a", "cookie: [secret]"),
        ("Authorization: Basic dTpw", "Authorization: [secret]"),
        ('{"Authorization": "Bearer abc"}', '{"Authorization": [secret]'),
        ("https://ada:lovelace@example.org/", "https://ada:[secret]@example.org/"),
        ("curl -s -u ada:lovelace http://h/", "curl -s -u [secret] http://h/"),
        ("curl -b 'sid=8f 3a' -u a:b http://h/", "curl -b [secret] -u [secret] http://h/"),
        ("tool --password=hunter2 --verbose", "tool --password=[secret] --verbose"),
        ("tool --admin-password hunter2", "tool --admin-password=[secret]"),
        ("envpn -u", "envpn -u"),
        ("openvpn --auth-user-pass /run/login --auth-nocache", "openvpn --auth-user-pass /run/login --auth-nocache"),
        ("rule 3 'no ssh' (sbg7/Filter/05:14) TokenTimeout=300", "rule 3 'no ssh' (sbg7/Filter/05:14) TokenTimeout=300"),
    ],
)
def test_what_nobody_told_is_known_by_its_place(text: str, hidden: str) -> None:
    assert Redaction().text(text) == hidden


@pytest.mark.parametrize(
    "text",
    [
        "HTTP/1.1 200 OK\r\nSet-Cookie: sid=8f3a77c0; Path=/; HttpOnly\r\n\r\n",
        "> authorization: Bearer 8f3a77c0",
        "curl -s -b 'lang=en; sid=8f3a77c0' http://h/",
        "curl -u ada:8f3a77c0 http://h/",
    ],
)
def test_a_cookie_that_was_seen_once_is_hidden_wherever_it_comes_again(text: str) -> None:
    redaction = Redaction()
    redaction.notice(text)
    assert redaction.text("sid 8f3a77c0, or 3866336137376330") == f"sid {HIDDEN}, or {HIDDEN}"
    assert redaction.known == {"8f3a77c0"}


def test_what_is_too_short_is_left_as_it_is(redaction: Redaction) -> None:
    assert redaction.text("a short text") == "a short text"


def test_the_longer_of_two_secrets_is_hidden_whole() -> None:
    redaction = Redaction()
    redaction.learn("secret", "secret-and-more")
    assert redaction.text("secret-and-more, secret-and-less") == f"{HIDDEN}, {HIDDEN}-and-less"


def test_options_and_variables_that_call_themselves_secret_are_known() -> None:
    arguments = ["features/", "--vpn-password=hunter22", "--api-token", "0a1b2c3d", "-k", "IPSEC"]
    variables = [("OS_PASSWORD", "swordfish"), ("PATH", "/usr/bin"), ("MONKEY", "banana")]
    assert sorted(told_to_the_process(arguments, variables)) == ["0a1b2c3d", "hunter22", "swordfish"]


def test_what_stands_beside_a_secret_stays_as_it_is_whatever_it_consists_of(redaction: Redaction) -> None:
    assert redaction.text(f"\udce9é{SECRET}ß😀\ud800") == f"\udce9é{HIDDEN}ß😀\ud800"
