"""The laws of a manager that summarizes, saves and loads: what a summary may stand for, and what a load brings back.

A request that does not end in the question at hand is one for a summary.
"""

import json
from collections.abc import Iterator
from itertools import takewhile
from typing import Any

from labkit.request_log import Sent
from labkit.teach.cells.words import counted
from labkit.teach.checks.check import brief
from labkit.teach.trials.claude import Wire, last_words
from labkit.teach.trials.laws import QUESTION, REPLY, Law, Need, lines
from labkit.teach.trials.run import Run, Step

ASKED = Need("no summary was asked for", lambda run, _: any(not main for _, main in _asked(run)))
MADE = Need("no summary was made", lambda run, _: bool(summaries(run)))
LOADED = Need("there was no reply to save", lambda run, _: bool(run.twin and run.said))


def turns(messages: list[Wire]) -> list[list[Wire]]:
    """Messages as turns: each begins where the user says something, and a tool result says nothing."""
    found: list[list[Wire]] = []
    for message in messages:
        if not found or (message["role"] == "user" and not last_words(message).startswith("[result of")):
            found.append([])
        found[-1].append(message)
    return found


def summaries(run: Run, until: Sent | None = None) -> list[tuple[Sent, str]]:
    """The summaries that were made so far, or before the request `until`: the request for each, and its text."""
    earlier = takewhile(lambda one: one[0] is not until, _asked(run))
    found = [(sent, last_words(sent.reply)) for sent, main in earlier if not main and sent.status == 200]
    return [(sent, text) for sent, text in found if text.strip()]


def _shown_to(sent: Sent) -> str:
    """Everything a request says, as one text to look for words in."""
    return json.dumps(sent.messages, ensure_ascii=False) + json.dumps(sent.request.get("system", ""))


def _asked(run: Run) -> Iterator[tuple[Sent, bool]]:
    return ((sent, sent is step.main) for step in run.steps for sent in step.sent)


def _since_last_reply(run: Run) -> tuple[Sent | None, list[Sent]]:
    """The last answered request for a reply before the newest one, and the requests for a summary after it."""
    before: Sent | None = None
    others: list[Sent] = []
    *earlier, last = run.steps
    for step in [*earlier, last]:
        for sent in step.sent:
            if step is last and sent is step.main:
                return before, others
            if sent is step.main and sent.status == 200:
                before, others = sent, []
            elif sent is not step.main:
                others.append(sent)
    return before, others


def _is_summarized(run: Run, message: Wire, until: Sent | None = None) -> bool:
    words = last_words(message)
    return any(words in last_words(shown) for sent, _ in summaries(run, until) for shown in sent.messages)


def _open_turns(run: Run, answered: Sent, until: Sent) -> int:
    """Turns not yet summarized when `answered` came back, its own included."""
    step = next(step for step in run.steps if step.main is answered)
    return 1 + sum(not _is_summarized(run, turn[0], until) for turn in turns(step.said))


def _summary_when_due(run: Run, step: Step) -> str:
    before, others = _since_last_reply(run)
    if not step.main or not before:
        return ""
    limit, used = run.settings["token_threshold"], before.usage.total_input
    if used > limit and not others and _open_turns(run, before, step.main) > run.settings["recent_turns_to_keep"]:
        why = "; last_input_tokens is still 0" if getattr(run.manager, "last_input_tokens", None) == 0 else ""
        return (
            f"asked for no summary, although a request had {used:,} input tokens and token_threshold is {limit:,}{why}"
        )
    if used <= limit and others:
        had = counted(used, "input token")
        return f"asked for a summary, although the request before had {had}, not more than {limit:,}"
    return ""


def _recent_whole(run: Run, step: Step) -> str:
    if not step.main or not step.asked:
        return ""
    recent = turns(step.said)[-run.settings["recent_turns_to_keep"] :]
    due = lines([*(message for turn in recent for message in turn), step.asked])
    if lines(step.main.messages)[-len(due) :] == due:
        return ""
    missing = next((words for role, words in due if (role, words) not in lines(step.main.messages)), "")
    what = f"{brief(missing)} is missing" if missing else "something is between them"
    return f"sent a request that does not end in the newest {counted(len(recent), 'turn')} and the question: {what}"


def _nothing_vanishes(run: Run, step: Step) -> str:
    if not step.main:
        return ""
    sent = lines(step.main.messages)
    _, others = _since_last_reply(run)
    tried = bool(others)
    for turn in turns(step.said):
        gone = next((message for message in turn if lines([message])[0] not in sent), None)
        if gone and not _is_summarized(run, turn[0]) and not (tried and _held(run, gone)):
            return f"no longer sends {brief(last_words(gone))}, and no summary was asked for that could stand for it"
    return ""


def _held(run: Run, message: Wire) -> bool:
    """True if a manager holds a message's words anywhere."""
    kept = {name: value for name, value in vars(run.manager).items() if name != "client"}
    return all(part in json.dumps(kept, ensure_ascii=False, default=_readable) for part in _parts(message))


def _readable(value: Any) -> str:
    return str(getattr(value, "text", value))


def _parts(message: Wire) -> list[str]:
    content = message["content"]
    return [content] if isinstance(content, str) else [str(block.get("content") or block["id"]) for block in content]


