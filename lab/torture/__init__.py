"""Randomised campaigns of faults: drawn from a seed, run against a pair whose invariants are watched, and made small."""
