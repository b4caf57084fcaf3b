"""The simulated vRack: engine, image, fabric, hosts and the simulated appliance. Knows no deployment."""
