"""The offline Claude's answers: a pure function of the request's own messages, the same bytes every time.

The order of a reply: a look into the files of the memory tool, the outcome of tools, a summary if one is asked for,
small talk, what is known about the request itself, fact cards, tools, lessons, recall. What none of them can answer is
refused with NOT_HERE; a plain statement is acknowledged without repeating it, so that the fact lives in one message and
is gone when that one is pruned.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from labkit.offline.words import cards, loops, memory, tools
from labkit.offline.words.about import ABOUT
from labkit.offline.words.recall import recall
from labkit.offline.words.statements import LABEL, NOT_HERE, Evidence, evidence, question_in, sentences, text_of
from labkit.offline.words.summary import condense, summary_task, written
from labkit.offline.words.transcript import Task
from labkit.offline.words.wording import worded

ACKNOWLEDGED = "Noted."
BEYOND = "That is beyond me: I am simulated, and answer only from the messages I am sent and a few short lessons."
_REQUEST = re.compile(
    r"^(?:please |now |then |and |so |ok(?:ay)?,? )*(?:tell|remind|explain|describe|show|give|teach|define|compare"
    r"|list|name|repeat|recap|help|what"
    r"|which|who|whose|where|when|why|how|walk me)\b",
    re.I,
)
_WORK = re.compile(
    r"^(?:please |now )*(?:(?:can|could|would|will) you (?:please )?)?(?:write|translate|draw|generate|compose"
    r"|calculate|compute|code|rewrite"
    r"|draft|invent|imagine|design|solve|proofread|summari[sz]e)\b",
    re.I,
)
_WISH = re.compile(
    r"^(?:please )?(?:can|could|would|will) you (?:please )?(?!tell|remind|explain|describe|show|give|teach|help"
    r"|say|repeat|list|name|summari)",
    re.I,
)
_ONE = re.compile(r"\b(?:one|1|a single|single) (?:short )?sentence\b", re.I)
_TWO = re.compile(
    r"\b(?:concise\w*|brief\w*|short\w*|terse\w*|(?:two|2|few|1-2|1 or 2|one or two|1\u20132) sentences|to the "
    r"point)\b",
    re.I,
)
_PARTS = re.compile(r",?\s+and (?:also )?(?=(?:what|which|who|whose|where|when|why|how)\b)", re.I)
_MOST_QUESTIONS = 4


@dataclass(frozen=True, slots=True)
class Ground:
    """A sentence of the request that a reply rests on; `message` is its index, -1 for the system prompt."""

    message: int
    text: str


@dataclass(frozen=True, slots=True)
class Reply:
    """A reply before any length limit: content blocks in wire form, why it stopped, and what it rests on."""

    content: list[dict[str, Any]]
    stop_reason: str = "end_turn"
    grounds: tuple[Ground, ...] = ()


@dataclass(frozen=True, slots=True)
class Asking:
    """The question at hand: its request, the index of its message, all that was said so far, how long to answer."""

    messages: Sequence[Mapping[str, Any]]
    index: int
    said: list[Evidence]
    length: cards.Length


Part = tuple[str, tuple[Ground, ...]]


def _spoken(text: str, grounds: Sequence[Ground] = ()) -> Reply:
    return Reply([{"type": "text", "text": LABEL + text}], "end_turn", tuple(grounds))


def _length(system: str, asked: str) -> cards.Length:
    for text in (asked, system):
        if _ONE.search(text):
            return "one"
        if _TWO.search(text):
            return "two"
    return "full"


def _questions(text: str) -> list[str]:
    parts = [part.strip(" ,") for line in sentences(text) for part in _PARTS.split(question_in(line))]
    return [part for part in parts if part.endswith("?") or _REQUEST.match(part) or _WORK.match(part)]


def _from_card(asking: Asking, text: str) -> Part | None:
    card = cards.card_asked(text)
    if card is None:
        return None
    found = cards.fact_from_card(card, asking.said)
    if found:
        return found[0], (Ground(found[1].message, found[1].unit.text),)
    return (NOT_HERE, ()) if card.only else None


def _earlier_lessons(asking: Asking) -> list[tuple[int, cards.Lesson]]:
    """Return what was taught before the question, latest first; where nothing was, what the earlier texts name."""
    texts = [(i, text_of(asking.messages[i].get("content", ""))) for i in range(asking.index - 1, -1, -1)]
    given = [(i, cards.lesson_given(text) or cards.lesson_asked(text)) for i, text in texts]
    found = given if any(lesson for _, lesson in given) else [(i, cards.topic_in(text)) for i, text in texts]
    return [(i, lesson) for i, lesson in found if lesson]


def _from_lesson(asking: Asking, text: str) -> Part | None:
    lesson = cards.lesson_asked(text)
    if lesson:
        return lesson.text(asking.length), ()
    back = cards.refers_back(text)
    if back is None or not cards.follows_anything(text):
        return None
    earlier = _earlier_lessons(asking)
    if not earlier:
        return f'I don\'t know what "{back}" refers to: nothing that I was sent says so.', ()
    directed = next(((i, named) for i, named in earlier if cards.follow_up(text, named.topic)), earlier[0])
    answer = cards.continued(text, directed[1], asking.length)
    ground = Ground(directed[0], text_of(asking.messages[directed[0]]["content"]).removeprefix(LABEL))
    return (answer, (ground,)) if answer else None


def _from_recall(asking: Asking, text: str) -> Part | None:
    found = recall(asking.said, text)
    return (worded(found.said), (Ground(found.said.message, found.said.unit.text),)) if found else None


def _from_about(asking: Asking, text: str) -> Part | None:
    name = cards.about_asked(text)
    if name is None:
        return None
    answer, grounds = ABOUT[name](asking.messages, asking.index, asking.said)
    return answer, tuple(Ground(*ground) for ground in grounds)


def _answer(asking: Asking, text: str) -> Part:
    """Answer one question: the first source that knows something wins."""
    talk = cards.small_talk(text)
    if talk:
        return talk, ()
    for source in (_from_about, _from_card, _from_lesson, _from_recall):
        part = source(asking, text)
        if part:
            return part
    if _WORK.match(text):
        return BEYOND, ()
    return (ACKNOWLEDGED, ()) if _WISH.match(text) else (NOT_HERE, ())


def _conversation(asking: Asking, asked: str) -> Reply:
    questions = _questions(asked)[-_MOST_QUESTIONS:]
    if not questions:
        return _spoken(cards.small_talk(asked) or ACKNOWLEDGED)
    parts = [_answer(asking, question) for question in questions]
    answers = list(dict.fromkeys(answer for answer, _ in parts))
    joined = ("\n\n" if any("\n" in answer for answer in answers) else " ").join(answers)
    return _spoken(joined, [ground for _, grounds in parts for ground in grounds])


def _calling(request: Mapping[str, Any], asking: Asking, text: str, done: frozenset[str]) -> Reply | None:
    made, lacking = tools.wanted(request, text, asking.said)
    made = [call for call in made if call.name not in done]
    if made:
        return _announced(tools.at_once(request, made), asking)
    return _spoken(f"{lacking[0]}, and this conversation doesn't hold it.") if lacking and not done else None


def _announced(made: Sequence[tools.Call], asking: Asking) -> Reply:
    names = " and ".join(dict.fromkeys(call.name for call in made))
    words = {"type": "text", "text": f"{LABEL}I'll call {names}."}
    return Reply([words, *tools.blocks(made, asking.index)], "tool_use")


def _after_tools(request: Mapping[str, Any], asking: Asking) -> Reply:
    """Go on after tool results: with the calls that the goal still asks for, else with an answer that rests on them."""
    goal = loops.goal_of(asking.messages, asking.index)
    made = loops.made_since(asking.messages, loops.opening_of(asking.messages, asking.index), asking.index)
    due = loops.due(request, goal, made)
    if due:
        return _announced(tools.at_once(request, due), asking)
    following = _calling(request, asking, goal, frozenset(one.name for one in made))
    return following or _answer_of_loop(asking, goal, made)


def _answer_of_loop(asking: Asking, goal: str, made: Sequence[loops.Made]) -> Reply:
    """Answer from all results of a loop that can be read; where none has the answer, read a cleared one again."""
    if len(made) > len(tools.tool_results(asking.messages[asking.index])):
        for question in reversed(_questions(goal)):
            part = _from_recall(asking, question)
            if part:
                return _spoken(*part)
        lost = loops.again(made)
        if lost:
            return _announced([lost], asking)
    answer = tools.in_words(asking.messages, asking.index, goal)
    return _spoken(answer.text, [Ground(asking.index, ground) for ground in answer.grounds])


def _remembering(request: Mapping[str, Any], asking: Asking) -> Reply | None:
    """Go on with the memory tool, or answer once its files are read and written; None where it has no part."""
    opening = loops.opening_of(asking.messages, asking.index)
    text = text_of(asking.messages[opening].get("content", "")) if asking.messages else ""
    told = "" if _questions(text) or cards.small_talk(text) else text.strip()
    command = memory.next_command(asking.messages[: asking.index + 1], opening, told)
    if command:
        use = tools.blocks([tools.Call(memory.NAME, command)], asking.index)
        return Reply([{"type": "text", "text": f"{LABEL}I'll call {memory.NAME}."}, *use], "tool_use")
    called = tools.already_called(asking.messages, opening)
    return _conversation(asking, text) if called == {memory.NAME} and opening < asking.index else None


def _known_well(asking: Asking, asked: str) -> bool:
    """Check whether the conversation itself answers a message, so that no tool is needed."""
    questions = _questions(asked)
    if not questions:
        return bool(cards.small_talk(asked))
    return all(_from_about(asking, q) or _from_card(asking, q) or _from_recall(asking, q) for q in questions)


def _summary(task: Task, index: int) -> Reply:
    kept = condense(task.turns, task.instruction)
    sources = [(task.turns[line.place].message, line.text) for line in kept]
    return _spoken(written(kept), [Ground(index if message < 0 else message, text) for message, text in sources])


def reply(request: Mapping[str, Any]) -> Reply:
    """Answer a Messages API request body from its own messages and system prompt alone.

    The request is taken as valid; a reply longer than `max_tokens` is not cut here.
    """
    messages = request.get("messages") or ()
    index = next((i for i in range(len(messages) - 1, -1, -1) if messages[i].get("role") == "user"), 0)
    asked = text_of(messages[index].get("content", "")) if messages else ""
    said = [e for e in evidence(request, index + 1) if e.role != "assistant" or not cards.is_taught(e.unit.text)]
    asking = Asking(messages, index, said, _length(text_of(request.get("system") or ""), asked))
    if messages and tools.is_forced(request):
        forced = tools.forced_call(request, loops.goal_of(messages, index), said)
        return Reply(tools.blocks([forced], index), "tool_use")
    remembered = _remembering(request, asking) if memory.offered(request) else None
    if remembered:
        return remembered
    if messages and tools.tool_results(messages[index]):
        return _after_tools(request, asking)
    task = summary_task(request, asked, index)
    if task:
        return _summary(task, index)
    if tools.own_tools(request) and not _known_well(asking, asked):
        called = _calling(request, asking, asked, frozenset())
        if called:
            return called
    return _conversation(asking, asked)
