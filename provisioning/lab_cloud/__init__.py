"""A cloud whose servers are hosts of the lab: what Nova asks for is booted there, wired as Neutron says."""
