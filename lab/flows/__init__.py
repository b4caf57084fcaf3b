"""Flows that go on while something happens to the network, each packet with its number and the time it was sent."""
