"""A chart with controls that a learner moves, in the kernel and in the browser."""
