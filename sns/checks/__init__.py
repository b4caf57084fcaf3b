"""What is doubtful in a configuration that the appliance would accept: each finding with its place, reason and remedy."""
