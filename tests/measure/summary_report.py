"""Count the facts that a summary keeps: `python tests/measure/summary_report.py [dev|heldout] [--lost]`."""

import sys
from collections.abc import Iterator

from recall_report import answered, read, said

from labkit.offline.words.reply import reply

PLANTED, MESSAGES = 11, 110
RATIOS = (5, 10, 20)


def conversations(name: str) -> Iterator[tuple[list[dict], list[dict]]]:
    """Yield conversations of about 110 messages, each with its 11 planted facts (those of a system prompt left out)."""
    facts = [fact for fact in read(name)["fact"] if fact.get("by", "user") != "system"]
    talk = read("filler")["summary"][name]
    for start in range(0, len(facts) - PLANTED + 1, PLANTED):
        planted = facts[start : start + PLANTED]
        messages, place = [], start
        between = (MESSAGES // 2 - PLANTED) // PLANTED
        for number, fact in enumerate(planted):
            messages += said(fact, number)[1]
            for _ in range(between):
                user, assistant = talk[place % len(talk)]
                messages += [{"role": "user", "content": user}, {"role": "assistant", "content": assistant}]
                place += 1
        yield messages, planted


def transcript(messages: list[dict]) -> str:
    """Write messages as the lines that a summarizer is shown."""
    return "\n".join(f"{message['role']}: {message['content']}" for message in messages)


def measure(name: str, ratio: int, lost: bool = False) -> tuple[int, int, int]:
    """Return how many planted facts were kept, of how many, and how many greetings were kept."""
    kept = total = greeted = 0
    for messages, planted in conversations(name):
        text = transcript(messages)
        limit = len(text.split()) // ratio
        prompt = f"Summarize this conversation in at most {limit} words. Skip greetings and filler.\n\n{text}"
        summary = str(reply({"messages": [{"role": "user", "content": prompt}]}).content[0]["text"])
        missing = [fact for fact in planted if not answered(fact, summary)]
        kept, total = kept + len(planted) - len(missing), total + len(planted)
        greeted += sum(greeting in summary for greeting in read("filler")["summary"]["greetings"])
        if lost:
            print(summary, *(f"LOST {fact['say']}" for fact in missing), sep="\n")
    return kept, total, greeted


def main() -> None:
    """Print the table of the sets named on the command line (both without a name)."""
    for name in [name for name in sys.argv[1:] if not name.startswith("-")] or ["dev", "heldout"]:
        for ratio in RATIOS:
            kept, total, greeted = measure(name, ratio, "--lost" in sys.argv and ratio == 10)
            print(f"{name:8} {ratio:2}:1  kept {kept:3}/{total:3} = {kept / total:4.0%}  greetings kept {greeted}")


if __name__ == "__main__":
    main()
