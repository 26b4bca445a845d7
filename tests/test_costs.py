"""Costs are the table's prices times the tokens, computed by hand here; a plan foretells what is billed afterwards."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labkit import ConversationManager, History, KeepRecent, OfflineClaude, assistant, claude, user
from labkit.costs import (
    BOTH,
    CACHING,
    SUMMARY_ASK,
    Cost,
    Plan,
    Strategy,
    at_most,
    billed,
    cost,
    log_cost,
    planned,
    thinking_cost,
    total_cost,
)
from labkit.models import DEFAULT_MODEL, find, known
from labkit.tokens import Usage

BILLS = [
    ("claude-sonnet-4-6", Usage(1_000, 500, 0, 0, 1), False, 1_000 * 3e-6 + 500 * 15e-6),
    (
        "claude-sonnet-4-6",
        Usage(200, 300, 1_000, 9_000, 1),
        False,
        200 * 3e-6 + 1_000 * 3.75e-6 + 9_000 * 0.3e-6 + 300 * 15e-6,
    ),
    ("claude-sonnet-5-5", Usage(0, 10, 2_000, 0, 1), True, 2_000 * 4e-6 + 10 * 10e-6),
    ("claude-haiku-5-5", Usage(100_000, 0, 0, 0, 1), False, 100_000 * 0.1e-6),
    ("claude-haiku-5-5", Usage(100_001, 10, 0, 0, 1), False, 100_001 * 0.5e-6 + 10 * 2.5e-6),
]


@pytest.mark.parametrize(("model", "usage", "hour", "dollars"), BILLS)
def test_bills_computed_by_hand(model: str, usage: Usage, hour: bool, dollars: float) -> None:
    """Plain, cached, hour-long and long-prompt requests."""
    assert cost(usage, model, hour).dollars == pytest.approx(dollars)


@given(st.lists(st.builds(Usage, *[st.integers(0, 50_000)] * 4), max_size=5))
def test_a_conversation_costs_what_its_requests_cost(usages: list[Usage]) -> None:
    """The parts add up, in any grouping."""
    whole = total_cost(usages)
    assert whole.dollars == pytest.approx(sum(cost(usage).dollars for usage in usages))
    assert total_cost([]) == Cost()


def test_reading_the_cache_is_cheaper_than_reading_afresh_on_every_model() -> None:
    """A read price applies where it is known."""
    fresh, cached = Usage(input_tokens=10_000), Usage(cache_read_input_tokens=10_000)
    rows = [row for row in known().values() if row.prices.cache_read is not None]
    assert len(rows) > 10
    assert all(cost(cached, row).dollars <= 0.1 * cost(fresh, row).dollars + 1e-12 for row in rows)


def test_a_price_that_was_not_found_is_not_invented() -> None:
    """The error names the model and the date of the table."""
    row = find(DEFAULT_MODEL)
    unpriced = replace(row, prices=replace(row.prices, cache_read=None))
    with pytest.raises(ValueError, match=f"cache reads of {DEFAULT_MODEL}.*{row.as_of}"):
        cost(Usage(cache_read_input_tokens=1), unpriced)


@given(st.integers(0, 200_000), st.integers(0, 8_000), st.integers(0, 8_000), st.integers(0, 10))
def test_a_plan_is_never_less_than_the_bill(size: int, most: int, written: int, tenths: int) -> None:
    """However the cache splits the input, and however short the reply is."""
    read = size * tenths // 10
    usages = Usage(size, min(most, written)), Usage(0, min(most, written), size - read, read)
    for model in known():
        assert all(cost(usage, model).dollars <= at_most(size, most, model).dollars + 1e-12 for usage in usages)
        assert at_most(size, most, model) == cost(Usage(0, most, size, 0, 1), model)


COMPACTED = {
    "input_tokens": 300,
    "output_tokens": 40,
    "iterations": [
        {"type": "compaction", "input_tokens": 5_000, "output_tokens": 200, "cache_read_input_tokens": 1_000},
        {"type": "message", "input_tokens": 300, "output_tokens": 40, "cache_read_input_tokens": None},
    ],
}


def test_a_compaction_is_billed_by_its_iterations() -> None:
    """The pass that summarized is the only one there; without iterations the usage itself is the bill."""
    assert billed(COMPACTED) == [Usage(5_000, 200, 0, 1_000, 1), Usage(300, 40, 0, 0, 1)]
    assert billed({"input_tokens": 7, "output_tokens": 3}) == [Usage(7, 3, 0, 0, 1)]


def test_the_cost_of_a_log_counts_everything_that_was_billed() -> None:
    """Requests of two models, a compaction, a count that is free and a refusal."""
    log = []
    client = claude(log=log)
    asked = {"max_tokens": 100, "messages": [{"role": "user", "content": "What is a list in Python?"}]}
    plain = client.messages.create(model="claude-opus-5", **asked)
    client.messages.count_tokens(model="claude-opus-5", messages=asked["messages"])
    made = client.beta.messages.create(
        model=DEFAULT_MODEL, **asked, compaction={"type": "summarize"}, betas=["compact-2026-09-04"]
    )
    with pytest.raises(Exception, match="not_found"):
        client.messages.create(model="claude-2", **asked)
    (once,) = made.usage.iterations
    by_hand = plain.usage.input_tokens * 5e-6 + plain.usage.output_tokens * 25e-6
    by_hand += once.input_tokens * 3e-6 + once.output_tokens * 15e-6
    assert once.input_tokens > 0
    assert made.usage.input_tokens == 0
    assert log_cost(log).dollars == pytest.approx(by_hand)
    assert log_cost([]) == Cost()


PLAN = Plan(turns=50, system=2_000, message=150, reply=350)


def dollars_of_input(strategy: Strategy, caching: str, model: str = DEFAULT_MODEL, plan: Plan = PLAN) -> float:
    """The cost of a plan's input, without the replies."""
    usages = [usage for turn in planned(plan, strategy, caching, model) for usage in turn]
    return total_cost([replace(usage, output_tokens=0) for usage in usages], model).dollars


