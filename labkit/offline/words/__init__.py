"""Write the simulated replies from what the request carries."""
