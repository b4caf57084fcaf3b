"""One program per contestant: it builds a lab, says when it is ready, answers questions about it, and takes it down.

What runs inside a peer's root file system (all but :mod:`benchmarks.drivers.on_rempart`) needs the standard library and the
peer alone.
"""
