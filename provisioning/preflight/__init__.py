"""What a plan, its printed commands and a cloud promise, before anything is created."""
