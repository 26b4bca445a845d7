"""The teaching part of labkit: everything that a learner sees."""
