"""The simulated SNS appliance: everything here runs inside its container, on the standard library alone."""
