"""The page RULES.md: every rule of the offline Claude with its evidence and its test, made from the docstrings.

`python -m labkit.offline.rulebook` writes it; a test holds it to the code.
"""

import inspect
import re
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

PAGE = Path(__file__).parent / "RULES.md"
RULED = {
    "rules.body": "The body",
    "rules.parameters": "Headers and parameters",
    "rules.output": "Effort, format and length of the reply",
    "rules.beyond": "Not simulated",
    "rules.turns": "Turns and content",
    "rules.tools": "Tool calls and results",
    "rules.thinking": "The thinking parameter",
    "platform.thinking": "Thinking blocks",
    "billing.cache": "Prompt caching",
    "rules.betas": "Beta features",
    "platform.compaction": "Compaction blocks",
    "platform.threads": "Message threads",
    "platform.tool_changes": "Tools that come and go",
}
"""Modules with rules, and what their part of the page is called."""
BEHAVIOURS = (
    "stops",
    "events",
    "billing.tokens",
    "billing.cache",
    "billing.diagnostics",
    "platform.context_editing",
    "platform.compaction",
    "platform.thinking",
    "platform.threads",
    "platform.tool_changes",
    "faults",
    "endings",
    "catalog",
    "billing.usage",
    "words.structured",
    "words.memory",
)
"""Modules whose behaviour is not an error but has evidence too."""
LIMITS = (
    "Each row says on what it rests; a check against the live API is still to come.",
    "Replies are made from the request's words by fixed rules, without judgement. Effort changes how long the "
    "simulated thinking is, and that alone; live it changes the answer too.",
    "A model whose thinking is on thinks on every request, in a few sentences. Live it is left out, or many times "
    "as long as the answer.",
    "A request is refused for its form. Refusals of its words, pauses and cuts happen where a test asks for them.",
    "Limits a minute are said in headers and never enforced. Time passes where a test moves the clock.",
    "Token counts are estimates. The tokens of an output format, and those of the memory tool on Claude 4.7 and later, "
    "rest on few recordings or on the figure of another model.",
    "`service_tier`, `inference_geo` and `metadata` are taken and change nothing; `speed` changes the cache, not the "
    "price.",
    "The API words a wrong key in two ways; what decides was not found. Offline the beginning of the key does.",
    "A compaction block carries the summary, and not the tool changes that the messages before it made.",
    "Taken, because a source that says otherwise was not found: any `anthropic-version`, a slash at the end of a path, "
    "a `user_id` of any length. A compressed body is refused as text that is not UTF-8.",
    "Where a request has several faults, the one that is named is the first by the order of the rules; the API's order "
    "was seen for few pairs.",
)
"""Limits of the simulator, as far as the rows above leave them out."""
HEAD = """# What the offline Claude holds to

Every rule by which the offline Claude refuses a request, with the evidence for it and the test that shows it through
the real SDK: synchronous, asynchronous and streaming. "The words are not verified" marks an error whose wording was
not seen; that it is an error was. Made from the docstrings by `python -m labkit.offline.rulebook`.
"""


def page() -> str:
    """The page, as it should be."""
    parts = [HEAD]
    for name, title in RULED.items():
        module = import_module(f"labkit.offline.{name}")
        rows = "\n".join(_row(function) for function in rules_of(module))
        parts.append(f"## {title}\n\n| rule | evidence | test |\n| --- | --- | --- |\n{rows}\n")
    rows = "\n".join(_behaviour(name) for name in BEHAVIOURS)
    parts.append(f"## Behaviour\n\n| what | evidence | tests |\n| --- | --- | --- |\n{rows}\n")
    parts.append("## Limits\n\n" + "".join(f"- {limit}\n" for limit in LIMITS))
    return "\n".join(parts)


def rules_of(module: ModuleType) -> list[Callable[..., Any]]:
    """The rules that a module defines, in its order."""
    from labkit.offline.rule import REGISTRY

    return [function for function in REGISTRY if function.__module__ == module.__name__]


def evidence_of(thing: object) -> tuple[str, str]:
    """The text of a docstring, and the evidence it gives, each on one line."""
    words = re.sub(r"\s+", " ", inspect.getdoc(thing) or "").strip()
    said, _, evidence = words.partition("Evidence: ")
    found, _, more = evidence.partition(" Returns ")
    return (f"{said.strip()} Returns {more}" if more else said.strip()), found.strip()


def _row(function: Callable[..., Any]) -> str:
    said, evidence = evidence_of(function)
    return f"| {_cell(said)} | {_cell(evidence)} | `test_{function.__name__}` |"


def _behaviour(name: str) -> str:
    said, evidence = evidence_of(import_module(f"labkit.offline.{name}"))
    return f"| {_cell(said)} | {_cell(evidence)} | `tests/test_offline_{TESTS.get(name) or name.split('.')[-1]}.py` |"


TESTS = {
    "events": "api",
    "endings": "faults",
    "billing.tokens": "counting",
    "platform.context_editing": "edits",
    "words.memory": "replies_memory",
    "words.structured": "output",
}
"""Modules that are tested in the file of another."""


def _cell(words: str) -> str:
    return words.replace("|", "\\|")


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
