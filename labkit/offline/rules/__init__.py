"""Refuse a request that the API would refuse, one function per rule."""
