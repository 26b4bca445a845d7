"""The material of the notebooks: conversations kept as data, and runs of programs that not every machine has."""
