"""Send random loops of tool calls through steps to the offline Claude: `python -m tests.measure.loop_run`.

Each loop has 0 to 300 rounds, with parallel calls, errors, images, thinking, words of the user in between, pins and
closed exchanges before it. It goes through one step of labkit or a composition of some, and up to five of its requests
are sent: the last, those right after a cut, and others by chance. Says how many ran and how many were refused, and ends
with status 1 where one was, or where something that must stay was lost.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise
from random import Random
from time import process_time

from labkit.steps.keep_within import KeepWithin
from labkit.steps.tool_results import ClipToolResults
from labkit.strategies import Step, StepError
from labkit.summarization import SummaryFailed
from tests.conversations import Case
from tests.loops import Loop, Sent, loop, run
from tests.promises import STEPS, answer, unsafe

LENGTHS = ((8, 70), (25, 25), (80, 4), (300, 1))
"""The most rounds of a loop, and how many loops of a hundred have up to so many: long ones take most of the time."""

LONG = 25
"""Above so many rounds only the steps for loops are run: others compare every message with every other one."""

SENT = 5


def drawn(seed: int, longest: int = 300) -> tuple[Loop, tuple[Step, ...], list[str]]:
    """The loop of a number, of at most so many rounds, the steps that it goes through, and their names."""
    random = Random(seed)
    (most,) = random.choices([most for most, _ in LENGTHS], [share for _, share in LENGTHS])
    told = loop(seed, min(most, longest), thinks=random.random() < 0.35)
    if most > LONG or random.random() < 0.4:
        high = random.choice((200, 600, 2_000, 8_000))
        return told, (ClipToolResults(random.choice((200, 2_000, 8_000))), KeepWithin(high)), ["production"]
    names = random.choices(list(STEPS), k=random.choice((1, 1, 2, 3)))
    return told, tuple(STEPS[name](random.randrange(10_000)) for name in names), names


def chosen(sent: Sequence[Sent], random: Random) -> Iterator[Sent]:
    """The requests of a run that are sent: the last, the newest after a cut, and some by chance."""
    cuts = [new for old, new in pairwise(sent) if not old.view.begins(new.view[: len(old.view)])]
    picked = {id(one): one for one in (*sent[-1:], *cuts[-3:], *random.sample(sent, min(len(sent), SENT)))}
    yield from list(picked.values())[:SENT]


def wrong(seed: int, count: Counter[str], longest: int = 300) -> list[str]:
    """Everything that goes wrong with the loop of a number, of at most so many rounds."""
    told, steps, names = drawn(seed, longest)
    case = Case(told.history, told.model)
    try:
        sent = list(run(told, steps))
    except SummaryFailed:
        return []
    except StepError as error:
        return [f"loop {seed}, {', '.join(names)}: {error}"]
    count["rounds"] += len(sent)
    found = []
    for one in chosen(sent, Random(seed)):
        count["requests"] += 1
        refused = answer(case, one.view)
        count["refused"] += bool(refused)
        lost = unsafe(one.view, one.past)
        found += [
            f"loop {seed}, {', '.join(names)}, {len(one.past)} messages: {words}" for words in (refused, *lost) if words
        ]
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the loops and return the exit code."""
    parser = argparse.ArgumentParser(description=str(__doc__).split("\n")[0])
    parser.add_argument("--loops", type=int, default=10_000, help="how many loops")
    parser.add_argument("--first", type=int, default=0, help="the number of the first loop")
    parser.add_argument("--longest", type=int, default=300, help="the most rounds of a loop")
    parser.add_argument("--minutes", type=float, default=15, help="processor time after which no other loop is begun")
    asked = parser.parse_args(arguments)
    count, found, begun = Counter[str](), list[str](), process_time()
    for seed in range(asked.first, asked.first + asked.loops):
        if process_time() - begun > 60 * asked.minutes:
            break
        found += wrong(seed, count, asked.longest)
        count["loops"] += 1
    print(*found[:20], sep="\n")
    print(
        f"{count['loops']:,} loops with {count['rounds']:,} requests, of which {count['requests']:,} were sent: "
        f"{count['refused']:,} refused, {len(found):,} complaints, {(process_time() - begun) / 60:.1f} minutes"
    )
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
