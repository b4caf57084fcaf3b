"""What an operator plausibly gets wrong in a configuration: mutants of it, and whether they change anything at all."""
