"""The work of a learner, recorded in a file of their own."""
