"""Summaries as a model writes them: decisions, facts, preferences and tool results kept, greetings and filler dropped.

Sentences are kept nearly word for word under headings, best first until the length is spent; so a tight summary loses
details, as real ones do. Nothing is inferred and nothing is added.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from labkit.offline.words.cards import is_taught, lesson_given, small_talk
from labkit.offline.words.statements import NOT_HERE, Unit, results, sentences, statements, text_of, unwrapped
from labkit.offline.words.stems import stem, tokens, word_list
from labkit.offline.words.transcript import EARLIER, Task, Turn, of_messages, of_prompt
from labkit.offline.words.wording import bare
from labkit.offline.words.worth import LEAST, SECTIONS, section_of, worth_of

RATIO = 5.0
"""Words of conversation that become one word of summary where the instruction names no length."""
SHORTEST, BRIEF, LONGEST = 12, 60, 450
"""Words that any summary may have, that one of a short conversation may have, and that no unlimited one exceeds."""

_ASKED = re.compile(r"\b(?:summari[sz]e|condense|compress|distil|recap|write (?:a|the) summary)\b", re.I)
_OBJECT = re.compile(
    r"\b(?:conversation|chat|discussion|history|transcript|messages?|so far|above|below|dialogue|exchange"
    r"|everything|what (?:we|i|you) \w+)\b",
    re.I,
)
_BARE = re.compile(r"\s*(?:please )?(?:summari[sz]e|recap|condense)(?: (?:this|it|that|all|please))*[\s.!?]*$", re.I)
_LENGTH = re.compile(
    r"\b(?:at most|under|within|up to|no more than|less than|about|around|in|of)?\s*(\d[\d,]*+)\s*(?:-\s*)?(words?"
    r"|tokens?|sentences?)\b",
    re.I,
)
_RULES = re.compile(r"^rules\b[^\n]*word for word:[ \t]*$", re.I | re.M)
RULE_WORTH = 3.0
"""Points more for a rule that the instruction names: kept first, as long as there is room. Our choice."""
_FOCUS = re.compile(r"\b(?:focus(?:ing)? (?:only )?on|especially|in particular|pay attention to)\s+([^.\n]+)", re.I)


class Line(NamedTuple):
    """A sentence that could go into a summary: its section, its worth, its length in words, its place in time."""

    text: str
    section: str
    worth: float
    length: int
    place: int


class Wishes(NamedTuple):
    """An instruction's wishes: stems to focus on, and the rules that it names to be kept, in plain words."""

    focus: frozenset[str] = frozenset()
    rules: tuple[str, ...] = ()

    @classmethod
    def of(cls, instruction: str) -> "Wishes":
        """Read the wishes of an instruction."""
        head, _, listed = _RULES.sub("\n\0", instruction, count=1).partition("\0")
        asked = _FOCUS.search(head)
        stems = {stem(word) for word in tokens(asked[1]) if word not in word_list("stop")} if asked else ()
        rules = (line[2:] for line in listed.splitlines() if line.startswith("- "))
        return cls(frozenset(stems), tuple(filter(None, map(_plain, rules))))

    def name(self, text: str) -> bool:
        """True for a sentence that is one of the named rules, or part of one."""
        plain = _plain(text)
        return any(plain in rule or rule in plain for rule in self.rules) if len(plain) > 8 else False


def _plain(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.lower()))


def _said_lines(turn: Turn, place: int, wishes: Wishes) -> Iterable[Line]:
    for unit in statements(turn.text):
        who = unit.who or turn.who
        worth = worth_of(bare(unit.text), who) + 1.5 * len(wishes.focus & unit.words.stems)
        worth += RULE_WORTH * wishes.name(unit.text)
        if worth >= LEAST and not small_talk(unit.text) and not (who == "assistant" and is_taught(unit.text)):
            text = bare(unit.text)
            text = f"[{who}] {text}" if who in ("assistant", "system") else text
            yield Line(text, section_of(text), worth, len(text.split()), place)


def _result_lines(turn: Turn, place: int, wishes: Wishes) -> Iterable[Line]:
    """Take over a tool result: a line for each record of a JSON result, each sentence of a plain one."""
    records: dict[str, list[Unit]] = {}
    for number, unit in enumerate(results(turn.text, "")):
        records.setdefault(unit.place or str(number), []).append(unit)
    for units in records.values():
        text = "; ".join(unit.text.rstrip(".") for unit in units)
        worth = 2.2 + 1.5 * max(len(wishes.focus & unit.words.stems) for unit in units)
        yield Line(text, "Tool results", worth, len(text.split()), place)


def _folded_lines(turn: Turn, place: int) -> Iterable[Line]:
    """Take the lines of an earlier summary over, each into its former section."""
    section = "Facts"
    for raw in turn.text.splitlines():
        line = unwrapped(raw.strip()).strip(" -*\u2022")
        heading = line.rstrip(":").strip()
        if heading in SECTIONS:
            section = heading
            continue
        for text in sentences(line):
            if text and not small_talk(text):
                yield Line(text, section, 1.5 + max(worth_of(text, "user"), 0.0), len(text.split()), place)


def _taught_lines(turn: Turn, place: int) -> Iterable[Line]:
    lesson = lesson_given(turn.text)
    if lesson:
        yield Line(lesson.title, "Topics", 2.0, len(lesson.title.split()), place)
        yield Line(lesson.two, "Facts", 1.0, len(lesson.two.split()), place)


