"""What each sentence of the features means: one module per domain concept; the pytest plugins are in ``plugins``."""
