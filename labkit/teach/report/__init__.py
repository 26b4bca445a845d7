"""The class report for instructors: what a class handed in, read, executed again and counted."""
