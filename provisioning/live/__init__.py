"""The real deployment: what must be so before it is tested, and how its hosts are reached."""