def _history_safe(run: Run, _: Step) -> str:
    for turn in turns(run.said):
        gone = next((message for message in turn if not _held(run, message)), None)
        if gone and not _is_summarized(run, turn[0]):
            return f"holds {brief(last_words(gone))} no longer, and no summary replaces it"
    return ""


def _summary_travels(run: Run, step: Step) -> str:
    made = summaries(run)
    if not step.main or not made or made[-1][0] in step.sent[step.sent.index(step.main) :]:
        return ""
    return "" if made[-1][1] in _shown_to(step.main) else f"has {brief(made[-1][1])} and sends a request without it"


def _summary_folded(run: Run, _: Step) -> str:
    made = summaries(run)
    if len(made) < 2 or made[-2][1] in _shown_to(made[-1][0]):
        return ""
    return f"asked for {brief(made[-1][1])} without showing {brief(made[-2][1])}: what that one said is lost"


def _summary_bounded(run: Run, step: Step) -> str:
    sent = [text for _, text in summaries(run) if step.main and text in _shown_to(step.main)]
    if len(sent) < 2:
        return ""
    return f"sends {brief(sent[0])} and {brief(sent[1])} one after the other: with each summary the request grows"


def _summary_fails_softly(_: Run, step: Step) -> str:
    if step.move not in ("summary 529", "summary empty") or not step.raised or not step.due:
        return ""
    return "raised an error because a summary failed; the reply to the question had come"


def _loaded_alike(_: Run, step: Step) -> str:
    return step.loaded


def _goes_on_alike(run: Run, step: Step) -> str:
    if run.twin is None or step.move == "reload" or not run.twin.steps:
        return ""
    one, other = ([sent.request for sent in sends] for sends in (step.sent, run.twin.steps[-1].sent))
    counts = [" and ".join(str(len(request["messages"])) for request in requests) or "no" for requests in (one, other)]
    if counts[0] != counts[1]:
        return "after load sends requests of {} messages; the manager that was saved sends {}".format(*counts)
    for mine, saved in zip(one, other, strict=True):
        for name in sorted(mine.keys() | saved.keys()):
            if mine.get(name) != saved.get(name):
                came, was = (_field(request, name, saved if request is mine else mine) for request in (mine, saved))
                return f"after load sends {came}; the manager that was saved sends {was}"
    return ""


def _field(request: Wire, name: str, other: Wire) -> str:
    """A field of a request, as it differs from another one: of its messages the first that is another."""
    if name not in request:
        return f"no {name}"
    if name != "messages":
        return f"{name}={brief(request[name])}"
    pairs = zip(lines(request[name]), lines(other[name]), strict=True)
    return next((brief(words) for (role, words), they in pairs if (role, words) != they), "other blocks")


SUMMARY_WHEN_DUE = Law(
    "a summary is asked for when the request before was above the threshold, and only then",
    "After each reply, compare the input tokens of that request with token_threshold.",
    _summary_when_due,
    "",
    needs=REPLY,
)
CACHED_COUNTS = Law(
    "input that came from the prompt cache counts towards the threshold as well",
    "input_tokens is the part that was not cached; add cache_read_input_tokens and cache_creation_input_tokens.",
    _summary_when_due,
    "",
    needs=REPLY,
)
RECENT_WHOLE = Law(
    "the newest turns travel word for word, tool calls included",
    "Cut where a turn begins: at a user message whose content is a text.",
    _recent_whole,
    needs=QUESTION,
)
NOTHING_VANISHES = Law(
    "what is no longer sent was shown to Claude for the summary",
    "The messages that are cut off go into the request for the summary.",
    _nothing_vanishes,
    needs=QUESTION,
)
HISTORY_SAFE = Law(
    "nothing is thrown away before a summary replaces it",
    "Ask for the summary first; change self.messages only when its words are there.",
    _history_safe,
    "kept",
    needs=ASKED,
)
EMPTY_SUMMARY = Law(
    "a summary without a word counts as one that failed",
    "Ask whether there are words in it before it takes the place of anything.",
    _history_safe,
    "kept",
    needs=ASKED,
)
SUMMARY_TRAVELS = Law(
    "the summary travels with the requests after it",
    "A pair at the start of self.messages: the summary as a user message, and a short reply to it.",
    _summary_travels,
    needs=MADE,
)
SUMMARY_FOLDED = Law(
    "a second summary is made from the first one and what came after it",
    "The request for a summary shows the one before it as well.",
    _summary_folded,
    "summary",
    needs=MADE,
)
SUMMARY_BOUNDED = Law(
    "the newest summary is the only one",
    "A summary that was made from the earlier one takes its place.",
    _summary_bounded,
    needs=MADE,
)
SUMMARY_FAILS_SOFTLY = Law(
    "a summary that fails does not take the reply away",
    "The reply has come; catch the error of the second call, and go on with everything as it was.",
    _summary_fails_softly,
    "",
    needs=ASKED,
)
LOADED_ALIKE = Law(
    "load brings back what was saved: messages, settings, summary and totals",
    "Go through the attributes of the class; each one goes into the file and comes back.",
    _loaded_alike,
    "",
    needs=LOADED,
)
GOES_ON_ALIKE = Law(
    "a loaded conversation goes on as the saved one would",
    "What decides the next request? All of that has to be in the file.",
    _goes_on_alike,
    needs=LOADED,
)
