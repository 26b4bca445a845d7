"""Read a text: its words, the names and numbers that it mentions."""
