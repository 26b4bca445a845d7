"""The work of a learner, recorded in the learner's file."""
