"""The promises of every step about any conversation, as one function from a case to complaints.

Shared by the properties in test_promises.py and by the long run in long_run.py.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import lru_cache
from itertools import pairwise
from typing import Any

import anthropic

from labkit import OfflineClaude
from labkit.messages import History, Message, assistant, join, user, without_thinking
from labkit.repair import origins
from labkit.settings import KeepTurns
from labkit.steps.deduplication import Deduplicate
from labkit.steps.importance import KeepImportant
from labkit.steps.keep_within import KeepWithin
from labkit.steps.pictures import KeepPictures
from labkit.steps.pruning import Pin, Prune, by_importance, retain_by_role
from labkit.steps.references import KeepReferences
from labkit.steps.relevance.choice import Relevance
from labkit.steps.rules import KeepRules
from labkit.steps.tool_results import ClearToolResults, ClipToolResults
from labkit.strategies import FOLDED_FLAG, Fate, KeepRecent, Step, StepError, apply, explain, full_history
from labkit.summarization import Summarize, SummaryFailed
from labkit.tokens import estimator
from tests.conversations import MODELS_THAT_BIND, Case, as_json

CLIENT = OfflineClaude(reply="ok", log_limit=1).client(max_retries=0)


def counted_messages(old: History) -> str:
    """A summary written here, without Claude: long enough to mean something, short enough to help."""
    return f"{len(old)} messages"


STEPS: dict[str, Callable[[int], Step]] = {
    "rules": lambda number: KeepRules(),
    "rules of a window": lambda number: KeepRules((KeepRecent(1 + number % 14),)),
    "full history": lambda number: full_history,
    "window": lambda number: KeepRecent(1 + number % 14),
    "window in tokens": lambda number: KeepRecent(1 + number % 400, size=estimator()),
    "window with marks": lambda number: KeepRecent(2 + number % 400, 1 + number % 400 // 3, estimator()),
    "fifo": lambda number: Prune(1 + number % 14),
    "importance": lambda number: Prune(1 + number % 400, estimator(), by_importance),
    "pin": lambda number: Pin(lambda message: "889" in message.text),
    "retain by role": lambda number: retain_by_role,
    "pictures": lambda number: KeepPictures(number % 3, 1 + number % 2),
    "clear": lambda number: ClearToolResults(number % 4, (None, 1, 2, 3)[number % 4]),
    "clip": lambda number: ClipToolResults(200 + number % 400),
    "within": lambda number: KeepWithin(1 + number % 900, keep=number % 4),
    "within, cut deeply": lambda number: KeepWithin(30 + number % 400, 1 + number % 30),
    "turns": lambda number: KeepTurns(1 + number % 4),
    "summary": lambda number: Summarize(counted_messages, number % 4),
    "deduplicate": lambda number: Deduplicate(),
    "important": lambda number: KeepImportant(1 + number % 400),
    "relevance": lambda number: Relevance(1 + number % 400),
    "references": lambda number: KeepReferences((KeepRecent(1 + number % 5),), 100 + number % 400),
    "references of pins": lambda number: KeepReferences(
        (Pin(lambda message: "889" in message.text), Prune(1 + number % 5), ClearToolResults(1)), 100 + number % 400
    ),
}
"""The steps of labkit, each with settings that follow from a number."""


def _shortened(history: History) -> list[Message]:
    return [Message(m.role, f"{m.text[:9]}..", replaces=(m,)) for m in history]


def _retold(history: History) -> list[Message]:
    return [user("In short: order 889."), assistant("I see."), *history[-3:]]


CLUMSY: dict[str, Step] = {
    "last two": lambda history: history[-2:],
    "every other": lambda history: tuple(history)[::2],
    "nothing": lambda history: (),
    "backwards": lambda history: tuple(reversed(history)),
    "twice": lambda history: (*history, *history),
    "no replies": lambda history: [m for m in history if m.role == "user"],
    "only replies": lambda history: [m for m in history if m.role == "assistant"],
    "by way of the wire": lambda history: History(history.wire()[-5:]),
    "copies": lambda history: [replace(m) for m in history][-4:],
    "a reminder behind": lambda history: (*history, user("Answer in one word.")),
    "a prefill behind": lambda history: (*history, assistant("Sure:")),
    "a greeting before": lambda history: (assistant("Hello."), *history),
    "retold": _retold,
    "shortened": _shortened,
}
"""A learner's own step, which may drop anything, by mistake or on purpose."""


def broken_promises(case: Case, steps: Sequence[Step], own_only: bool) -> list[str]:
    """Everything that goes wrong when these steps shape the next request of a case; nothing, if all is well.

    With `own_only` the steps are all labkit's: none may then raise StepError, and the view is canonical.
    """
    try:
        case = answered(case, steps)
        before = as_json(case.history)
        view, fates = apply(steps, case.history, MODELS_THAT_BIND[case.model]), explain(steps, case.history)
    except SummaryFailed:
        return []
    except StepError as error:
        return [f"StepError: {error}"] if own_only else []
    wrong = [*unsafe(view, case.history), *unexplained(fates, view, case.history)]
    if own_only:
        wrong += not_canonical(view, case.history)
    if apply(steps, History(case.history), MODELS_THAT_BIND[case.model]) != view:
        wrong.append("not the same view again")
    if as_json(case.history) != before:
        wrong.append("the history that came in was changed")
    return wrong + refused(case, view)


