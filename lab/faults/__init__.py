"""Ways for a pair of firewalls to fail: one module per family, a catalogue by name, and injections that undo themselves."""