def _open_lines(turn: Turn, answer: Turn | None, place: int) -> Iterable[Line]:
    """Take over the questions that got no answer."""
    if turn.who != "user" or (answer and answer.who in ("assistant", "tool") and NOT_HERE not in answer.text):
        return
    for text in sentences(turn.text):
        if text.endswith("?") and len(text.split()) > 3 and not small_talk(text):
            yield Line(text, "Open questions", 1.2, len(text.split()), place)


def _key(line: Line) -> str:
    """Return what a line is about, so that a later value replaces an earlier: the words before `is`, or all."""
    about = re.match(
        r"(?:\[\w+\] )?((?:my|our|the) [\w' -]{3,40}?) (?:is|are|was|will be|has (?:moved|changed))\b", line.text, re.I
    )
    return " ".join(stem(w) for w in tokens(about[1] if about else line.text) if w not in word_list("stop"))


def _turn_lines(turns: Sequence[Turn], place: int, wishes: Wishes) -> list[Line]:
    turn = turns[place]
    if turn.who == EARLIER:
        return list(_folded_lines(turn, place))
    if turn.who == "tool":
        return list(_result_lines(turn, place, wishes))
    answer = turns[place + 1] if place + 1 < len(turns) else None
    return [*_taught_lines(turn, place), *_said_lines(turn, place, wishes), *_open_lines(turn, answer, place)]


def _lines(turns: Sequence[Turn], wishes: Wishes) -> list[Line]:
    """Return every line worth considering; of two about the same thing the later one."""
    latest: dict[str, Line] = {}
    for place in range(len(turns)):
        for line in _turn_lines(turns, place, wishes):
            latest.pop(_key(line), None)
            latest[_key(line)] = line
    return list(latest.values())


def _budget(turns: Sequence[Turn], instruction: str, ratio: float) -> int:
    """Return how many words a summary may have: as asked, else by the ratio, with most of an earlier summary.

    A length in words or sentences is a wish; one in tokens is a bound, as a reply's own limit is.
    """
    asked = _LENGTH.search(instruction)
    unit = asked[2].lower() if asked else ""
    if asked and not unit.startswith("token"):
        per_unit = 1.0 if unit.startswith("word") else 14.0
        return max(int(float(asked[1].replace(",", "")) * per_unit), SHORTEST)
    most = int(float(asked[1].replace(",", "")) * 0.7) if asked else LONGEST
    earlier = sum(len(turn.text.split()) for turn in turns if turn.who == EARLIER)
    new = sum(len(turn.text.split()) for turn in turns) - earlier
    room = max(new / ratio, min(0.7 * new, BRIEF))
    return max(min(int(0.9 * earlier + room), LONGEST, most), SHORTEST)


def _chosen(lines: Sequence[Line], budget: int) -> list[Line]:
    """Return the lines that are worth most for their length and fit, in the order in which they were said."""
    ranked = sorted(lines, key=lambda line: (-line.worth / (line.length + 3) ** 0.6, -line.place))
    kept, spent, sections = [], 0, set()
    for line in ranked:
        heading = 0 if line.section in sections else len(line.section.split())
        if spent + line.length + heading <= budget:
            kept.append(line)
            spent += line.length + heading
            sections.add(line.section)
    return sorted(kept, key=lambda line: line.place)


def condense(turns: Sequence[Turn], instruction: str = "", ratio: float = RATIO) -> list[Line]:
    """Return the lines that a summary of these turns keeps, in the order in which they were said."""
    return _chosen(_lines(turns, Wishes.of(instruction)), _budget(turns, instruction, ratio))


def written(kept: Sequence[Line]) -> str:
    """Write kept lines under their headings."""
    parts = []
    for section in SECTIONS:
        texts = [line.text for line in kept if line.section == section]
        if texts:
            parts.append("\n".join([f"{section}:", *(f"- {text}" for text in texts)]))
    return "\n".join(parts) or "Nothing was said that needs to be kept."


def summarize(turns: Sequence[Turn], instruction: str = "", ratio: float = RATIO) -> str:
    """Condense turns into a sectioned text; a length in the instruction (`in at most 80 words`) goes before `ratio`.

    `ratio` is words of conversation per word of summary. A summary has at least SHORTEST words of room.
    """
    return written(condense(turns, instruction, ratio))


def _ends(text: str) -> str:
    """Return where an instruction can stand: the beginning and the end of a long text."""
    return f"{text[:1500]}\n{text[-500:]}" if len(text) > 2000 else text


def _is_asked(system: str, ends: str) -> bool:
    if re.search(r"\b(?:summari[sz]\w*|condense)\b", system, re.I) and len(ends) > 80:
        return True
    return bool(_ASKED.search(ends) and (_OBJECT.search(ends) or _BARE.match(ends)))


def summary_task(request: Mapping[str, Any], asked: str, index: int) -> Task | None:
    """Return the summary asked for, or None: of the transcript in the last message, else of the messages."""
    ends = _ends(asked)
    if not _is_asked(text_of(request.get("system") or ""), ends):
        return None
    task = of_prompt(asked)
    if task.turns:
        return Task(_ends(task.instruction), task.turns)
    messages = request.get("messages") or ()
    return Task(ends, of_messages(messages[:index])) if index and _ASKED.search(ends) else None
