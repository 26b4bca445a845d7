"""Simulate what the platform does by itself: context editing, compaction, thinking, message threads."""