def test_three_plans_computed_by_hand() -> None:
    """Fifty turns: sent whole, sent whole through the cache, and the newest five turns with a window that slides."""
    assert dollars_of_input(Strategy(), "none") == pytest.approx(sum(2_150 + 500 * n for n in range(50)) * 3e-6)
    written, read = 2_150 + 49 * 500, sum(2_150 + 500 * n for n in range(49))
    assert dollars_of_input(Strategy(), "automatic") == pytest.approx(written * 3.75e-6 + read * 0.3e-6)
    growing, sliding = (2_150 + 4 * 500) * 3.75e-6 + sum(2_150 + 500 * n for n in range(4)) * 0.3e-6, 45 * 4_150
    assert dollars_of_input(Strategy(5), "automatic") == pytest.approx(growing + sliding * 3.75e-6)


def test_a_breakpoint_behind_the_system_prompt_is_read_from_the_second_turn_on() -> None:
    """The system prompt is read from the cache whatever the window does after it; one below the model's minimum is not
    cached.
    """
    turns = [usage for (usage,) in planned(PLAN, Strategy(5), "system prompt")]
    assert turns[0] == Usage(150, 350, 2_000, 0, 1)
    assert turns[30] == Usage(4 * 500 + 150, 350, 0, 2_000, 1)
    short = [usage for (usage,) in planned(replace(PLAN, system=500), Strategy(5), "system prompt")]
    assert short[30] == Usage(500 + 4 * 500 + 150, 350, 0, 0, 1)


STRATEGIES = st.one_of(
    st.just(Strategy()),
    st.tuples(st.integers(1, 30), st.integers(1, 30), st.sampled_from([0, 300])).map(
        lambda marks: Strategy(max(marks[:2]), min(marks[:2]), marks[2])
    ),
)
PLANS = st.builds(
    Plan,
    turns=st.integers(1, 60),
    system=st.integers(0, 5_000),
    message=st.integers(1, 900),
    reply=st.integers(0, 900),
    thinking=st.integers(0, 900),
)


