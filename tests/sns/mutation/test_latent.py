"""What differs and nobody can meet: proved, and told why; what somebody can meet is for scenarios to notice."""

from __future__ import annotations

import pytest

from provisioning.deployment import load
from provisioning.mutants import judged, made
from sns.mutation.judgement import Judgement
from tests.provisioning.plans import GUIDE

OWN_ADDRESS = "the firewall itself takes the address of the interface by which it leaves, never this one"

LATENT = {
    "gra11/uac:5/right of all": "the SSL VPN is off, and nothing else here asks for rights or users",
    "gra11/Filter/filter:10/implicit rule switched": "no host sends to its own address by a wire",
    "sbg7/Filter/05:30/source widened": OWN_ADDRESS,
    "sbg7/Filter/05:23/source widened/2": "a host without an address opens no connection: nothing can answer it",
}
MET = (
    "sbg7/uac:5/right of all",  # the SSL VPN is on
    "sbg7/webadmin:13/management widened",  # the page shares its port with the SSL VPN, which is open to all
    "gra11/webadmin:13/management widened",  # by the HA network, whose hosts may send the firewall anything
    "sbg7/Filter/05:30/source widened/2",  # what the firewall sends from its public address gets another port
    "sbg7/Filter/filter:4/implicit rule switched",
)


@pytest.fixture(scope="module")
def judgements() -> dict[str, Judgement]:
    deployment = load(GUIDE)
    with judged(deployment) as judge:
        return {mutant.name: judge(mutant) for mutant in made(deployment) if mutant.name in {*LATENT, *MET}}


@pytest.mark.parametrize("name", LATENT)
def test_what_nobody_can_meet_says_why(name: str, judgements: dict[str, Judgement]) -> None:
    assert (judgements[name].kind, judgements[name].unmet) == ("latent", (LATENT[name],))


@pytest.mark.parametrize("name", MET)
def test_what_somebody_meets_is_not_excused(name: str, judgements: dict[str, Judgement]) -> None:
    assert (judgements[name].kind, judgements[name].unmet) == ("differs", ())
