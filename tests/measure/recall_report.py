"""Count the questions that the recall answers and refuses.

`python tests/measure/recall_report.py [dev|dev_2|heldout] [--misses] [--store]` prints the table.
"""

import sys
import tomllib
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from labkit.offline.words.reply import reply

DATA = Path(__file__).parents[1] / "data"
STORED = DATA / "recall_replies.txt"
SETS = ("dev", "dev_2", "heldout")
NOT_HERE = "I don't have that in this conversation."
Turns = list[dict[str, Any]]


@cache
def read(name: str) -> dict[str, Any]:
    """Return a set of facts and absent questions by its name: dev, dev_2 or heldout."""
    return tomllib.loads((DATA / f"recall_{name}.toml").read_text(encoding="utf-8"))


def said(fact: Mapping[str, Any], number: int) -> tuple[str, Turns]:
    """Return what states a fact: a line for the system prompt, and messages."""
    by, system, turns = fact.get("by", "user"), "", []
    for line in fact["say"]:
        if by == "system":
            system = line
        elif by == "tool":
            use = {"type": "tool_use", "id": f"toolu_{number}", "name": "lookup", "input": {}}
            result = {"type": "tool_result", "tool_use_id": f"toolu_{number}", "content": line}
            turns += [{"role": "user", "content": "Please look it up."}, {"role": "assistant", "content": [use]}]
            turns += [{"role": "user", "content": [result]}, {"role": "assistant", "content": "Done."}]
        elif by == "assistant":
            turns += [{"role": "user", "content": "And then?"}, {"role": "assistant", "content": line}]
        else:
            turns += [{"role": "user", "content": line}, {"role": "assistant", "content": "Noted."}]
    return system, turns


def filler(count: int, start: int = 0) -> Turns:
    """Return `count` exchanges of small talk."""
    pairs = read("filler")["turns"]
    chosen = [pairs[(start + i) % len(pairs)] for i in range(count)]
    return [
        {"role": role, "content": text}
        for pair in chosen
        for role, text in zip(("user", "assistant"), pair, strict=True)
    ]


def ask(facts: Sequence[Mapping[str, Any]], question: str, turns_between: int = 1) -> str:
    """Return the reply to a question after these facts, with small talk between them."""
    system, messages = [], filler(turns_between)
    for number, fact in enumerate(facts):
        line, turns = said(fact, number)
        system += [line] if line else []
        messages += [*turns, *filler(turns_between, number)]
    messages.append({"role": "user", "content": question})
    return str(reply({"messages": messages, "system": " ".join(system)}).content[0]["text"])


def answered(fact: Mapping[str, Any], text: str) -> bool:
    """Check a reply against what counts as answered."""
    return any(expected.lower() in text.lower() for expected in fact["expect"])


@cache
def replies(name: str) -> list[tuple[str, str, str, bool]]:
    """Each line of the table, question and reply of a set, and whether the reply is as it should be."""
    data = read(name)
    facts, absent, found = data["fact"], data["absent"], []
    for number, fact in enumerate(facts):
        question = fact["ask"]
        others = [other for other in facts if other is not fact]
        said_to = {
            "a": ask([fact], question, 1 + number * 7 % 40),
            "b": ask(facts, question),
            "c": ask(others, question),
            "c2": ask([], question, 20),
        }
        for line, text in said_to.items():
            found.append((line, question, text, answered(fact, text) if line in "ab" else NOT_HERE in text))
    for missing in absent:
        text = ask(facts, missing["ask"])
        found.append(("d", missing["ask"], text, NOT_HERE in text))
    return found


def measure(name: str, misses: bool = False) -> dict[str, tuple[int, int]]:
    """Return for each line of the table how many succeeded, of how many."""
    found = replies(name)
    if misses:
        print("\n".join(sorted(f"{line:2} {question}  ->  {text}" for line, question, text, good in found if not good)))
    all_of = Counter(line for line, *_ in found)
    good_of = Counter(line for line, _, _, good in found if good)
    return {line: (good_of[line], total) for line, total in all_of.items()}


def answers(name: str) -> list[str]:
    """Every reply of a set that says more than that the fact is not there, with its lines, as it is stored."""
    lines = defaultdict[tuple[str, str], list[str]](list)
    for line, question, text, _ in replies(name):
        if NOT_HERE not in text:
            lines[question, text].append(line)
    return [f"{name} {' '.join(of)}: {question}  ->  {text}" for (question, text), of in lines.items()]


LINES = {
    "a": "answered, one fact and 1 to 40 turns of small talk",
    "b": "answered, all facts in one conversation",
    "c": "refused once the fact is pruned, all others kept",
    "c2": "refused once all facts are pruned, small talk kept",
    "d": "absent questions refused, all facts kept",
}


def main() -> None:
    """Print the table of the sets named on the command line (of all without a name)."""
    if "--store" in sys.argv:
        STORED.write_text("\n".join(line for name in SETS for line in answers(name)) + "\n", "utf-8")
    names = [name for name in sys.argv[1:] if not name.startswith("-")] or list(SETS)
    for name in names:
        print(f"set {name}:")
        for line, (count, total) in measure(name, "--misses" in sys.argv).items():
            print(f"  {line:2}  {count:3}/{total:3}  {count / total:4.0%}  {LINES[line]}")


if __name__ == "__main__":
    main()
