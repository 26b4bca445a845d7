"""A long conversation on the preset for production: the prompt cache survives most turns, and the bill stays small.

Tokens are those of the offline Claude, estimates; the prices of cached input against plain input are Anthropic's
(Anthropic docs, Prompt caching, read August 2026): 1.25 times for writing, 0.1 times for reading.
"""

from dataclasses import dataclass
from random import Random
from statistics import mean
from typing import Any

import pytest

from labkit import ConversationManager, KeepRecent, OfflineClaude
from labkit.manager import production
from labkit.offline import Reply
from labkit.tokens import Usage, estimator

BUDGET = 20_000
WRITTEN, READ = 1.25, 0.1
SENTENCE = "the delivery to the harbour was late again and nobody called about order number"
WORDS = SENTENCE.split()
SYSTEM = "You look after deliveries. " + " ".join(WORDS * 100)


def said(random: Random, tokens: int) -> str:
    """Words for about so many tokens, half as many or half as many again."""
    return " ".join(random.choice(WORDS) for _ in range(random.randint(tokens // 2, tokens * 3 // 2)))


def chat(**settings: Any) -> ConversationManager:
    """The production preset with the budget of a chat."""
    return production(BUDGET, **settings)


@dataclass
class Run:
    """A long conversation with a simulated Claude and what each of its turns was billed."""

    bills: list[Usage]

    def first(self, turns: int) -> "Run":
        """The same conversation, left after so many turns."""
        return Run(self.bills[:turns])

    @property
    def rewrites(self) -> int:
        """Turns on which most of the input could not be read from the cache: no more than the system prompt was."""
        return sum(bill.cache_read_input_tokens < bill.total_input / 2 for bill in self.bills[1:])

    @property
    def cost(self) -> float:
        """Input tokens a turn, those written to the cache and read from it at their price against plain ones."""
        plain = sum(bill.input_tokens for bill in self.bills)
        written = sum(bill.cache_creation_input_tokens for bill in self.bills)
        read = sum(bill.cache_read_input_tokens for bill in self.bills)
        return (plain + WRITTEN * written + READ * read) / len(self.bills)


def run(turns: int, question: int = 150, reply: int = 350, pins: int = 0, **settings: Any) -> Run:
    """Talk for so many turns, 20 seconds apart, with questions and replies of about so many tokens each.

    With `pins`, one question in so many is pinned.
    """
    random = Random(20_000)
    offline = OfflineClaude(reply=lambda request: Reply([{"type": "text", "text": said(random, reply)}]), log_limit=1)
    manager: ConversationManager = settings.pop("preset", chat)(
        system_prompt=SYSTEM, client=offline.client(max_retries=0), **settings
    )
    bills = list[Usage]()
    for turn in range(turns):
        manager.send(said(random, question))
        if pins and turn % pins == 0:
            manager.mark(2 * turn, pinned=True)
        bills.append(manager.conversation.last)
        offline.clock.advance(20)
    return Run(bills)


@pytest.fixture(scope="module")
def done() -> Run:
    """A long conversation on the production preset."""
    return run(2_000)


def test_2000_turns_on_the_production_preset_read_the_cache(done: Run) -> None:
    """At most 150 turns rewrite the prefix, and a turn costs at most 3,600 token-equivalents, at a budget of 20,000."""
    assert done.rewrites <= 150, done.rewrites
    assert done.cost <= 3_600, done.cost
    assert mean(bill.total_input for bill in done.bills) > BUDGET / 2
    assert max(bill.total_input for bill in done.bills) <= BUDGET * 1.25


def test_a_window_without_a_low_mark_pays_for_every_turn(done: Run) -> None:
    """The same conversation, cut to just its budget whenever it is full: most turns rewrite, at several times the
    cost.
    """

    def sliding(**settings: Any) -> ConversationManager:
        return ConversationManager(steps=[KeepRecent(BUDGET, size=estimator())], cache=True, **settings)

    slid, plain = run(300, preset=sliding), done.first(300)
    assert slid.rewrites > 4 * plain.rewrites
    assert slid.cost > 3 * plain.cost


def test_pins_do_not_cost_the_cache(done: Run) -> None:
    """With a pinned question on every 40th turn the window still moves rarely: a pin leaves its line where it was."""
    plain, pinned = done.first(400), run(400, pins=40)
    assert pinned.rewrites <= 1.5 * plain.rewrites
    assert pinned.cost <= 1.2 * plain.cost


def test_every_turn_is_billed_whole() -> None:
    """Read, written and plain tokens add up to the input, turn by turn, and the manager's sum is the sum of them."""
    short = run(60, question=300, reply=700)
    assert all(bill.cache_read_input_tokens + bill.cache_creation_input_tokens > 0 for bill in short.bills)
    assert short.rewrites >= 1
    assert [bill.requests for bill in short.bills] == [1] * 60
