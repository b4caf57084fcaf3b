"""Packets by the thousand through a lab's firewalls, each followed by its number: where it came out, changed into what."""
