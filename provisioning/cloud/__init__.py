"""The deployment on OpenStack: what is wanted of it, what is there, and the way from one to the other."""
