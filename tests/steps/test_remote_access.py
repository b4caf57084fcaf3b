"""The right of a VPN user is taken away however it was given."""

from __future__ import annotations

from pathlib import Path

import pytest

from sns.reader import read
from steps.remote_access import _without_right
from tests.provisioning.plans import GUIDE, copy_of

RIGHTS = {
    "a rule of the user": "[Defaults]\nopenvpn=block\n[Ruleset]\nstate=on user=address openvpn=pass\n",
    "a rule of a group": "[Defaults]\nopenvpn=block\n[Ruleset]\nstate=on group=staff openvpn=pass\n",
    "the defaults": "[Defaults]\nopenvpn=pass\n",
}


@pytest.mark.parametrize("rights", RIGHTS.values(), ids=RIGHTS)
def test_the_user_has_the_right_before_and_not_after(rights: str, tmp_path: Path) -> None:
    folder = copy_of(GUIDE, tmp_path) / "sbg7/ConfigFiles"
    with (folder.parent / "Data/Ldapbase.ldif").open("a") as base:
        base.write("\ndn: cn=staff,ou=groups,o=stormshield,dc=ovh\ncn: staff\nmemberUid: address\n")
    decisions = []
    for text in (rights, _without_right(rights, "address@stormshield.ovh")):
        (folder / "uac").write_text(text)
        decisions.append(read(folder, label="sbg7").access.decision("openvpn", "address", ("staff",))[0])
    assert decisions == [True, False]
