"""What the notebooks work on: conversations kept as data, and runs of programs that not every machine has."""
