"""A deployment under torture: what can be done to its pairs, by whom it is done, and what must hold meanwhile."""