def answered(case: Case, steps: Sequence[Step]) -> Case:
    """The case as it comes about with these steps: each reply was thought in answer to the view of what was before."""
    history, bound = case.history, MODELS_THAT_BIND[case.model]
    if not history.thinking():
        return case
    for low, high in pairwise([*history.replies(), len(history)]):
        past, reply = history[:low], history[low:high]
        if reply.thinking():
            history = join((case.signed(past, apply(steps, past, bound), reply), history[high:]))
    return replace(case, history=history)


def unsafe(view: History, history: History) -> list[str]:
    """Complaints about lost messages that must stay (P2), and about thinking after a changed prefix (P5)."""
    if not view:
        return ["empty"]
    must = must_go(history)
    kept = [m for m in history if m.pinned or "compaction" in m.block_types()]
    wrong = [f"newest {m.role} message gone" for m in must if not any(represents(v, m) for v in view)]
    wrong += [f"pinned {m.role} message gone" for m in kept if not any(is_still(m, v) for v in view)]
    if "compaction" in history[0].block_types() and "compaction" not in view[0].block_types():
        wrong.append("the compaction block is no longer first")
    return wrong


def must_go(history: History) -> list[Message]:
    """Return what each request holds of the newest exchange: goal, newest round, and words in the rounds between."""
    newest = history[history.newest_start() :]
    parts = [newest[low:high] for low, high in pairwise(newest.joints())]
    return [m for part in parts for m in part if part in (parts[0], parts[-1]) or says_more(m)]


def says_more(message: Message) -> bool:
    """True for words of the user, or of the system, in a tool round."""
    return message.role == "system" or (message.role == "user" and message.block_types() != {"tool_result"})


def same(view: History, history: History) -> bool:
    """True when both say the same, message by message."""
    return [(m.role, m.content) for m in view] == [(m.role, m.content) for m in history]


def represents(sent: Message, message: Message) -> bool:
    """True when what is sent is this message, a copy of it, or what one step after another made of it alone."""
    if not sent.replaces:
        return sent is message or (sent.role, sent.content) == (message.role, message.content)
    said = origins(sent)
    return len(said) == 1 and said[0] is message


def is_still(message: Message, sent: Message) -> bool:
    """True when what is sent is this message, whole but for its thinking."""
    return represents(sent, message) and sent.content in (message.content, without_thinking(message).content)


def not_canonical(view: History, history: History) -> list[str]:
    """Complaints about labkit's own steps leaving the safe form: user first, roles that alternate as they did before,
    and the user's words in the newest exchange as they were said.
    """
    said = [m for m in must_go(history) if m.role == "user" and m.text]
    changed = [m for m in said if not any(represents(v, m) and v.text == m.text for v in view)]
    wrong = [f"words changed: {m.text!r}" for m in changed]
    if view[0].role != "user" and history[0].role == "user":
        wrong.append(f"begins with {view[0].role}")
    if _runs(view) > _runs(history):
        wrong.append("roles no longer alternate")
    return wrong


def _runs(history: History) -> int:
    """Count neighbours of one role; the note of a loop belongs to the question that it follows, and so do the words of
    the user that are left of a folded round.
    """
    return sum(a.role == b.role and FOLDED_FLAG not in b.flags and not _left_alone(b) for a, b in pairwise(history))


def _left_alone(message: Message) -> bool:
    return any(m.has("tool_result") for m in message.replaces) and not message.has("tool_result")


def unexplained(fates: Sequence[Fate], view: History, history: History) -> list[str]:
    """Complaints about an explanation that leaves a message out, or says of it what is not so (P4)."""
    if [fate.message for fate in fates] != list(history):
        return ["not one fate for each message"]
    sent: dict[int | str, Message] = {as_json(History([m])): m for m in view if not m.replaces}
    sent |= {id(said): m for m in reversed(view) for said in origins(m)}
    wrong = []
    for fate in fates:
        now = sent.get(id(fate.message)) or sent.get(as_json(History([fate.message])))
        if (now is None) and fate.fate != "dropped":
            wrong.append(f"message {fate.place} is said to be {fate.fate}, but is not sent")
        if now and fate.fate == "dropped" and [id(said) for said in origins(now)] == [id(fate.message)]:
            wrong.append(f"message {fate.place} is said to be dropped, but is sent")
        if fate.fate == "kept" and now is not None and not is_still(fate.message, now):
            wrong.append(f"message {fate.place} is said to be kept, but was changed")
        if not fate.why or (fate.fate != "kept" and not fate.step):
            wrong.append(f"message {fate.place} {fate.fate} without a reason or a step")
    return wrong


def refused(case: Case, view: History) -> list[str]:
    """The API's words for a view that it refuses, if it accepts the whole history (P1)."""
    words = answer(case, view)
    return [f"refused: {words}"] if words and not answer(case, case.history) else []


def answer(case: Case, view: History) -> str:
    """The offline API's words against the request that carries `view`: nothing when it is accepted."""
    return _answer(json.dumps(case.request(view)))


@lru_cache(maxsize=64)
def _answer(request: str) -> str:
    try:
        CLIENT.messages.create(**json.loads(request))
    except anthropic.APIStatusError as error:
        body: Any = error.body
        return str(body["error"]["message"])
    return ""


def requests_sent() -> int:
    """The number of requests that this process has sent."""
    return _answer.cache_info().misses
