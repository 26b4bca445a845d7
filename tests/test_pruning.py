"""Pruning drops what is worth least and empties old tool results; what must stay stays."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labkit.messages import History, Message, assistant, exchanges, user
from labkit.steps.pruning import Pin, Prune, by_importance, retain_by_role
from labkit.steps.tool_results import ClearToolResults
from labkit.strategies import apply, explain
from labkit.tokens import estimate_tokens, estimator
from tests.conversations import conversations
from tests.keeping import problems


@given(conversations(), st.integers(10, 300))
def test_pruning_by_importance_never_drops_more_important_for_less(history: History, limit: int) -> None:
    """A dropped exchange is worth no more than the least of those that could have gone and stayed."""
    parts = list(exchanges(history))
    kept = {id(m) for m in Prune(limit, size=estimator(), worth=by_importance)(history)}
    free = [part for part in parts[:-1] if not part.staying()]
    gone = [by_importance(part) for part in free if id(part[0]) not in kept]
    stayed = [by_importance(part) for part in free if id(part[0]) in kept]
    assert not gone or not stayed or max(gone) <= min(stayed)


def tool_talk(rounds: int, size: int = 400) -> History:
    """A conversation with this many tool rounds of `size` characters, and one more question."""
    said: list[Message] = []
    for i in range(rounds):
        call = assistant([{"type": "tool_use", "id": f"t{i}", "name": "look_up", "input": {"order": str(i)}}])
        result = user([{"type": "tool_result", "tool_use_id": f"t{i}", "content": f"{i} " * (size // 2)}])
        said += [user(f"order {i}?"), call, result, assistant(f"Order {i} is on its way.")]
    return History([*said, user("and now?")])


def results(view: History) -> list[str]:
    """The contents of all tool results."""
    return [b["content"] for m in view for b in m.blocks if b["type"] == "tool_result"]


def test_old_tool_results_are_emptied_and_the_newest_stay() -> None:
    """The calls stay too, so that the request is valid, and explain says what happened."""
    history = tool_talk(6, size=900)
    view = apply((ClearToolResults(keep=2),), history)
    assert problems(view, history) == []
    assert [text.startswith("[cleared: look_up") for text in results(view)] == [True] * 4 + [False] * 2
    fates = explain((ClearToolResults(keep=2),), history)
    assert [f.fate for f in fates].count("cleared") == 4
    assert estimate_tokens(view) < estimate_tokens(history) / 2


def test_some_tools_are_never_cleared() -> None:
    """By name, as the platform's own context editing allows."""
    history = tool_talk(6)
    assert ClearToolResults(keep=0, exclude_tools=("look_up",))(history) == history


def test_role_retention_keeps_tool_results_decisions_and_preferences() -> None:
    """Pinning is a separate step: later steps may not drop what it marked."""
    chat = [m for i in range(9) for m in (user(f"hello {i}"), assistant("hi"))]
    decided = [user("we take Postgres", flags=("decision",)), assistant("Noted.")]
    history = History([*decided, *tool_talk(1)[:-1], *chat, user("and now?")])
    view = apply((retain_by_role, Prune(8)), history)
    assert [m.text for m in view][:2] == ["we take Postgres", "Noted."]
    assert len(results(view)) == 1


def test_a_pin_by_rule_changes_nothing_by_itself() -> None:
    """Marking is not pruning: the request is the same, thinking included."""
    thought = assistant([{"type": "thinking", "thinking": "hm", "signature": "s"}, {"type": "text", "text": "Yes."}])
    history = History([user("a"), thought, user("b")])
    assert apply((Pin(lambda m: True),), history) is history


@pytest.mark.parametrize(
    "build", [lambda: Prune(0), lambda: ClearToolResults(keep=-1), lambda: ClearToolResults(batch=0)]
)
def test_settings_that_mean_nothing_are_refused(build: object) -> None:
    """With what was given and what is allowed."""
    with pytest.raises(ValueError, match="must be"):
        build()  # type: ignore[operator]


def test_a_document_in_a_tool_result_is_cleared_as_its_text_is():
    """The words of a document are as long as they are, whichever block holds them."""
    source = {"type": "text", "media_type": "text/plain", "data": "a line of the contract " * 40}
    document = {"type": "document", "source": source}
    views = []
    for content in ("a line of the contract " * 40, [document]):
        talk = [user("Read both.")]
        for name in ("t1", "t2"):
            talk.append(assistant([{"type": "tool_use", "id": name, "name": "read", "input": {}}]))
            talk.append(user([{"type": "tool_result", "tool_use_id": name, "content": content}]))
        views.append(apply((ClearToolResults(1),), History(talk)))
    assert views[0][2].content == views[1][2].content
    assert "[cleared: read" in str(views[1][2].content)
