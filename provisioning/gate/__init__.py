"""What a change of configuration does, what that needs by the owner's policy, and whether a lab confirms it."""
