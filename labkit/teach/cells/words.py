"""Numbers, lists and long texts as they stand in a sentence."""

from collections.abc import Sequence


def counted(number: int, noun: str) -> str:
    """A number with its noun, such as "1 message" and "1,200 messages"."""
    return f"{number:,} {noun}{'s' * (number != 1)}"


def cut(text: str, most: int) -> str:
    """A text of at most `most` characters, with three dots where it was longer."""
    return text if len(text) <= most else f"{text[: most - 3]}..."


def listed(items: Sequence[str]) -> str:
    """Texts one after another, such as "a", "a and b" and "a, b and c"; nothing for none."""
    return f"{', '.join(items[:-1])} and {items[-1]}" if len(items) > 1 else "".join(items)
