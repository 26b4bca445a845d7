"""What a learner sees, a folder for each part (the map is in CONTRIBUTING.md). The core never imports this package."""
