"""CONFIG LDAP … and USER …: the internal directory, its people and groups, and their rights (sns.md 5.5).

People change at once, as on the product, which has no activation for them; the directory itself and the rights have one.
"""

from __future__ import annotations

import re

from lab.appliance.inifile import get
from lab.appliance.serverd import activation, replies
from lab.appliance.serverd.command import Call, Command
from lab.appliance.serverd.documents import Entry, entries, with_entry, with_tokens, without_lines
from lab.appliance.serverd.replies import Refusal, Reply
from sns.identity import RIGHTS
from sns.model import Directory, DirectoryUser

_BASE = """\
dn: {suffix}
objectClass: top
objectClass: organization
o: {organisation}

dn: ou=users,{suffix}
objectClass: top
objectClass: organizationalUnit
ou: users

dn: ou=groups,{suffix}
objectClass: top
objectClass: organizationalUnit
ou: groups
"""
_NEVER = re.compile(r"[\x00-\x1f,+\"\\<>;=#]")
"""What would end a name in a directory's entry."""


def _initialize(call: Call) -> None:
    """``CONFIG LDAP INITIALIZE domainname= o= dc= password=``: an empty directory; the one there was is destroyed."""
    domain, organisation = _name(call.need("domainname")), _name(call.need("o"))
    suffix = f"o={organisation},dc={_name(call.need('dc'))}"
    call.need("password")  # of the directory's own administrator, who has no use here
    call.clone.write("ldap", f"[SERVER]\nDefault={domain}\nIndexed=1\n\n[{domain}]\nSuffix={suffix}\n")
    call.clone.write_base(_BASE.format(suffix=suffix, organisation=organisation))


def _ldap_list(call: Call) -> Reply:
    domain = call.clone.configuration().directory.domain
    return replies.listing({"Result": [domain] if domain else []})


def _ldap_state(call: Call) -> Reply:
    directory = call.clone.configuration().directory
    return replies.section(Result={"State": int(directory.suffix is not None), "BaseDN": directory.suffix or ""})


def _ldap_activate(call: Call) -> None:
    activation.of(call, ("ldap", "Data"))


# People


def _directory(call: Call) -> Directory:
    directory = call.clone.configuration().directory
    if directory.suffix is None:
        raise Refusal("there is no directory (CONFIG LDAP INITIALIZE makes one)")
    domain = call.get("domainname")
    if domain and domain.lower() != (directory.domain or "").lower():
        raise Refusal(f'no such directory: "{domain}"')
    return directory


def _user(call: Call, name: str) -> DirectoryUser:
    """A person by uid or by the whole distinguished name. Raises Refusal."""
    for user in _directory(call).users:
        if name.lower() in (user.uid.lower(), user.dn.lower()):
            return user
    raise Refusal(f'no such user: "{name}"')


def _change(call: Call, text: str) -> None:
    """Make the base this, at once."""
    call.clone.checked(lambda: call.clone.write_base(text))
    try:
        activation.activate(call.clone, call.appliance.running(), ("Data",))
    except Refusal:
        call.clone.drop(call.clone.edited(("Data",)))
        raise


def _user_create(call: Call) -> Reply:
    """``USER CREATE uid= name= [gname=] [mail=] [domainname=]``."""
    directory, uid = _directory(call), _name(call.need("uid"))
    name = " ".join(filter(None, (_name(call.get("gname")), _name(call.need("name")))))
    dn = f"cn={name},ou=users,{directory.suffix}"
    mail = f"mail: {_line(call.get('mail'))}\n" if call.get("mail") else ""
    entry = f"dn: {dn}\nobjectClass: top\nobjectClass: inetOrgPerson\nuid: {uid}\ncn: {name}\nsn: {call.get('name')}\n{mail}"
    _change(call, f"{call.clone.read_base().rstrip()}\n\n{entry}")
    return Reply(msg=f'Dn="{dn}"')


def _user_password(call: Call) -> None:
    user, password = _user(call, call.need("dn")), _line(call.need("password"))
    _change_entry(call, user.dn, lambda lines: [*_without(lines, "userPassword"), f"userPassword: {password}"])


def _user_remove(call: Call) -> None:
    user = _user(call, call.word(0, "uid"))
    blocks = [block for block in _blocks(call) if not _is(block, user.dn)]
    _change(call, "\n\n".join("\n".join(line for line in block if line != f"member: {user.dn}") for block in blocks) + "\n")


def _user_list(call: Call) -> Reply:
    lines = [{"uid": user.uid, "name": user.name, "mail": user.mail, "dn": user.dn} for user in _directory(call).users]
    return replies.section_line({"Result": lines})


def _user_show(call: Call) -> Reply:
    user = _user(call, call.word(0, "uid"))
    return replies.section(Result={"uid": user.uid, "cn": user.name, "mail": user.mail, "dn": user.dn})


# Groups


def _group_create(call: Call) -> None:
    """``USER GROUP CREATE GROUP UID``: a directory's group has a member from the beginning."""
    directory, name = _directory(call), _name(call.word(0, "group"))
    if name.lower() in (known.lower() for known in directory.groups):
        raise Refusal(f'group "{name}" exists already')
    member = _user(call, call.word(1, "first member"))
    dn = f"cn={name},ou=groups,{directory.suffix}"
    entry = f"dn: {dn}\nobjectClass: top\nobjectClass: groupOfNames\ncn: {name}\nmember: {member.dn}\n"
    _change(call, f"{call.clone.read_base().rstrip()}\n\n{entry}")


