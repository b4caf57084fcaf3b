"""Which word weighs more: what is refused stands, what contradicts the model is not decided, the rest is somebody's."""

from __future__ import annotations

import pytest

from provisioning.gate.changes import Change
from provisioning.gate.files import Need
from provisioning.gate.verdict import EXIT, Confirmation, Gated, Scenarios, Verdict


def _gated(*needs: Need, **more: object) -> Gated:
    changes = [Change("sbg7", "opens.internet", need, ("any -> Firewall_out",), "was", "now", None) for need in needs]
    return Gated("before", "after", "defaults", changes, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "gated, verdict, code",
    [
        (_gated(), "accepted", 0),
        (_gated("nothing"), "accepted", 0),
        (_gated("nothing", "approval"), "approval", 3),
        (_gated("approval", "refused"), "refused", 1),
        (_gated("nothing", scenarios=Scenarios(counts={"pass": 3})), "accepted", 0),
        (_gated("nothing", scenarios=Scenarios(failed={"SNS-WEB-01": "no page"})), "refused", 1),
        (_gated("nothing", scenarios=Scenarios(unclear={"SNS-WEB-01": "no control"})), "undecided", 4),
        (_gated("nothing", confirmed={0: Confirmation("a", "b", wrong="seen nowhere")}), "undecided", 4),
        (_gated("nothing", confirmed={0: Confirmation(unmeasured="nothing can send it")}), "accepted", 0),
        (_gated("approval", errors=["the lab did not start"]), "undecided", 4),
        (_gated("refused", errors=["the lab did not start"]), "refused", 1),
    ],
)
def test_the_gravest_word_counts(gated: Gated, verdict: Verdict, code: int) -> None:
    assert (gated.verdict, EXIT[gated.verdict]) == (verdict, code)
    assert (gated.plain()["verdict"], gated.plain()["exit"]) == (verdict, code)
