"""Loading of rule sets, which must not be disturbed where they are long.

``nft`` first reads what is loaded, and begins again when anything changed meanwhile. The HA gate's lease is renewed every few
milliseconds; to read some thousand rules takes longer, and ``nft`` would never end. So the agent is asked to grant one long
lease, and to be quiet until the rules are loaded.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress

from lab.appliance import ha_control, paths, programs
from lab.appliance.errors import ApplianceError

LONG = 2000  # lines: some 800 rules; a tenth of a lease goes by while they are read
QUIET = 3.0  # s that the agent is quiet at the most, three times what 5,000 rules take
_LINES = paths.RUN / "policy-lines"
"""How long the policy is that was loaded last."""


def load_policy(text: str) -> None:
    """Replace the rules of the filter and NAT policy. Raises ProgramFailed."""
    lines = text.count("\n")
    _load(text, lines)
    _LINES.parent.mkdir(parents=True, exist_ok=True)
    _LINES.write_text(str(lines))


def load(text: str) -> None:
    """Replace other rules, beside a policy that may be long. Raises ProgramFailed."""
    _load(text, 0)


def _load(text: str, lines: int) -> None:
    with _undisturbed() if max(lines, _loaded()) > LONG else nullcontext():
        programs.run(("nft", "-f", "-"), given=text)


def _loaded() -> int:
    return int(_LINES.read_text()) if _LINES.exists() else 0


@contextmanager
def _undisturbed() -> Iterator[None]:
    if not ha_control.CONTROL.exists():
        yield
        return
    with suppress(ApplianceError):  # no agent, no lease
        ha_control.ask(f"quiet {QUIET:g}")
    try:
        yield
    finally:
        with suppress(ApplianceError):
            ha_control.ask("quiet 0")