@given(PLANS, STRATEGIES, st.sampled_from(sorted(known())))
def test_caching_changes_the_price_and_never_the_tokens(plan: Plan, strategy: Strategy, model: str) -> None:
    """The three fields come to the same total with and without caching; plain input is all there is without."""
    plain, *cached = (planned(plan, strategy, caching, model) for caching in CACHING)
    for bills in cached:
        assert [[u.total_input for u in turn] for turn in bills] == [[u.total_input for u in turn] for turn in plain]
    assert all(u.total_input == u.input_tokens for turn in plain for u in turn)
    assert all(len(turn) in ((1, 2) if strategy.summary else (1,)) for turn in plain)


@given(st.integers(1, 40), st.integers(1, 40), st.integers(1, 300))
def test_a_planned_window_begins_where_the_step_begins(one: int, other: int, turns: int) -> None:
    """`Strategy` foretells `KeepRecent`, by turns instead of messages."""
    high, low = max(one, other), min(one, other)
    said = [message for turn in range(1, turns) for message in (user(f"{turn}"), assistant("Yes."))]
    view = KeepRecent(high, low, size=lambda message: message.role == "user")(History([*said, user(f"{turns}")]))
    assert view[0].text == str(Strategy(high, low).first(turns))


def test_a_summary_is_written_after_each_cut_and_travels_from_then_on() -> None:
    """The call reads what was cut and the summary before it; the requests carry the new one."""
    bills = planned(Plan(turns=12, system=100, message=10, reply=20), Strategy(4, 2, summary=50))
    assert [turn for turn, usages in enumerate(bills, 1) if len(usages) == 2] == [5, 7, 9, 11]
    assert bills[4] == [Usage(2 * 30 + SUMMARY_ASK, 50, 0, 0, 1), Usage(100 + 50 + 2 * 30 + 10, 20, 0, 0, 1)]
    assert bills[6][0] == Usage(2 * 30 + 50 + SUMMARY_ASK, 50, 0, 0, 1)


@pytest.mark.parametrize("caching", [False, True])
@pytest.mark.parametrize("marks", [None, (6, None), (12, 4)])
def test_a_plan_foretells_the_bill(caching: bool, marks: tuple[int, int | None] | None) -> None:
    """Thirty turns of even size, sent to the offline Claude: the planned dollars are within 3 percent of the billed."""
    even = "What about the tide at the harbour of Bergen today, and the wind there? "
    offline, log = OfflineClaude(reply=even * 8, windows={DEFAULT_MODEL: 20_000}), []
    steps = [KeepRecent(2 * marks[0], None if marks[1] is None else 2 * marks[1])] if marks else []
    manager = ConversationManager(even * 40, client=claude(offline=offline, log=log), steps=steps, cache=caching)
    for turn in range(10, 40):
        manager.send(f"{turn}. {even * 4}")
    first, second = log[0].usage, log[1].usage
    message = second.total_input - first.total_input - first.output_tokens
    plan = Plan(turns=30, system=first.total_input - message, message=message, reply=first.output_tokens)
    strategy, way = (Strategy(*marks), BOTH) if marks else (Strategy(), "automatic")
    row = replace(find(DEFAULT_MODEL), cache_minimum=20)  # scaled with the classroom window, 1 : 50
    bills = [usage for turn in planned(plan, strategy, way if caching else "none", row) for usage in turn]
    assert total_cost(bills).dollars == pytest.approx(log_cost(log).dollars, rel=0.03)


