"""Measure how many later questions each strategy leaves answerable."""
