"""The exercises of notebook 03: how many turns fit into a budget, and one retry after an overflow."""

from collections.abc import Callable
from typing import Any

from labkit.teach.checks.check import WrongShape
from labkit.teach.checks.exercise import Answer, Exercise, Probe

type Send = Callable[[list[str]], str]
type Prune = Callable[[list[str]], list[str]]
type Test = Callable[[Exception], bool]


def turns_that_fit(sizes: list[int], room: int) -> int:
    """From the newest turn back, until the next one would be too much; the newest always goes along."""
    used = fit = 0
    for size in reversed(sizes):
        if used + size > room:
            break
        used += size
        fit += 1
    return max(fit, 1)


def counted_from_the_oldest(sizes: list[int], room: int) -> int:
    """You begin with the oldest turn, and so you keep the beginning of the talk. Walk from the newest one back."""
    return turns_that_fit(sizes[::-1], room)


def large_turns_are_skipped(sizes: list[int], room: int) -> int:
    """You skip a turn that is too large and go on behind it. That leaves a hole in the talk: where the next turn does
    not fit, the window ends.
    """
    used = fit = 0
    for size in reversed(sizes):
        if used + size <= room:
            used += size
            fit += 1
    return max(fit, 1)


def the_newest_turn_may_fall_out(sizes: list[int], room: int) -> int:
    """When the newest turn alone is too large you keep nothing. There would be nothing to send: the newest turn holds
    the question, so it stays, and the API or you have to deal with its size.
    """
    used = fit = 0
    for size in reversed(sizes):
        if used + size > room:
            break
        used += size
        fit += 1
    return fit


def a_full_room_counts_as_too_full(sizes: list[int], room: int) -> int:
    """A turn that fills the room to the last token fits: only more than the room is too much. Look at `<` and `<=`."""
    used = fit = 0
    for size in reversed(sizes):
        if used + size >= room:
            break
        used += size
        fit += 1
    return max(fit, 1)


def one_turn_over_is_let_in(sizes: list[int], room: int) -> int:
    """You look at the room before a turn is added and not after, so the last turn you take is over the limit."""
    used = fit = 0
    for size in reversed(sizes):
        if used >= room:
            break
        used += size
        fit += 1
    return max(fit, 1)


def every_turn_is_taken(sizes: list[int], room: int) -> int:
    """You take every turn, whatever the room. Keep a sum, and stop before the turn that would bring it above."""
    return len(sizes)


