"""What must hold of a pair at every moment, watched while faults run.

Each invariant has a name, a bound that says for how long it may fail to hold, and a message that gives the time, the
members and the packets or states that broke it. :class:`lab.invariants.watch.Watch` runs them.
"""
