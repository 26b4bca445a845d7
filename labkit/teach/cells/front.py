"""JavaScript and CSS that all widgets share: how elements are made, and how they look and take keys."""

from pathlib import Path


def front(module: str) -> tuple[str, str]:
    """Script and style sheet of the widget in this module (its `__file__`): what all widgets share, then its own, which
    stand beside it as .js and .css.
    """
    return _joined(module, ".js"), _joined(module, ".css")


def _joined(module: str, ending: str) -> str:
    return "".join(Path(file).with_suffix(ending).read_text(encoding="utf-8") for file in (__file__, module))
