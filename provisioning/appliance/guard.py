"""A change that undoes itself unless it is confirmed: the appliance goes back when nobody can tell it not to.

The product has nothing of the kind, so its shell does it: a copy of the files beside them, and a process that waits and then
puts them back and applies them. To confirm is to take the copy away. The way there is SSH, opened before the change.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from provisioning.appliance.errors import ApplianceError, WentBack
from provisioning.appliance.shell import FIREWALL, Shell

_LOG = "/tmp/guarded.log"  # noqa: S108 - on the appliance
_APPLY = "ennetwork; enfilter -u; envpn -u; enopenvpn; enservice"
_RESTORE = """\
sleep $1
[ -d {copy}/ConfigFiles ] || exit 0
for each in ConfigFiles Data; do
    rm -rf {copy}/gone && mkdir {copy}/gone && mv {root}/$each/* {copy}/gone/ && cp -a {copy}/$each/. {root}/$each/
done
{apply}
rm -rf {copy}
"""


@contextmanager
def guarded(shell: Shell, seconds: int, still_there: Callable[[], object]) -> Iterator[None]:
    """Change the appliance within; it goes back by itself after ``seconds`` unless, at the end, ``still_there`` raises nothing:
    a fresh login by the way that must not be lost. What is raised within has it go back at once.

    Raises WentBack when the way is lost.
    """
    copy = f"{FIREWALL}/saved-{secrets.token_hex(4)}"
    shell.run(f"mkdir {copy} && cp -a {FIREWALL}/ConfigFiles {FIREWALL}/Data {copy}/")
    script = _RESTORE.format(copy=copy, root=FIREWALL, apply=_APPLY)
    shell.run(f"cat >{copy}/restore", script.encode())
    shell.run(f"nohup sh {copy}/restore {seconds} >{_LOG} 2>&1 </dev/null &")
    try:
        yield
    except BaseException:
        _back_now(shell, copy)
        raise
    try:
        still_there()
    except ApplianceError as why:
        what = f"the way to it is lost by the change: {why}"
        raise WentBack(why.host, what, f"it goes back to what it had within {seconds} s") from why
    shell.run(f"rm -rf {copy}")


def _back_now(shell: Shell, copy: str) -> None:
    """Do not wait. A way that is lost is no reason not to raise what happened: the appliance goes back by itself."""
    try:
        shell.run(f"sh {copy}/restore 0 >{_LOG} 2>&1")
    except ApplianceError:
        return