def an_average_is_taken(sizes: list[int], room: int) -> int:
    """You divide the room by the average size. Turns differ: walk from the newest one back and add up what is there."""
    return max(int(room // (sum(sizes) / len(sizes))), 1)


def the_given_list_is_turned_round(sizes: list[int], room: int) -> int:
    """The number is right, but the list you were given is in reverse now, for everybody who uses it. reversed(sizes)
    walks backwards and changes nothing.
    """
    fit = turns_that_fit(sizes, room)
    sizes.reverse()
    return fit


def send_with_one_retry(send: Send, prune: Prune, is_overflow: Test, messages: list[str]) -> str:
    """One more try, with fewer messages, for an overflow and for nothing else; everything else passes through."""
    try:
        return send(messages)
    except Exception as error:
        fewer = prune(messages) if is_overflow(error) else messages
        if len(fewer) == len(messages):
            raise
        return send(fewer)


def every_error_is_retried(send: Send, prune: Prune, is_overflow: Test, messages: list[str]) -> str:
    """You try again after any error. Leaving messages out does not repair a wrong key: the call fails twice, and the
    conversation gets shorter for nothing. Ask is_overflow first.
    """
    try:
        return send(messages)
    except Exception:
        fewer = prune(messages)
        if len(fewer) == len(messages):
            raise
        return send(fewer)


def the_same_messages_again(send: Send, prune: Prune, is_overflow: Test, messages: list[str]) -> str:
    """You send the very same messages again. The API counts the same tokens again and refuses them again; send what
    prune gives back.
    """
    try:
        return send(messages)
    except Exception as error:
        if not is_overflow(error):
            raise
        return send(messages)


def tried_until_it_works(send: Send, prune: Prune, is_overflow: Test, messages: list[str]) -> str:
    """You try again and again. With one message that is too long by itself that never ends, and each try is a request;
    stop after one.
    """
    for _ in range(9):
        try:
            return send(messages)
        except Exception as error:
            if not is_overflow(error):
                raise
            messages = prune(messages)
    return send(messages)


def pruned_before_the_first_try(send: Send, prune: Prune, is_overflow: Test, messages: list[str]) -> str:
    """You prune at once, although nothing was too long yet. What fits is sent whole; prune after the error."""
    try:
        return send(prune(messages))
    except Exception as error:
        fewer = prune(prune(messages)) if is_overflow(error) else messages
        if len(fewer) >= len(prune(messages)):
            raise
        return send(fewer)


def the_error_is_swallowed(send: Send, prune: Prune, is_overflow: Test, messages: list[str]) -> str:
    """You turn the error into a text. The caller takes it for a reply, and nobody learns that the request was not
    answered. Let an error that you cannot repair pass through with `raise`.
    """
    try:
        return send_with_one_retry(send, prune, is_overflow, messages)
    except Exception as error:
        return f"error: {error}"


def a_pointless_second_try(send: Send, prune: Prune, is_overflow: Test, messages: list[str]) -> str:
    """When there is nothing left to prune you send the same once more. One message that is too long by itself stays
    too long: let the error pass through.
    """
    try:
        return send(messages)
    except Exception as error:
        if not is_overflow(error):
            raise
        return send(prune(messages))


class TooLong(Exception):
    """The overflow of the probes."""


class WrongKey(Exception):
    """An error of the probes that no pruning repairs."""


def _behaviour(answer: Answer, messages: list[str], most: int, error: type[Exception] = TooLong) -> str:
    """The behaviour of an answer with an API that takes texts of at most `most` characters together, as a sentence."""
    sent: list[str] = []

    def send(given: list[str]) -> str:
        """The API of the probe."""
        sent.append(" + ".join(given))
        if error is WrongKey or sum(map(len, given)) > most:
            raise error
        return "a reply"

    def prune(given: list[str]) -> list[str]:
        """Leave the oldest message out; the newest stays."""
        return given[1:] if len(given) > 1 else given

    try:
        came: Any = answer(send, prune, lambda raised: isinstance(raised, TooLong), list(messages))
    except (TooLong, WrongKey) as raised:
        came = f"the error {type(raised).__name__}"
    else:
        if not isinstance(came, str):
            raise WrongShape(f"gave back a {type(came).__name__}; give back what send gives")
    return f"{came} after sending {', then '.join(sent)}"


def _sizes_after(answer: Answer) -> list[int]:
    sizes = [100, 200, 300]
    answer(sizes, 450)
    return sizes


TURNS_THAT_FIT = Exercise(
    id="03-a",
    covers=("C10",),
    title="How many turns fit",
    task="Give back how many of the newest turns fit into the room, at least 1.",
    stub='''
def turns_that_fit(sizes, room):
    """How many of the newest turns fit; sizes are their tokens, oldest first, and room is in tokens."""
    return ...  # replace the three dots
''',
    reference=turns_that_fit,
    probes=(
        Probe(
            "with sizes 900, 100, 200 and 300 and room for 650, three turns fit",
            lambda answer: answer([900, 100, 200, 300], 650),
            "300 + 200 + 100 = 600 fits, and 900 more does not.",
        ),
        Probe(
            "with sizes 100, 900, 200 and 300 and room for 650, two turns fit",
            lambda answer: answer([100, 900, 200, 300], 650),
            "The turn of 900 does not fit, and what is older is cut off with it.",
        ),
        Probe(
            "a turn that fills the room exactly fits",
            lambda answer: answer([500, 300, 200], 500),
            "300 + 200 is 500, and that is not more than 500.",
        ),
        Probe(
            "the newest turn goes along even when it is too large",
            lambda answer: answer([100, 5_000], 1_000),
            "Without the newest turn there is no question to answer.",
        ),
        Probe(
            "when all fit, all are kept",
            lambda answer: answer([10, 20, 30], 1_000),
            "There is no need to leave anything out.",
        ),
        Probe(
            "the list you were given is as it was", _sizes_after, "reversed(sizes) walks backwards; reverse() turns."
        ),
    ),
    mistakes=(
        counted_from_the_oldest,
        large_turns_are_skipped,
        the_newest_turn_may_fall_out,
        a_full_room_counts_as_too_full,
        every_turn_is_taken,
        one_turn_over_is_let_in,
        an_average_is_taken,
        the_given_list_is_turned_round,
    ),
    hints=(
        "reversed(sizes) walks from the newest turn to the oldest.",
        "Keep a running sum. Stop at the first turn that would bring it above the room.",
        "max(count, 1) makes sure that the newest turn is always there.",
    ),
)

SEND_WITH_ONE_RETRY = Exercise(
    id="03-b",
    covers=("C9",),
    title="One retry after an overflow",
    task="Send the messages; after an overflow prune and send once more; let every other error pass through.",
    stub='''
def send_with_one_retry(send, prune, is_overflow, messages):
    """Send; after an overflow send what prune(messages) gives, once; send and prune take a list of messages."""
    return ...  # replace the three dots
''',
    reference=send_with_one_retry,
    probes=(
        Probe(
            "what fits is sent once, whole",
            lambda answer: _behaviour(answer, ["old", "new"], 100),
            "As long as nothing goes wrong, there is nothing to mend.",
        ),
        Probe(
            "after an overflow it is sent once more, pruned",
            lambda answer: _behaviour(answer, ["old", "new"], 4),
            "prune(messages) gives a shorter list: send that one.",
        ),
        Probe(
            "when the second try is too long as well, its error passes through",
            lambda answer: _behaviour(answer, ["oldest", "older", "old", "new"], 4),
            "One retry, not a loop: two requests at most.",
        ),
        Probe(
            "any other error passes through after one try",
            lambda answer: _behaviour(answer, ["old", "new"], 100, WrongKey),
            "is_overflow(error) says whether pruning can help.",
        ),
        Probe(
            "one message that is too long by itself is not sent twice",
            lambda answer: _behaviour(answer, ["enormous"], 4),
            "If prune leaves as many messages as there were, the second try cannot go better.",
        ),
    ),
    mistakes=(
        every_error_is_retried,
        the_same_messages_again,
        tried_until_it_works,
        pruned_before_the_first_try,
        the_error_is_swallowed,
        a_pointless_second_try,
    ),
    hints=(
        "Put send(messages) into a try, and look at what was raised in the except.",
        "A bare `raise` in an except lets the error go on its way.",
        "Compare len(prune(messages)) with len(messages): only if it is smaller is there something to try.",
    ),
)

EXERCISES = (TURNS_THAT_FIT, SEND_WITH_ONE_RETRY)
