"""Pictures and documents: the newest stay whole, a line replaces each older one."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labkit.messages import History, assistant, user
from labkit.steps.pictures import KeepPictures, effect, pictures, size_of
from labkit.strategies import apply, explain
from labkit.tokens import estimate_tokens

DATA = "A" * 400_011  # no picture that can be measured, so it counts as a large one
SHOT: dict[str, Any] = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": DATA}}
LINK: dict[str, Any] = {
    "type": "document",
    "title": "Terms",
    "source": {"type": "url", "url": "https://example.com/t.pdf"},
}


def shots(count: int, **metadata: Any) -> History:
    """Pictures that a tool took, each in a separate exchange, and a question that waits."""
    history = History()
    for number in range(count):
        call = {"type": "tool_use", "id": f"t{number}", "name": "screenshot", "input": {}}
        result = {"type": "tool_result", "tool_use_id": f"t{number}", "content": [SHOT]}
        history = history.append(user("Look."), assistant([call]), user([result], **metadata), assistant("A page."))
    return history.append(user("And now?"))


def test_six_screenshots_with_two_kept_fit_the_goal() -> None:
    """The four lines and the two pictures that stay are at most 3,400 tokens and 0.8 MB and a little."""
    view = apply((KeepPictures(2),), shots(6))
    lines = [b["content"][0] for m in view for b in m.blocks if b["type"] == "tool_result"]
    kept = [block for message in view for block in pictures(message)]
    told = [line["text"] for line in lines if line["type"] == "text"]
    assert (len(kept), len(told)) == (2, 4)
    assert estimate_tokens(user(kept)) + sum(map(estimate_tokens, told)) <= 3_400
    assert sum(map(size_of, kept)) <= 0.81e6
    assert told[0] == "[image removed: png, 400 KB; call screenshot again]"


def test_the_line_says_what_it_was_when_and_how_to_get_it_again() -> None:
    """A document at an address keeps its address, a timestamp its minute; a picture of the user's is asked for."""
    history = History([user([LINK, SHOT], timestamp="2026-11-30T09:15:00+00:00"), assistant("Seen."), user("And?")])
    first = apply((KeepPictures(0),), history)[0]
    assert [block["text"] for block in first.blocks] == [
        "[document 'Terms' removed: url, 2026-11-30T09:15; at https://example.com/t.pdf]",
        "[image removed: png, 400 KB, 2026-11-30T09:15; ask for it again]",
    ]


def test_the_effect_is_shown_on_tokens_bytes_dollars_and_the_cache() -> None:
    """Fewer tokens, bytes and dollars, and everything from the first change on is to be cached again."""
    history = shots(6)
    view = apply((KeepPictures(2),), history)
    found = effect(history, view)
    assert found.tokens == (estimate_tokens(history), estimate_tokens(view))
    assert found.bytes == (6 * len(DATA), 2 * len(DATA))
    assert found.dollars[1].dollars < found.dollars[0].dollars / 2
    assert 0 < found.rewritten < found.tokens[1]
    assert effect(history, history).rewritten == 0
    assert "tokens to be cached again" in str(found)


@given(st.integers(0, 9), st.integers(0, 4), st.integers(1, 4))
def test_a_batch_replaces_rarely_and_keeps_at_least_what_was_asked(count: int, keep: int, batch: int) -> None:
    """The pictures left are the newest, at least `keep` and fewer than `keep` and a batch; running again changes
    nothing.
    """
    steps = (KeepPictures(keep, batch),)
    view = apply(steps, shots(count))
    left = sum(1 for message in view for _ in pictures(message))
    assert min(keep, count) <= left < keep + batch or left == count
    assert left == count - max(count - keep, 0) // batch * batch
    assert apply((*steps, *steps), shots(count)) == view or batch > 1


def test_pinned_pictures_the_question_and_the_newest_round_stay() -> None:
    """A picture that is pinned, asked about or just returned is never replaced by a line."""
    pinned = shots(3, pinned=True)
    assert apply((KeepPictures(0),), pinned) == pinned
    asked = History([user([SHOT, {"type": "text", "text": "What is this?"}])])
    assert apply((KeepPictures(0),), asked) == asked
    call = {"type": "tool_use", "id": "t9", "name": "screenshot", "input": {}}
    result = {"type": "tool_result", "tool_use_id": "t9", "content": [SHOT]}
    loop = shots(2).append(assistant([call]), user([result]))
    view = apply((KeepPictures(0),), loop)
    assert [sum(1 for _ in pictures(message)) for message in view] == [0] * 10 + [1]


def test_every_line_is_explained() -> None:
    """A message whose picture was replaced is said to be cleared, with the line in its place."""
    fates = explain((KeepPictures(1),), shots(3))
    assert [fate.place for fate in fates if fate.fate == "cleared"] == [2, 6]
    assert "400 KB" in fates[2].why


@pytest.mark.parametrize("wrong", [{"keep": -1}, {"batch": 0}])
def test_counts_that_mean_nothing_are_refused(wrong: dict[str, int]) -> None:
    """A negative keep and a batch of none are errors."""
    with pytest.raises(ValueError, match="must be 0 or more"):
        KeepPictures(**wrong)
