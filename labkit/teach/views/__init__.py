"""Views, a module or more a notebook: pure functions from settings to a chart, and tables of measured things.

A new view is a few lines: count, put the counts into Series by part, say the result in a sentence computed from the
numbers drawn.
"""
