"""The promises of every step and every composition, over random conversations sent to the offline Claude.

P1 valid, P2 never empty and never the wrong thing, P4 explained, P5 thinking-safe, P7 nothing but the wire's own keys.
`python -m tests.measure.long_run` runs the same check over many more conversations, with every step for each.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labkit.messages import History, Message, assistant, exchanges, join, one_message, user
from labkit.steps.pruning import ClearToolResults, Pin, Prune
from labkit.steps.references import KeepReferences
from labkit.strategies import KeepRecent, apply, explain
from labkit.tokens import estimator
from tests.conversations import MODELS, Case, cases, signed
from tests.measure import long_run
from tests.promises import (
    CLUMSY,
    STEPS,
    answer,
    broken_promises,
    not_canonical,
    refused,
    unexplained,
    unsafe,
)

CONVERSATIONS = 1_000
"""The number of conversations that every run of the tests checks."""
numbers = st.integers(0, 9_999)
own_steps = st.lists(st.tuples(st.sampled_from(tuple(STEPS)), numbers), min_size=1, max_size=4)
any_steps = st.lists(st.one_of(st.sampled_from(tuple(CLUMSY)), st.tuples(st.sampled_from(tuple(STEPS)), numbers)))


@settings(max_examples=CONVERSATIONS, deadline=None)
@given(cases(max_exchanges=5), st.sampled_from(tuple(STEPS)), numbers, own_steps, any_steps.filter(bool))
def test_every_step_and_composition_keeps_every_promise(
    case: Case, name: str, number: int, own: Sequence[tuple[str, int]], any_of: Sequence[str | tuple[str, int]]
) -> None:
    """One step, a composition of labkit's own, and one with a learner's clumsy functions in it."""
    assert broken_promises(case, [STEPS[name](number)], own_only=True) == []
    assert broken_promises(case, [STEPS[step](setting) for step, setting in own], own_only=True) == []
    steps = [CLUMSY[step] if isinstance(step, str) else STEPS[step[0]](step[1]) for step in any_of]
    assert broken_promises(case, steps, own_only=False) == []


THOUGHT = {"type": "thinking", "thinking": "hm", "signature": "to be signed"}
CALL = {"type": "tool_use", "id": "t1", "name": "look_up", "input": {"q": "889"}}
RESULT = {"type": "tool_result", "tool_use_id": "t1", "content": "shipped"}
TALK = History(
    [
        user("account 55120934", pinned=True),
        assistant([THOUGHT, {"type": "text", "text": "Noted."}]),
        user("Where is 889?"),
        assistant([CALL]),
        user([RESULT]),
        assistant([THOUGHT, {"type": "text", "text": "It has shipped."}]),
        user("And now?"),
    ]
)
MODEL = "claude-opus-5-5"
CASE = Case(signed(TALK, MODEL), MODEL)

PLANTED: list[tuple[str, Callable[[History], Sequence[Message]], str]] = [
    ("nothing", lambda h: (), "empty"),
    ("the newest turn dropped", lambda h: h[:-1], "newest user message gone"),
    ("a pin dropped", lambda h: [replace(m, pinned=False) for m in h[2:]], "pinned user message gone"),
    ("thinking kept behind a cut", lambda h: (*h[:2], h[-2], h[-1]), "bound to a different conversation"),
    ("a torn tool round", lambda h: (*h[:2], *h[4:]), "refused: messages.2.content.0: unexpected `tool_use_id`"),
    ("a reply first", lambda h: (h[5], *h), "begins with assistant"),
    ("two questions in a row", lambda h: (h[0], h[2], h[6]), "roles no longer alternate"),
    ("other words", lambda h: (*h[:6], replace(h[6], content="Other.", replaces=(h[6],))), "words changed: "),
    ("a prefill", lambda h: (*h, assistant("Sure:")), "refused: This model does not support assistant message prefill"),
]


@pytest.mark.parametrize(("view", "complaint"), [case[1:] for case in PLANTED], ids=[case[0] for case in PLANTED])
def test_a_planted_bug_is_seen(view: Callable[[History], Sequence[Message]], complaint: str) -> None:
    """Each check catches what it is there to catch, so that a run without complaints means something."""
    history = CASE.history
    shown = History(view(history))
    complaints = [*unsafe(shown, history), *(not_canonical(shown, history) if shown else []), *refused(CASE, shown)]
    assert any(complaint in found for found in complaints), complaints


def test_a_false_explanation_is_seen() -> None:
    """Called kept though it was dropped, called dropped though it is sent, or not named at all."""
    history = CASE.history
    steps = [KeepRecent(1)]
    view, fates = apply(steps, history), explain(steps, history)
    assert unexplained(fates, view, history) == []
    assert [fate.fate for fate in fates] == ["kept", "kept", "dropped", "dropped", "dropped", "dropped", "kept"]
    assert unexplained(fates[1:], view, history) == ["not one fate for each message"]
    lies = [replace(fate, fate={"kept": "dropped", "dropped": "kept"}[fate.fate]) for fate in fates]
    assert len(unexplained(lies, view, history)) >= 7


@pytest.mark.parametrize("model", MODELS)
def test_what_came_in_is_accepted(model: str) -> None:
    """The conversation of the planted bugs is a valid one, on every model: the complaints are about the bugs."""
    assert answer(Case(signed(TALK, model), model), signed(TALK, model)) == ""


def test_calls_that_were_never_answered_are_nobodys_fault() -> None:
    """A conversation that came in with a torn round is not blamed on a step, and is repaired where it is dropped."""
    torn = History([user("Where is 889?"), assistant([CALL]), user("never mind"), assistant("Fine."), user("And now?")])
    case = Case(torn, "claude-sonnet-4-6")
    assert "without `tool_result` blocks" in answer(case, torn)
    assert answer(case, apply([KeepRecent(1)], torn)) == ""
    for name, step in CLUMSY.items():
        if "behind" not in name:
            assert apply([step], torn)[-1].text.startswith("And now?")


@settings(max_examples=300, deadline=None)
@given(cases(), st.integers(1, 30))
def test_first_in_first_out_drops_the_oldest_that_may_go(case: Case, limit: int) -> None:
    """The view found by bisection is the one that a walk finds: out with the oldest exchange until the rest fits."""
    parts = list(exchanges(case.history))
    while sum(map(len, parts)) > limit and (free := [part for part in parts[:-1] if not part.staying()]):
        parts = [part for part in parts if part is not free[0]]
    walked = tuple(message for part in parts for message in part)
    assert tuple(Prune(limit)(case.history)) == tuple(KeepRecent(limit)(case.history)) == walked


@settings(max_examples=300, deadline=None)
@given(st.lists(cases(max_exchanges=3), max_size=4), st.data())
def test_joined_histories_know_what_a_new_one_would(several: list[Case], data: st.DataObject) -> None:
    """Parts of measured histories, joined: the same exchanges, pins, thinking and totals as from the messages alone."""
    parts = []
    for case in several:
        low = data.draw(st.integers(0, len(case.history)))
        part = case.history[low : data.draw(st.integers(low, len(case.history)))]
        part.total(one_message)
        parts.append(part)
    joined, fresh = join(parts), History(message for part in parts for message in part)
    assert joined == fresh
    assert (joined.starts(), joined.staying(), joined.thinking()) == (fresh.starts(), fresh.staying(), fresh.thinking())
    assert joined.total(one_message) == len(fresh)
    assert joined[1:].total(estimator()) == fresh[1:].total(estimator())


@settings(max_examples=300, deadline=None)
@given(cases(max_exchanges=5), own_steps)
def test_metadata_never_leaves_the_machine(case: Case, own: Sequence[tuple[str, int]]) -> None:
    """P7: whatever the steps, a message on the wire has a role and a content, and its blocks what they came with."""
    steps = [STEPS[step](setting) for step, setting in own if step != "summary"]
    known = {key for m in case.history for block in m.blocks for key in block}
    for message in apply(steps, case.history).wire():
        assert set(message) == {"role", "content"}
        if not isinstance(message["content"], str):
            assert {key for block in message["content"] for key in block} <= known | {"content", "text"}


class Careless:
    """A step that says of itself what is not so: that it keeps whole exchanges."""

    keeps_whole_exchanges = True

    def __call__(self, history: History) -> History:
        """The history without its first message, whatever that was."""
        return history[1:] or history


def test_the_long_run_finds_what_there_is_to_find(monkeypatch: pytest.MonkeyPatch) -> None:
    """A few conversations go through without complaint; with a careless step among labkit's own, one is found."""
    done = long_run.batch(1, 15)
    assert done.conversations >= 15
    assert done.views == done.conversations * (len(STEPS) + 2)
    assert done.requests >= done.conversations
    monkeypatch.setitem(STEPS, "careless", lambda number: Careless())
    with pytest.raises(AssertionError, match=r"gone|begins with assistant|no longer first"):
        long_run.batch(1, 15)


def test_what_is_there_in_another_form_is_not_brought_back_beside_it() -> None:
    """A reference to a pinned exchange whose tool result was cleared: the exchange is there, and is sent once."""
    said = "Order 889 travels as parcel P-4471. " * 9
    round_ = [
        user("Where is order 889?"),
        assistant([CALL]),
        user([{**RESULT, "content": said}]),
        assistant("Shipped."),
    ]
    history = History(
        [*round_, user("Thanks."), assistant("You are welcome."), user("When does parcel P-4471 arrive?")]
    )
    inner = (Pin(lambda message: "Where" in message.text), Prune(3), ClearToolResults(0))
    view = apply([KeepReferences(inner, 2_000)], history)
    assert [m.text for m in view].count("Where is order 889?") == 1
    assert answer(Case(view, "claude-sonnet-4-6"), view) == ""
