"""The exercises themselves, one module a notebook; each offers `EXERCISES`.

The functions beside a reference solution are its known mistakes: the name says what went wrong, the docstring
is what a learner who made it is told.
"""
