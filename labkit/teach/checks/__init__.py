"""How an answer is checked: run within bounds, held against the reference and the known mistakes."""
