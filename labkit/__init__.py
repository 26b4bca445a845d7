"""labkit: the small package of the conversation workbook.

A conversation is a value, a strategy is a function from history to history, and a manager is a thin shell around both.
Names are loaded when first used, so that `import labkit` is quick and loads neither the SDK nor a plotting library.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from labkit import moved

if TYPE_CHECKING:
    from labkit.budgets import TokenBudget
    from labkit.clients import async_claude, claude
    from labkit.conversation import Conversation
    from labkit.manager import (
        AsyncConversationManager,
        ConversationManager,
        SlidingWindowManager,
        SmartConversationManager,
    )
    from labkit.messages import History, Message, assistant, exchanges, user
    from labkit.offline import OfflineClaude
    from labkit.redaction import redacted
    from labkit.strategies import KeepRecent, apply, explain, full_history
    from labkit.tokens import estimate_tokens

_HOMES = {
    "budgets": ("TokenBudget",),
    "clients": ("async_claude", "claude"),
    "conversation": ("Conversation",),
    "manager": ("AsyncConversationManager", "ConversationManager", "SlidingWindowManager", "SmartConversationManager"),
    "messages": ("History", "Message", "assistant", "exchanges", "user"),
    "offline": ("OfflineClaude",),
    "redaction": ("redacted",),
    "strategies": ("KeepRecent", "apply", "explain", "full_history"),
    "tokens": ("estimate_tokens",),
}

__all__ = [
    "AsyncConversationManager",
    "Conversation",
    "ConversationManager",
    "History",
    "KeepRecent",
    "Message",
    "OfflineClaude",
    "SlidingWindowManager",
    "SmartConversationManager",
    "TokenBudget",
    "apply",
    "assistant",
    "async_claude",
    "claude",
    "estimate_tokens",
    "exchanges",
    "explain",
    "full_history",
    "redacted",
    "user",
]


def __getattr__(name: str) -> Any:
    """Load a public name from its module when it is first used; AttributeError for a name that labkit does not have."""
    for module, names in _HOMES.items():
        if name in names:
            value = globals()[name] = getattr(import_module(f"labkit.{module}"), name)
            return value
    raise AttributeError(f"module 'labkit' has no attribute {name!r}; it has {', '.join(__all__)}")


def __dir__() -> list[str]:
    """The public names, for completion."""
    return __all__


moved.install()
