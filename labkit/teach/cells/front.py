"""What the browser's half of every widget begins with: how elements are made, and how they look and take keys."""

from pathlib import Path

HERE = Path(__file__).parent


def front(module: str) -> tuple[str, str]:
    """Script and style sheet of the widget in this module (its `__file__`): what all widgets share, then its own, which
    stand beside it as .js and .css.
    """
    return _joined(Path(module), ".js"), _joined(Path(module), ".css")


def _joined(module: Path, ending: str) -> str:
    shared, own = (HERE / "front.py").with_suffix(ending), module.with_suffix(ending)
    return shared.read_text(encoding="utf-8") + own.read_text(encoding="utf-8")
