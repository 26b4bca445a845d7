"""A budget inside a loop: random loops, each request sent to the offline Claude, with thinking really signed."""

import json
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labkit.evidence.loop_runs import audit, repair
from labkit.evidence.loop_table import WAYS, main
from labkit.evidence.loops import measured
from labkit.messages import Block, History, Message, assistant, rounds, user
from labkit.repair import origins, unpaired
from labkit.steps.folding import folded, words_of
from labkit.steps.keep_within import KeepWithin
from labkit.steps.tool_results import ClearToolResults, ClipToolResults
from labkit.strategies import KeepRecent, Step, apply, explain
from labkit.tokens import estimator
from labkit.transcript import readable
from tests.conversations import Case
from tests.loops import Sent, loop, refusals, run
from tests.measure import loop_run
from tests.peers import calls_made
from tests.promises import answer

SIZE = estimator()
CHOICES: list[tuple[Step, ...]] = [
    (KeepWithin(300),),
    (ClipToolResults(200), KeepWithin(900, keep=1)),
    (ClipToolResults(400), KeepWithin(3_000, 900)),
    (ClearToolResults(2),),
    (KeepRecent(900, 400, SIZE), KeepWithin(600)),
    (ClearToolResults(1), KeepWithin(700)),
]


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from(CHOICES))
def test_no_request_of_a_loop_is_refused(seed: int, steps: tuple[Step, ...]) -> None:
    """Parallel calls, errors, pictures, thinking, words of the user in between: every request of a run is accepted."""
    assert refusals(loop(seed, 25), steps) == []


def test_a_share_of_the_measured_loops_is_accepted(capsys: pytest.CaptureFixture[str]) -> None:
    """Any step and composition, any loop: the program that measures ten thousand of them, on a few others."""
    assert loop_run.main(["--loops", "25", "--first", "20000", "--longest", "12"]) == 0
    assert "25 loops" in (words := capsys.readouterr().out)
    assert "0 refused, 0 complaints" in words


def test_a_plain_slice_of_the_same_loops_is_refused_and_loses_the_goal(monkeypatch: pytest.MonkeyPatch) -> None:
    """The newest five messages, as many programs send them: the program counts refusals, and says what is lost."""
    sliced = (Sent(sent.past, sent.past[-5:]) for sent in run(loop(3, 25), ()))
    monkeypatch.setattr(loop_run, "run", lambda told, steps: list(sliced))
    count = Counter[str]()
    wrong = loop_run.wrong(3, count)
    assert count["refused"]
    assert any("newest user message gone" in words for words in wrong)


def test_thinking_that_is_kept_across_a_cut_is_refused() -> None:
    """The same views with the thinking put back: the offline Claude refuses some, so that no refusal above counts."""
    refused = 0
    for seed in range(6):
        told = loop(seed, 25, "claude-opus-5-5")
        for sent in run(told, (KeepWithin(300),)):
            said = {id(origin): message for message in sent.past for origin in origins(message)}
            naive = History(said.get(id(origins(m)[0]), m) if m.role == "assistant" else m for m in sent.view)
            refused += bool(answer(Case(told.history, told.model), naive))
    assert refused


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.integers(200, 3_000))
def test_goal_pins_and_newest_round_stay_and_no_round_is_torn(seed: int, high: int) -> None:
    """P2 at every request: the goal, every pin and the newest messages are there, and no call without its result."""
    told = loop(seed, 25)
    for sent in run(told, (KeepWithin(high),)):
        past, view = sent.past, sent.view
        kept = {id(origin) for message in view if len(origins(message)) == 1 for origin in origins(message)}
        must = [past[past.newest_start()], past[-1], *(past[place] for place in past.staying())]
        assert all(id(message) in kept or message in view for message in must)
        assert all(message.text in said(view) for message in past[past.newest_start() :] if message.role == "user")
        assert unpaired(view) <= unpaired(past)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from(CHOICES[:3]))
def test_a_view_follows_from_the_history_alone(seed: int, steps: tuple[Step, ...]) -> None:
    """Grown message by message or loaded at once, a history gives the same request."""
    for sent in run(loop(seed, 25), steps):
        assert apply(steps, History(tuple(sent.past))) == apply(steps, sent.past)


