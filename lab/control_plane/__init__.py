"""A real OpenStack control plane for tests: Keystone once, and per region Glance, Placement, Neutron and Nova, on loopback."""
