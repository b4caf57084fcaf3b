"""What is passed over in haste holds no secret: texts and bytes lose what they lose when every pattern is tried on them."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provisioning import redaction
from provisioning.redaction import HIDDEN, Redaction, forms

LONG = ("correct-horse/battery+staple", 'p/ss+"w0rd & Größe', "MC4CAQAwBQYDK2VwBCIEIKx3qV0dXy9y5mC0o1bq8XgYzv7uJk2nq3m1")
SHORT = ("hunter", "a'b\"c\\d", "ßßß€€€")
TELLING = (
    "cookie:a=b", "Set-Cookie: a=b", '"cookıe"= a', "coo\u212aie: sid=8f3a", "Authorization:Basic dTpw",
    "proxy-authorization=x", "author\u0130zation: x", "https://ada:love@h/", "curl -u ada:lovelace h",
    "x;curl h -b 'sid=8f 3a'", "--password=x", "--passwd x", "-passphrase y", "--PA\u017f\u017fWORD hunter2", "--secret z",
    "--\u017fecret=z", "--token q", "--to\u212aen q", "--psk r", "--p\u017fk r", "--api-key s", "--apikey t", "--API_KEY=u",
    "--no-cookie v",
    "-----BEGIN PRIVATE KEY-----", "-----BEGIN EC PRIVATE KEY-----\nQUJD\n-----END EC PRIVATE KEY-----",
)  # fmt: skip
"""Each has a secret that is known by its place."""
WORDS = ("curl", "-u", "-b", "://", "@", ":", "-", "--", "'", '"', "=", "\n", "\r\n", "\t", " ", "\0", "pass", "key", "cookie",
         "authorization", "TokenTimeout=300", "[secret]", "\udce9", "é", "😀")  # fmt: skip
FORMS = sorted({form for secret in (*LONG, *SHORT) for form in forms(secret)})
PARTS = st.one_of(st.sampled_from(TELLING), st.sampled_from(WORDS), st.sampled_from(FORMS), st.text(max_size=9))
TEXTS = st.lists(PARTS, max_size=9).map("".join)
KNOWN = st.sampled_from([(), LONG[:1], LONG[1:2], SHORT[2:], LONG, SHORT, (*LONG, *SHORT)])


@cache
def knowing(secrets: tuple[str, ...]) -> Redaction:
    found = Redaction()
    found.learn(*secrets)
    return found


@cache
def of_known(secrets: tuple[str, ...]) -> re.Pattern[bytes]:
    octets = {form.encode() for secret in secrets for form in forms(secret)}
    return re.compile(b"|".join(map(re.escape, sorted(octets, key=len, reverse=True))) or b"(?!)")


def at_leisure(text: str, secrets: tuple[str, ...]) -> str:
    text = redaction._KEY_IN_TEXT.sub(HIDDEN, text)
    text = redaction._FIELD.sub(rf"\1\2 {HIDDEN}", text)
    text = redaction._URL.sub(rf"\1{HIDDEN}", text)
    text = redaction._CURL.sub(lambda one: redaction._OF_CURL.sub(rf"\1{HIDDEN}", one[0]), text)
    text = redaction._OPTION.sub(rf"\1={HIDDEN}", text)
    octets = text.encode("utf-8", "surrogatepass")
    return of_known(secrets).sub(HIDDEN.encode(), octets).decode("utf-8", "surrogatepass")


def by_place(data: bytes) -> list[tuple[int, int]]:
    return [match.span() for _, pattern in redaction._IN_BYTES for match in pattern.finditer(data)]


@pytest.mark.parametrize("text", TELLING)
@pytest.mark.parametrize("written", [str, str.upper, str.lower, str.swapcase])
@pytest.mark.parametrize("before", ["", "\n", "é "])
def test_no_place_is_passed_over(text: str, written: Callable[[str], str], before: str) -> None:
    assert HIDDEN in Redaction().text(text)
    whole = before + written(text)
    assert Redaction().text(whole) == at_leisure(whole, ())
    assert Redaction().places(whole.encode()) == by_place(whole.encode())


@given(TEXTS, KNOWN)
def test_a_text_loses_the_same_as_when_every_pattern_is_tried(text: str, secrets: tuple[str, ...]) -> None:
    assert knowing(secrets).text(text) == at_leisure(text, secrets)
    assert knowing(secrets).text(text * 3) == at_leisure(text * 3, secrets)


@given(st.integers(0, 80), KNOWN)
def test_a_known_secret_is_found_in_each_form_wherever_it_stands(before: int, secrets: tuple[str, ...]) -> None:
    for form in (form for secret in secrets for form in forms(secret)):
        assert knowing(secrets).text("." * before + form + ".").startswith("." * before + HIDDEN)


def test_what_is_learned_between_two_texts_is_hidden_in_the_second_also_when_it_is_shorter() -> None:
    redaction = Redaction()
    redaction.learn(LONG[0])
    texts = [f"{SHORT[0]}{'.' * 200}", SHORT[0], f"{LONG[0]} and {SHORT[0]}"]
    assert [redaction.text(text)[:20] for text in texts] == [f"{SHORT[0]}{'.' * 14}", SHORT[0], f"{HIDDEN} and {SHORT[0]}"]
    redaction.learn(SHORT[0])
    assert [redaction.text(text)[:9] for text in texts] == [f"{HIDDEN}.", HIDDEN, f"{HIDDEN} "]


@given(st.binary(max_size=70), st.sampled_from(FORMS), st.binary(max_size=30), st.sampled_from(TELLING), KNOWN)
def test_the_same_places_are_found_in_bytes(
    before: bytes, form: str, after: bytes, telling: str, secrets: tuple[str, ...]
) -> None:
    data = before + form.encode() + after + b"\n" + telling.encode() + b"\n" + after
    assert knowing(secrets).places(data) == by_place(data) + [match.span() for match in of_known(secrets).finditer(data)]


@given(TEXTS.filter(lambda text: "\udce9" not in text))
def test_the_same_is_noticed(text: str) -> None:
    fields = [match[3] for match in redaction._FIELD.finditer(text)]
    options = [one[2].strip("'") for line in redaction._CURL.finditer(text) for one in redaction._OF_CURL.finditer(line[0])]
    words = {word for value in (*fields, *options) for word in redaction._VALUE.findall(value)}
    noticing = Redaction()
    noticing.notice(text)
    assert noticing.known == {word for word in words if len(word) > 7 and re.search(r"\d", word)}
