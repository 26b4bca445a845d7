"""Knowledge checks and predictions: the questions as TOML, a file a notebook; how they are asked and graded."""
