"""The exercises of notebook 06: three managers to write, and defects to find in others."""
