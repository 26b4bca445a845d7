"""The offline Claude: the far side of the wire, reached through the real SDK's own transport.

It answers what the Messages API would answer (the same fields, errors, stop reasons and bills), from nothing
but the request it is sent. Its words are simulated and its token counts are estimates. This package shares no
code with the rest of labkit; both sides read labkit/facts.toml and nothing else.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from labkit.offline.faults import Fault as Fault
    from labkit.offline.transport import OfflineClaude as OfflineClaude
    from labkit.offline.words.reply import Reply as Reply

_HOMES = {"OfflineClaude": "transport", "Fault": "faults", "Reply": "words.reply"}
__all__ = ["Fault", "OfflineClaude", "Reply"]


def __getattr__(name: str) -> Any:
    """Load a public name when it is first used, so that importing the package costs nothing."""
    from importlib import import_module

    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}: it offers {', '.join(__all__)}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
