"""The management API of the simulated appliance ("serverd"): sessions, commands and what they answer (sns.md 4, 5)."""
