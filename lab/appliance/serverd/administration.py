"""CONFIG WEBADMIN …, CONFIG SSH …, and the filters of names: who may administer, and what the proxies refuse."""

from __future__ import annotations

from lab.appliance.serverd import activation, replies
from lab.appliance.serverd.command import Call, Command
from lab.appliance.serverd.documents import Entry, entries, with_entry, with_tokens, without, without_lines
from lab.appliance.serverd.replies import Refusal, Reply

_NAMES = {"URLFILTERING": "URLFiltering", "SSLFILTERING": "SSLFiltering"}


def _access_add(call: Call) -> None:
    name, text = call.word(0, "object"), call.clone.read("webadmin")
    if not any(entry.text.lower() == name.lower() for entry in entries(text, "ACL")):
        call.clone.write("webadmin", with_entry(text, "ACL", Entry(name)))


def _access_remove(call: Call) -> None:
    name, text = call.word(0, "object"), call.clone.read("webadmin")
    if not any(entry.text.lower() == name.lower() for entry in entries(text, "ACL")):
        raise Refusal(f'"{name}" is not in the list')
    call.clone.write("webadmin", without(text, "ACL", name))


def _access_show(call: Call) -> Reply:
    return replies.listing({"Result": [entry.text for entry in entries(call.clone.read("webadmin"), "ACL")]})


def _webadmin_show(call: Call) -> Reply:
    return replies.section(Config={entry.name: entry.value for entry in entries(call.clone.read("webadmin"), "Config")})


def _webadmin_activate(call: Call) -> None:
    activation.of(call, ("webadmin",))


def _ssh_update(call: Call) -> None:
    names = {"state": "State", "userpass": "Password"}
    tokens = {name: str(call.number(token, 0, 1)) for token, name in names.items() if token in call.tokens}
    call.clone.write("system", with_tokens(call.clone.read("system"), "SSH", tokens))


def _ssh_activate(call: Call) -> None:
    activation.of(call, ("system",))


# Filters of names


def _slot(call: Call) -> str:
    return f"{_NAMES[call.command.path.split()[1]]}/{call.number('index', 0, 9):02d}"


def _name_insert(call: Call) -> None:
    """``… RULE INSERT index= action=pass|block urlgroup=|cngroup= [state=] [position=] [comment=]``."""
    group = call.get("urlgroup") or call.get("cngroup") or "any"
    action = call.choice("action", "block", ("pass", "block"))
    entry = Entry(f"state={call.get('state', 'on')} action={action} group={group}", call.get("comment"))
    place = call.number("position", 1, 10**4) - 1 if call.get("position") else None
    call.clone.write(_slot(call), with_entry(call.clone.read(_slot(call)), "Rules", entry, place))


def _name_remove(call: Call) -> None:
    text = call.clone.read(_slot(call))
    everything = call.get("position").lower() == "all"
    places = None if everything else {call.number("position", 1, 10**4) - 1}
    call.clone.write(_slot(call), without_lines(text, "Rules", places))


def _name_show(call: Call) -> Reply:
    return replies.listing({"Rules": [entry.text for entry in entries(call.clone.read(_slot(call)), "Rules")]})


def _name_activate(call: Call) -> None:
    activation.of(call, (_NAMES[call.command.path.split()[1]],))


_INSERT = ("index", "state", "action", "urlgroup", "cngroup", "position", "comment")
COMMANDS = (
    Command("CONFIG WEBADMIN ACCESS ADD", _access_add, level="admin", edits=True, words=1),
    Command("CONFIG WEBADMIN ACCESS REMOVE", _access_remove, level="admin", edits=True, words=1),
    Command("CONFIG WEBADMIN ACCESS SHOW", _access_show),
    Command("CONFIG WEBADMIN SHOW", _webadmin_show),
    Command("CONFIG WEBADMIN ACTIVATE", _webadmin_activate, level="admin", modifies=True, words=1),
    Command("CONFIG SSH UPDATE", _ssh_update, ("state", "userpass"), level="admin", edits=True),
    Command("CONFIG SSH ACTIVATE", _ssh_activate, level="admin", modifies=True, words=1),
    *(
        command
        for kind in _NAMES
        for command in (
            Command(f"CONFIG {kind} RULE INSERT", _name_insert, _INSERT, level="contentfilter", edits=True),
            Command(f"CONFIG {kind} RULE REMOVE", _name_remove, ("index", "position"), level="contentfilter", edits=True),
            Command(f"CONFIG {kind} RULE SHOW", _name_show, ("index",)),
            Command(f"CONFIG {kind} ACTIVATE", _name_activate, level="contentfilter", modifies=True, words=1),
        )
    ),
)