@pytest.mark.parametrize("marks", [None, (6, None), (12, 4)])
@pytest.mark.parametrize("model", ["claude-opus-5", "claude-haiku-4-5"])
def test_a_plan_foretells_the_bill_of_a_model_that_thinks(model: str, marks: tuple[int, int | None] | None) -> None:
    """Opus 5 reads the thinking of all turns again, until a cut; Haiku 4.5 that of the latest alone: within 3 percent,
    and the part that is thinking within 5.
    """
    even = "What about the tide at the harbour of Bergen today, and the wind there? "
    offline, log = OfflineClaude(reply=even * 4, windows={model: 20_000}), []
    steps = [KeepRecent(2 * marks[0], None if marks[1] is None else 2 * marks[1])] if marks else []
    asked = {"thinking": {"type": "enabled", "budget_tokens": 1_024}} if model == "claude-haiku-4-5" else {}
    settings = {"client": claude(offline=offline, log=log), "steps": steps, "request": asked, "max_tokens": 2_000}
    manager = ConversationManager(even * 40, model, cache=True, **settings)
    for turn in range(10, 40):
        manager.send(f"{turn}. {even * 4}")
    thought = log[0].reply["usage"]["output_tokens_details"]["thinking_tokens"]
    first, second = log[0].usage, log[1].usage
    carried = first.output_tokens if model == "claude-opus-5" else first.output_tokens - thought
    message = second.total_input - first.total_input - carried
    sizes = {"system": first.total_input - message, "message": message, "reply": first.output_tokens - thought}
    plan = Plan(turns=30, thinking=thought, **sizes)
    strategy, caching = (Strategy(*marks), BOTH) if marks else (Strategy(), "automatic")
    row = replace(find(model), cache_minimum=20)  # scaled with the classroom window
    bills = [usage for turn in planned(plan, strategy, caching, row) for usage in turn]
    assert total_cost(bills, model).dollars == pytest.approx(log_cost(log).dollars, rel=0.03)
    by_plan = cost(Usage(output_tokens=30 * thought), model).dollars
    assert thinking_cost(log).dollars == pytest.approx(by_plan, rel=0.05)
    assert 0 < thinking_cost(log).dollars < log_cost(log).output


@given(PLANS, STRATEGIES)
def test_thinking_costs_output_and_where_it_is_kept_input(plan: Plan, strategy: Strategy) -> None:
    """It is written once, and read again by the model that keeps it, unless a cut came between."""
    quiet = replace(plan, thinking=0)
    for model, keeps in (("claude-opus-5", True), ("claude-haiku-4-5", False)):
        loud_turns, quiet_turns = (planned(each, strategy, "none", model) for each in (plan, quiet))
        more = [a[-1].total_input - b[-1].total_input for a, b in zip(loud_turns, quiet_turns, strict=True)]
        assert {a[-1].output_tokens - b[-1].output_tokens for a, b in zip(loud_turns, quiet_turns, strict=True)} == {
            plan.thinking
        }
        assert more[0] == 0
        if not keeps or strategy == Strategy(1):
            assert not any(more)
        elif strategy == Strategy():
            assert more == [plan.thinking * turn for turn in range(plan.turns)]


def test_a_request_without_thinking_pays_nothing_for_it() -> None:
    """Neither a model without it nor an answer without details has a part that is thinking."""
    log = []
    client = claude(log=log)
    for model in ("claude-sonnet-4-6", "claude-haiku-4-5"):
        client.messages.create(model=model, max_tokens=50, messages=[{"role": "user", "content": "Hello."}])
    assert thinking_cost(log) == thinking_cost([]) == Cost()


def test_the_same_texts_are_more_tokens_on_a_newer_tokenizer() -> None:
    """Sizes grow by a third on models from 4.7 on, and stay on older ones."""
    assert PLAN.counted_by("claude-haiku-4-5") == PLAN
    newer = PLAN.counted_by("claude-opus-5")
    assert newer == replace(PLAN, system=2_667, message=200, reply=467)


def test_plans_that_mean_nothing_are_refused() -> None:
    """The error says what is allowed."""
    with pytest.raises(ValueError, match="at least 1 turn"):
        Plan(turns=0)
    with pytest.raises(ValueError, match="nothing below 0"):
        Plan(thinking=-1)
    with pytest.raises(ValueError, match="1 <= low <= high"):
        Strategy(3, 5)
    with pytest.raises(ValueError, match="'maybe' is not one of none, automatic, system prompt"):
        planned(PLAN, Strategy(), "maybe")
