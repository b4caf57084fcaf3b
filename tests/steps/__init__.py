"""What steps are made with."""
