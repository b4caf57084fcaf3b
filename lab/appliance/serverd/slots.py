"""CONFIG SLOT …: the policy slots of filter and VPN: named, activated, taken out and put back as files."""

from __future__ import annotations

from lab.appliance import slots
from lab.appliance.inifile import get
from lab.appliance.serverd import activation, replies
from lab.appliance.serverd.command import Call, Command
from lab.appliance.serverd.documents import has_section, sections, with_tokens
from lab.appliance.serverd.replies import Refusal, Reply

_FOLDERS = {"filter": "Filter", "vpn": "VPN"}
_APPLIED = {"filter": "enfilter", "vpn": "envpn"}


def _kind(call: Call) -> str:
    return call.choice("type", "filter", tuple(_FOLDERS))


def _number(call: Call, low: int = 1) -> int:
    return call.number("slot", low, slots.MOST)


def _file(call: Call) -> str:
    return f"{_FOLDERS[_kind(call)]}/{_number(call):02d}"


def _info(call: Call) -> str:
    return f"{_FOLDERS[_kind(call)]}/slotinfo"


def _update(call: Call) -> None:
    """``CONFIG SLOT UPDATE type= slot= [name=] [comment=]``; a slot that was empty begins to exist."""
    text, section = call.clone.read(_info(call)), f"{_number(call):02d}"
    tokens = {"Name": call.get("name"), "Comment": call.get("comment")}
    given = {token: value for token, value in tokens.items() if token.lower() in call.tokens}
    if not has_section(text, section):
        given = {"Name": "", "Time": "", "Days": "", "Comment": "", **given}
    call.clone.write(_info(call), with_tokens(text, section, given))
    if not call.clone.read(_file(call)):
        call.clone.write(
            _file(call), "[Filter]\n\n[NAT]\n" if _kind(call) == "filter" else "[Global]\n\n[Policy]\n\n[Mobile]\n"
        )


def _list(call: Call) -> Reply:
    text = call.clone.read(_info(call))
    active = get(text, "Global", "Active") or "0"
    named = {name: {"name": get(text, name, "Name") or ""} for name in sections(text) if name.isdecimal()}
    return replies.section(Global={"active": f"{int(active):02d}"}, **named)


def _activate(call: Call) -> None:
    """``CONFIG SLOT ACTIVATE type= slot=``: the edits of this kind's slots count, and this slot is the active one."""
    kind = _kind(call)
    activation.of(call, (_FOLDERS[kind],), also=(_APPLIED[kind], f"{_number(call, low=int(kind == 'filter')):02d}"))


def _download(call: Call) -> Reply:
    text = call.clone.read(_file(call))
    if not text:
        raise Refusal(f"slot {_number(call):02d} is empty")
    return replies.download(text.encode(), as_section=True)


def _upload(call: Call) -> Reply:
    """``CONFIG SLOT UPLOAD slot= name= < FILE``: the slot as a whole; what is wrong with it is told when it is there."""
    file, info, section = _file(call), _info(call), f"{_number(call):02d}"
    name = call.get("name")

    def edit(text: str) -> None:
        call.clone.write(file, text)
        told = call.clone.read(info)
        call.clone.write(info, with_tokens(told, section, {"Name": name or get(told, section, "Name") or ""}))

    def take(content: bytes) -> Reply:
        try:
            text = content.decode()
        except UnicodeDecodeError as error:
            raise Refusal.format("the file is not UTF-8") from error
        call.clone.checked(lambda: edit(text))
        return Reply()

    return replies.upload(take)


COMMANDS = (
    Command("CONFIG SLOT UPDATE", _update, ("type", "slot", "name", "comment"), level="filter", edits=True),
    Command("CONFIG SLOT LIST", _list, ("type",)),
    Command("CONFIG SLOT ACTIVATE", _activate, ("type", "slot"), level="filter", modifies=True, words=1),
    Command("CONFIG SLOT DOWNLOAD", _download, ("type", "slot", "name")),
    Command("CONFIG SLOT UPLOAD", _upload, ("type", "slot", "name"), level="filter", modifies=True),
)
