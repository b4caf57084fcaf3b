"""What serverd writes is what the vendor's own client reads; what it is given it takes apart, or refuses."""

from __future__ import annotations

import pytest
from stormshield.sns.sslclient import Response, format_output

from lab.appliance.serverd import replies
from lab.appliance.serverd.grammar import parse
from lab.appliance.serverd.replies import Refusal, Reply


def read(reply: Reply) -> Response:
    """The answer as the vendor's client makes it of the bytes."""
    return Response(output=format_output(replies.rendered(reply)))


def test_one_line() -> None:
    assert read(Reply()).output == '100 code=00a00100 msg="Ok"'
    assert read(Reply(ret=200, code="00100800", msg='a "quoted" < word')).output.startswith("200 code=00100800")


def test_a_section() -> None:
    told = read(replies.section(Result={"Model": "EVA1", "SystemName": "two words"}))
    assert told.format == "section"
    assert told.data["Result"]["model"] == "EVA1"
    assert told.data["Result"]["SystemName"] == "two words"


def test_lines_of_tokens() -> None:
    told = read(replies.section_line({"Object": [{"name": "srv", "comment": "a & b"}, {"name": "net", "comment": ""}]}))
    assert told.format == "section_line"
    assert [line["name"] for line in told.data["Object"]] == ["srv", "net"]
    assert told.data["Object"][0]["comment"] == "a & b"


def test_a_list_a_text_and_a_tree() -> None:
    assert read(replies.listing({"Result": ["any", "admin_client"]})).data["Result"] == ["any", "admin_client"]
    assert "<b> & ]]> end" in read(replies.raw("<b> & ]]> end")).data
    assert "<filters" in read(replies.xml('<filters total_lines="0"/>')).data


def test_characters_that_xml_cannot_hold_do_not_break_the_answer() -> None:
    assert read(Reply(ret=200, msg="bell \a here")).output.endswith('msg="bell ? here"')


@pytest.mark.parametrize("as_section", [False, True])
def test_a_download_is_announced_with_the_clients_own_checksum(as_section: bool) -> None:
    from stormshield.sns.crc import compute_crc32

    content = bytes(range(256)) * 3
    told = replies.rendered(replies.download(content, as_section=as_section)).decode()
    assert f"{compute_crc32(content):X}" in told
    assert "768" in told
    assert '"00a01c00"' in told


def test_words_and_tokens() -> None:
    line = parse('CONFIG OBJECT host NEW name=srv comment="the web server" Color=FF0000')
    assert line.words == ("CONFIG", "OBJECT", "host", "NEW")
    assert line.tokens == {"name": "srv", "comment": "the web server", "color": "FF0000"}


def test_a_quoted_word_may_hold_an_equals_sign() -> None:
    assert parse('USER GROUP CREATE "a=b"').words[-1] == "a=b"


@pytest.mark.parametrize(("line", "told"), [('X a="b', "not closed"), ("X a=1 A=2", "given twice")])
def test_what_is_not_a_line_is_refused(line: str, told: str) -> None:
    with pytest.raises(Refusal, match=told):
        parse(line)
