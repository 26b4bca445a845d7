"""Count tokens and simulate the prompt cache."""
