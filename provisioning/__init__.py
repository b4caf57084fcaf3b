"""The environment under test: the deployment's plan, and what is made from it (the simulated lab, or OpenStack)."""
