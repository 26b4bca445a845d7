"""Random conversations that try to break a learner's manager, and the laws that hold for each; used by notebook 06."""
