"""The reachability matrix of a deployment: what its configurations say of every class of packets, and what its firewalls do."""
