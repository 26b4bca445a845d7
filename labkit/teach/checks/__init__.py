"""Check an answer: run it within bounds, compare it with the reference and the known mistakes."""
