"""What is kept of a scenario, so that its verdict can be checked by somebody who was not there (``docs/evidence.md``)."""
