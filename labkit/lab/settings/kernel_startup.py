"""Every kernel of the lab and of a test run starts here and leaves out a slow import (see labkit/lab/__init__.py)."""

__import__("sys").modules.setdefault("rfc3987_syntax", None)