def worked(rounds_: int, said: int = 400, thought: Sequence[Block] = ()) -> History:
    """A loop of so many rounds with results of about so many characters, and these blocks before each call."""
    messages = [user("Read it all.")]
    for place in range(rounds_):
        call = {"type": "tool_use", "id": f"t{place}", "name": "read", "input": {"page": place}}
        messages.append(assistant([*thought, call]))
        result = {"type": "tool_result", "tool_use_id": f"t{place}", "content": f"{place} " * (said // 4)}
        messages.append(user([result]))
    return History(messages)


def test_600_rounds_stay_within_20_000_tokens_and_rarely_move() -> None:
    """Every request is within the budget and begins with the one before, but for some two dozen cuts; clearing on every
    call moves each time.
    """

    def moves(step: Step, history: History) -> tuple[int, int]:
        views = [apply([step], history[:place]) for place in [*history.replies()[1:], len(history)]]
        return sum(not a.begins(b) for a, b in pairwise(views)), max(view.total(SIZE) for view in views)

    moved, largest = moves(KeepWithin(20_000), worked(600, 900))
    assert moved <= 25
    assert largest <= 20_000
    assert moves(ClearToolResults(10, batch=1), worked(60))[0] >= 45


@pytest.mark.parametrize(
    "thought", [[], [{"type": "thinking", "thinking": "hm", "signature": "s"}]], ids=["", "thinks"]
)
def test_a_call_of_a_loop_is_the_same_work_at_any_length(thought: Sequence[Block]) -> None:
    """P8: between two cuts, round 2,000 calls about as many functions as round 200, and a large view as many as a
    small one, with thinking too.
    """
    counts = {}
    for length, high in ((200, 20_000), (2_000, 20_000), (2_000, 120_000)):
        steps: list[Step] = [ClipToolResults(), KeepWithin(high)]
        history = worked(length, thought=thought)
        apply(steps, history)
        # The second call is between two cuts whatever the first one was, and compares itself with it.
        first, second = worked(length + 1)[-2:], worked(length + 2)[-2:]
        history = history.append(*first)
        apply(steps, history)
        history = history.append(*second)
        counts[length, high] = calls_made(lambda: apply(steps, history))  # noqa: B023 - called at once
    assert max(counts.values()) <= 2 * min(counts.values()), counts


def test_a_failure_keeps_its_error_wherever_it_goes() -> None:
    """Cleared or folded: the error line is still there, and the rest of the result is not."""
    failed = {
        "type": "tool_result",
        "tool_use_id": "t0",
        "content": "trying\n" * 200 + "KeyError: 'late'",
        "is_error": True,
    }
    history = History([*worked(1)[:2], user([failed]), *worked(40)[3:]])
    view = apply([KeepWithin(3_000)], history)
    for message in (view[2], folded(None, [history[1:3]], 9_000), folded(None, [view[1:3]], 9_000)):
        said = f"{message.text} {message.blocks[0].get('content')}"
        assert "KeyError: 'late'" in said
        assert "trying" not in said


def test_every_fate_is_said_in_words() -> None:
    """Kept, cleared and folded, by a step that is named with its unit."""
    fates = explain([KeepWithin(1_500)], worked(60))
    assert {fate.fate for fate in fates} == {"kept", "cleared", "folded"}
    assert {fate.step for fate in fates if fate.fate == "folded"} == {"at most 1,500 tokens, cut to 750"}


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.integers(200, 3_000))
def test_the_budget_holds_wherever_what_must_stay_fits(seed: int, high: int) -> None:
    """Goal, the user's words since and the newest part: where these fit the high mark, every request does."""
    for sent in run(loop(seed, 25), (KeepWithin(high),)):
        past = sent.past
        loop_ = past[past.newest_start() :]
        first, last = loop_.joints()[1], max(loop_.joints()[1], loop_.joints()[-2])
        must = [*loop_[:first], *words_of(loop_[first:last]), *loop_[last:]]
        least = sum(map(SIZE, must))
        if not past.staying() and least <= high:
            assert sent.view.total(SIZE) <= high


def said(view: History) -> str:
    """All that a request says."""
    return "\n".join(map(readable, view))


def test_names_outlive_the_results_that_held_them() -> None:
    """The number of an account in the first result can still be asked for when the result is cleared, its round folded
    and its exchange dropped; a word that names nothing goes.
    """
    found = {**worked(1)[2].blocks[0], "content": "account NO-7100-00 of somebody\n" + "as usual " * 60}
    history = History([*worked(1)[:2], user([found]), *worked(40)[3:]])
    closed = History([*history[:9], assistant("It went well. " * 200), *worked(40)])
    for told, high, gone in ((history, 3_000, "as usual"), (history, 1_500, "of somebody"), (closed, 700, "It went")):
        assert "NO-7100-00" in said(told)
        view = said(apply([KeepWithin(high)], told))
        assert "NO-7100-00" in view
        assert gone not in view


def test_a_clip_names_what_it_leaves_out() -> None:
    """A number in the middle of a long result can still be asked for."""
    text = "word " * 900 + "account NO-7100-00" + " word" * 900
    history = History([*worked(1)[:2], user([{**worked(1)[2].blocks[0], "content": text}])])
    shown = str(ClipToolResults(2_000)(history)[-1].blocks[0]["content"])
    assert "NO-7100-00" in shown
    assert len(shown) <= 2_000


def test_words_of_the_user_in_a_folded_round_stay() -> None:
    """Said together with a result or after it: the round is folded, and the words are sent as they were."""
    rounds_ = worked(60)
    result = rounds_[4].blocks[0]
    history = History(
        [*rounds_[:4], user([result, {"type": "text", "text": "Mind the gate."}]), user("And hurry."), *rounds_[5:]]
    )
    view = apply([KeepWithin(1_500)], history)
    assert [message.text for message in view[:3]] == ["Read it all.", "Mind the gate.", "And hurry."]
    assert unpaired(view) == set()


@pytest.mark.parametrize("size", [200, 300, 8_000])
def test_a_clipped_result_keeps_beginning_and_end(size: int) -> None:
    """At most so long, the same way each time, and never longer than it was."""
    text = "begin " + "x" * 9_000 + " end"
    block = {"type": "tool_result", "tool_use_id": "t0", "content": text}
    history = History([*worked(1)[:2], user([block])])
    shown = str(ClipToolResults(size)(history)[-1].blocks[0]["content"])
    assert len(shown) <= size
    assert shown.startswith("begin")
    assert shown.endswith("end")
    assert ClipToolResults(size)(ClipToolResults(size)(history)) == ClipToolResults(size)(history)


@pytest.mark.parametrize("share", [0.5, 0.25])
@pytest.mark.parametrize("told", [audit(), repair()], ids=["audit", "repair"])
def test_marks_hold_the_budget_at_the_price_of_the_cheapest_way(told: History, share: float) -> None:
    """On both runs that come with labkit: nothing over, the goal everywhere, most of the input read from the cache, far
    cheaper than clearing on every call, and hardly more expensive than forgetting all but the goal and the newest.
    """
    budget = int(told.total(SIZE) * share)
    ways = "everything", "goal and newest", "cleared on every call", "within marks"
    everything, plainest, each, within = (measured(told, WAYS[way](budget)) for way in ways)
    assert within.over(budget) == 0 < everything.over(budget)
    assert within.goal_share == 1
    assert within.read_share > 0.85 > each.read_share
    assert within.dollars < each.dollars / 1.5
    assert within.dollars < 1.07 * plainest.dollars


def test_what_later_calls_need_is_readable() -> None:
    """In the audit every account and order that is refunded at the end, at half the tokens; clearing loses half."""
    budget = audit().total(SIZE) // 2
    within, each, plainest = (
        measured(audit(), WAYS[way](budget)) for way in ("within marks", "cleared on every call", "goal and newest")
    )
    assert within.readable == within.served == 1
    assert max(each.readable, plainest.readable) <= 0.5


def test_the_table_measures_a_file_of_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Two runs of one file are measured together, and a file of short runs says what to ask for."""
    path = tmp_path / "runs.json"
    path.write_text(json.dumps([{"messages": repair(2, 2).wire()}] * 2), "utf-8")
    assert main([str(path)]) == main([str(path), "--rounds", "99"]) == 0
    said_ = capsys.readouterr().out
    assert "2 runs" in said_
    assert all(way in said_ for way in WAYS)
    assert "give --rounds a smaller number" in said_


def test_rounds_are_calls_with_all_their_results() -> None:
    """In one message or two; questions and answers belong to none."""
    calls = [{"type": "tool_use", "id": f"t{i}", "name": "read", "input": {}} for i in range(2)]
    results = [{"type": "tool_result", "tool_use_id": f"t{i}", "content": "ok"} for i in range(2)]
    history = History([user("a"), assistant(calls), user(results[:1]), user(results[1:]), assistant("done"), user("b")])
    assert [len(part) for part in rounds(history)] == [3]


def test_words_of_a_folded_round_stay_before_a_system_message() -> None:
    """The API refuses a system message that a user message follows; the words of a folded round came right after it."""
    calls = [assistant([{"type": "tool_use", "id": f"t{i}", "name": "look_up", "input": {}}]) for i in range(2)]
    results = [{"type": "tool_result", "tool_use_id": f"t{i}", "content": "889"} for i in range(2)]
    words = {"type": "text", "text": "And by post."}
    rounds = [message for call, result in zip(calls, results, strict=True) for message in (call, user([result, words]))]
    view = apply([KeepWithin(1, keep=0)], History([user("order"), Message("system", "From now on: 889"), *rounds]))
    roles = [message.role for message in view]
    assert roles[roles.index("system") + 1] == "assistant"
    assert "And by post." in view[1].text
