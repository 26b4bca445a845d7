"""Stop loops of tool calls at every round, in four ways, and go on: `python -m tests.measure.loop_stops --loops 300`.

A loop of random rounds is run by a manager with a small budget. At each of its rounds it is stopped by a key, left in
the middle of its stream, cancelled as an async task, or killed: its process ends, and another one loads what was saved.
Then it goes on. Says how many stops there were, and ends with status 1 where a request was refused, an answered result
was lost, a call was left open, or the loop did not come to its end.
"""

import argparse
import asyncio
import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from random import Random
from time import process_time
from typing import Any

from labkit import AsyncConversationManager, ConversationManager, OfflineClaude
from labkit.clients import async_claude
from labkit.manager import production
from labkit.offline import Reply
from labkit.repair import unpaired
from labkit.steps.keep_within import KeepWithin

BUDGET = 900
SAID = "page {0} of the book, read from shelf {1}. " * 12

type Rounds = tuple[int, ...]


class Stopped(BaseException):
    """The error of a stopped cell."""


def reading(rounds: Rounds) -> OfflineClaude:
    """A Claude that makes so many calls in each round; it counts by its newest call, which no cut leaves out."""

    def reply(request: Any) -> Reply:
        ids = [
            block["id"]
            for message in request["messages"]
            if isinstance(message["content"], list)
            for block in message["content"]
            if block["type"] == "tool_use"
        ]
        done = 1 + max((int(id.split("_")[1]) for id in ids), default=-1)
        if done >= len(rounds):
            return Reply([{"type": "text", "text": "All is read."}])
        calls = [
            {"type": "tool_use", "id": f"toolu_{done}_{at}", "name": "read", "input": {"page": f"{done}-{at}"}}
            for at in range(rounds[done])
        ]
        return Reply(calls, "tool_use")

    return OfflineClaude(reply=reply)


class Run:
    """A run that is stopped in one of its rounds: its Claude, its pages, and how many calls were answered before."""

    def __init__(self, rounds: Rounds, stop_at: str, folder: Path) -> None:
        """Take the rounds, the page at which it is stopped, and a folder to save in."""
        self.rounds, self.stop_at, self.folder = rounds, stop_at, folder
        self.offline, self.answered = reading(rounds), list[str]()
        self.manager: Any = production(BUDGET, client=self.offline.client(max_retries=0))

    def page(self, page: str) -> str:
        """The words of a page."""
        said = SAID.format(page, len(page))
        self.answered.append(said)
        return said

    def by_a_key(self) -> None:
        """Raise in the middle of a call."""

        def read(page: str) -> str:
            """Read a page."""
            if page == self.stop_at:
                raise Stopped
            return self.page(page)

        with suppress(Stopped):
            self.manager.run("Read all.", tools=[read], most_calls=999)

    def by_leaving(self) -> None:
        """Read the stream no further."""
        for piece in self.manager.run_stream("Read all.", tools=[self.reader()], most_calls=999):
            if getattr(piece, "input", {}).get("page") == self.stop_at:
                break

    def by_a_kill(self) -> None:
        """End the process in the middle of a call: what was saved before it is loaded by another one."""
        path = self.folder / "loop.json"

        def read(page: str) -> str:
            """Read a page."""
            if page == self.stop_at:
                self.manager.save(path)
                self.answered = [str(b["content"]) for m in self.manager.transcript for b in m.blocks if "content" in b]
                raise Stopped
            return self.page(page)

        try:
            self.manager.run("Read all.", tools=[read], most_calls=999)
        except Stopped:
            steps, client = self.manager.settings.steps, self.offline.client(max_retries=0)
            self.manager = ConversationManager.load(path, steps=steps, client=client)

    def by_cancelling(self) -> None:
        """Cancel the task while it waits for a call."""

        async def cancelled() -> None:
            client = async_claude(offline=self.offline, say=lambda words: None)
            self.manager = AsyncConversationManager(client=client, steps=(KeepWithin(BUDGET),))
            waits = asyncio.Event()

            async def read(page: str) -> str:
                """Read a page."""
                if page == self.stop_at:
                    waits.set()
                    await asyncio.Event().wait()
                return self.page(page)

            task = asyncio.ensure_future(self.manager.run("Read all.", tools=[read], most_calls=999))
            await waits.wait()
            await asyncio.sleep(0)
            task.cancel()
            await asyncio.wait([task])

        asyncio.run(cancelled())

    def reader(self) -> Callable[[str], str]:
        """A tool that is never stopped."""

        def read(page: str) -> str:
            """Read a page."""
            return self.page(page)

        return read

    def gone_on(self) -> list[str]:
        """Everything that goes wrong when the run goes on, and with what it came to."""
        before = list(self.answered)
        again = self.manager.run(tools=[self.reader()], most_calls=999)
        end = asyncio.run(again) if asyncio.iscoroutine(again) else again
        said = [str(block.get("content")) for message in self.manager.transcript for block in message.blocks]
        wrong = [] if end.text == "All is read." else [f"ended with {end.text!r}"]
        wrong += [f"lost the result {words[:20]!r}" for words in before if words not in said]
        wrong += [f"left {call} open" for call in unpaired(self.manager.transcript)]
        refused = [exchange.status for exchange in self.offline.requests if exchange.status != 200]
        return wrong + [f"status {status}" for status in refused]


WAYS: dict[str, Callable[[Run], None]] = {
    "a key": Run.by_a_key,
    "leaving": Run.by_leaving,
    "a kill": Run.by_a_kill,
    "cancelling": Run.by_cancelling,
}


def stops(seed: int, folder: Path) -> tuple[int, list[str]]:
    """The times that the loop of a number was stopped, and everything that went wrong."""
    random = Random(seed)
    rounds = tuple(random.choice((1, 1, 2, 4)) for _ in range(random.choice((1, 3, 6, 12))))
    count, wrong = 0, list[str]()
    for place, calls in enumerate(rounds):
        for name, way in WAYS.items():
            run = Run(rounds, f"{place}-{random.randrange(calls)}", folder)
            way(run)
            count += 1
            wrong += [f"loop {seed}, round {place} of {len(rounds)}, {name}: {words}" for words in run.gone_on()]
    return count, wrong


def main(arguments: Sequence[str] | None = None) -> int:
    """Stop the loops and return the exit code."""
    parser = argparse.ArgumentParser(description=str(__doc__).split("\n")[0])
    parser.add_argument("--loops", type=int, default=300, help="how many loops")
    asked = parser.parse_args(arguments)
    count, wrong, begun = 0, list[str](), process_time()
    with tempfile.TemporaryDirectory() as folder:
        for seed in range(asked.loops):
            stopped, found = stops(seed, Path(folder))
            count, wrong = count + stopped, wrong + found
    print(*wrong[:20], sep="\n")
    minutes = (process_time() - begun) / 60
    print(f"{asked.loops:,} loops stopped {count:,} times: {len(wrong):,} complaints, {minutes:.1f} minutes")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