def _group_add(call: Call) -> None:
    dn, user = _group(call), _user(call, call.word(1, "uid"))
    line = f"member: {user.dn}"
    _change_entry(call, dn, lambda lines: lines if line in lines else [*lines, line])


def _group_del(call: Call) -> None:
    dn, user = _group(call), _user(call, call.word(1, "uid"))
    _change_entry(call, dn, lambda lines: [line for line in lines if line != f"member: {user.dn}"])


def _group_list(call: Call) -> Reply:
    groups = _directory(call).groups
    return replies.section_line({"Result": [{"group": name, "members": ",".join(uids)} for name, uids in groups.items()]})


def _group(call: Call) -> str:
    directory, name = _directory(call), call.word(0, "group")
    if name.lower() not in (known.lower() for known in directory.groups):
        raise Refusal(f'no such group: "{name}"')
    return f"cn={name},ou=groups,{directory.suffix}"


# The base's text


def _blocks(call: Call) -> list[list[str]]:
    return [block.splitlines() for block in call.clone.read_base().strip().split("\n\n")]


def _is(block: list[str], dn: str) -> bool:
    return block[0].partition(":")[2].strip().lower() == dn.lower()


def _change_entry(call: Call, dn: str, change: object) -> None:
    blocks = [change(block) if _is(block, dn) else block for block in _blocks(call)]  # type: ignore[operator]
    _change(call, "\n\n".join("\n".join(block) for block in blocks) + "\n")


def _without(lines: list[str], attribute: str) -> list[str]:
    return [line for line in lines if line.partition(":")[0].lower() != attribute.lower()]


def _name(text: str) -> str:
    if _NEVER.search(text):
        raise Refusal.format(f'"{text}" has characters that a directory cannot keep in a name')
    return text


def _line(text: str) -> str:
    if "\n" in text or text[:1] in (" ", ":", "<"):
        raise Refusal.format("a value may not begin with a blank, ':' or '<'")
    return text


# Rights


def _right_insert(call: Call) -> None:
    """``USER ACCESS RIGHT INSERT state=on user=|group= openvpn=pass … [position=] [comment=]``."""
    who = [f"{kind}={call.get(kind)}" for kind in ("user", "group") if call.get(kind)]
    rights = [f"{right}={call.get(right, 'default')}" for right in RIGHTS]
    entry = Entry(" ".join([f"state={call.get('state', 'on')}", *who, *rights]), call.get("comment"))
    place = call.number("position", 1, 10**4) - 1 if call.get("position") else None
    call.clone.write("uac", with_entry(call.clone.read("uac"), "Ruleset", entry, place))


def _right_remove(call: Call) -> None:
    text = call.clone.read("uac")
    place = call.number("position", 1, 10**4) - 1
    if place >= len(entries(text, "Ruleset")):
        raise Refusal(f"there is no position {place + 1}")
    call.clone.write("uac", without_lines(text, "Ruleset", {place}))


def _right_list(call: Call) -> Reply:
    rules = call.clone.configuration().access.rules
    lines = [
        {"position": place, "state": "on" if rule.enabled else "off", "user": rule.user or "", "group": rule.group or ""}
        | dict(rule.rights)
        for place, rule in enumerate(rules, start=1)
    ]
    return replies.section_line({"Ruleset": lines})


def _default_update(call: Call) -> None:
    tokens = {right: call.get(right) for right in RIGHTS if right in call.tokens}
    call.clone.write("uac", with_tokens(call.clone.read("uac"), "Defaults", tokens))


def _default_show(call: Call) -> Reply:
    text = call.clone.read("uac")
    return replies.section(Defaults={right: get(text, "Defaults", right) or "block" for right in RIGHTS})


def _access_activate(call: Call) -> None:
    activation.of(call, ("uac",))


_RIGHT = ("state", "user", "group", "domainname", "position", "comment", *RIGHTS)
COMMANDS = (
    Command("CONFIG LDAP INITIALIZE", _initialize, ("domainname", "o", "dc", "password", "realbind"), level="user", edits=True),
    Command("CONFIG LDAP LIST", _ldap_list),
    Command("CONFIG LDAP STATE", _ldap_state),
    Command("CONFIG LDAP ACTIVATE", _ldap_activate, level="user", modifies=True, words=1),
    Command("USER CREATE", _user_create, ("uid", "name", "gname", "mail", "domainname"), level="user", modifies=True),
    Command("USER PASSWORD", _user_password, ("dn", "password", "domainname"), level="user", modifies=True),
    Command("USER REMOVE", _user_remove, ("domainname",), level="user", modifies=True, words=1),
    Command("USER LIST", _user_list, ("domainname",)),
    Command("USER SHOW", _user_show, ("domainname",), words=1),
    Command("USER GROUP CREATE", _group_create, ("domainname",), level="user", modifies=True, words=2),
    Command("USER GROUP ADDUSER", _group_add, ("domainname",), level="user", modifies=True, words=2),
    Command("USER GROUP DELUSER", _group_del, ("domainname",), level="user", modifies=True, words=2),
    Command("USER GROUP LIST", _group_list, ("domainname",)),
    Command("USER ACCESS RIGHT INSERT", _right_insert, _RIGHT, level="user", edits=True),
    Command("USER ACCESS RIGHT REMOVE", _right_remove, ("position",), level="user", edits=True),
    Command("USER ACCESS RIGHT LIST", _right_list),
    Command("USER ACCESS DEFAULT UPDATE", _default_update, RIGHTS, level="user", edits=True),
    Command("USER ACCESS DEFAULT SHOW", _default_show),
    Command("USER ACCESS ACTIVATE", _access_activate, level="user", modifies=True, words=1),
)
