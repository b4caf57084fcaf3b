"""What turns each scenario red: a mistake or a fault per scenario, and the message that it then gives.

A table module for each feature; ``faults`` names the kinds of mistakes, ``saboteur`` makes them while pytest runs the
features, ``rows`` has the whole table, and ``page`` writes it down for people.
"""
