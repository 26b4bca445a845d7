"""A conversation that breaks a law: run with a learner's manager, made smaller, and shown as a timeline."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from labkit.teach.cells.shown import Shown, as_html, table
from labkit.teach.cells.wire import as_timeline
from labkit.teach.cells.words import counted, cut
from labkit.teach.checks.check import Broken, Finding, Outcome, brief, caught
from labkit.teach.checks.deadline import processor_seconds
from labkit.teach.trials.claude import last_words
from labkit.teach.trials.laws import Law, api_words
from labkit.teach.trials.run import LOST, MOVES, Run, Step

RUNS = Law("nothing stops with another error", "Read the error and the line it names.", lambda *_: "", "")


@dataclass(frozen=True)
class Talk:
    """A conversation to be had: its moves, and the settings of the manager that has it."""

    moves: tuple[str, ...]
    settings: Mapping[str, Any] = field(default_factory=dict)


class LawBroken(Broken):
    """A law does not hold; its text is the law's clause."""

    def __init__(self, law: Law, clause: str) -> None:
        """Take the law and what went against it."""
        super().__init__(clause)
        self.law = law


@dataclass(frozen=True)
class Break:
    """A conversation that breaks a law: what it was, how it went, and the trouble in words."""

    law: Law
    talk: Talk
    run: Run
    outcome: Outcome

    def finding(self) -> Finding:
        """The law as a claim that does not hold yet."""
        return Finding(self.law.claim, False, f"✗ Not yet: {self.law.claim}. {self.outcome.sentence()}", self.law.hint)

    def shown(self, words: bool = False) -> Shown:
        """The conversation as a timeline, then the request or the list that is wrong, and the API's own words; with
        `words` what is wrong about it, too.
        """
        said = self.law is RUNS or (self.run.steps and self.run.steps[-1].refused)
        told = [_line(f"Here your code {self.outcome.trouble}.")] if words and not said else []
        return _stacked([self._steps(), *self._detail(), *told])

    def _steps(self) -> Shown:
        settings = ", ".join(f"{name}={brief(value)}" for name, value in self.talk.settings.items())
        rows = [_row(place, step) for place, step in enumerate(self.run.steps, 1)]
        if len(rows) < len(self.talk.moves):
            place = len(rows) + 1
            rows.append((place, _happens(place, self.talk.moves[place - 1]), "", "your code stops with an error"))
        kind = f"The smallest conversation that breaks it{f' ({settings})' if settings else ''}:"
        return table(["step", "what happens", "sent", "outcome"], rows, kind)

    def _detail(self) -> Iterator[Shown]:
        if not self.run.steps or self.law is RUNS:
            return
        place, step = len(self.run.steps), self.run.steps[-1]
        last = step.sent[-1] if step.sent else None
        wrong = step.refused or (last if self.law.shows == "summary" else step.main or last)
        if self.law.shows == "kept":
            yield from _messages(f"What the manager keeps after step {place}:", step.after)
        elif self.law.shows in ("request", "summary") and wrong:
            kind = f"The {'request' if self.law.shows == 'request' else 'newest request'} of step {place}"
            yield from _messages(f"{kind}{', which the API refuses' if step.refused else ''}:", wrong.messages)
            if step.refused:
                yield _line(f"The API says: {api_words(wrong)}")


def play(run: Run, talk: Talk, laws: Sequence[Law]) -> None:
    """Have a conversation; raises LawBroken after the step that breaks a law, and what the learner's code raises."""
    for move in talk.moves:
        step = run.take(move)
        for law in laws:
            if clause := law.test(run, step):
                raise LawBroken(law, clause)


def broken(kind: type, talk: Talk, laws: Sequence[Law]) -> Break | None:
    """The conversation with the law that it breaks, or None; an error of the learner's own code breaks one too."""
    runs: list[Run] = []
    laws_broken: list[Law] = []

    def had() -> None:
        """Have the conversation and note the law that is broken."""
        runs.append(Run(kind, talk.settings))
        try:
            play(runs[0], talk, laws)
        except LawBroken as error:
            laws_broken.append(error.law)
            raise

    outcome = caught(had)
    if outcome.kind == "SystemExit":
        raise SystemExit
    if not outcome.trouble or outcome.untried or not runs:
        return None
    return Break(laws_broken[0] if laws_broken else RUNS, talk, runs[0], outcome)


def shrunk(kind: type, found: Break, deadline: float) -> Break:
    """The break with fewer and plainer moves, as long as one can be taken away or made plain, and there is time."""
    while processor_seconds() < deadline:
        smaller = (broken(kind, talk, (found.law,)) for talk in _simpler(found.talk, len(found.run.steps)))
        better = next((one for one in smaller if one and _alike(one, found)), None)
        if better is None:
            break
        found = better
    return found


def _alike(one: Break, other: Break) -> bool:
    return one.law is other.law and one.outcome.kind == other.outcome.kind


def _simpler(talk: Talk, made: int) -> Iterator[Talk]:
    moves = talk.moves
    if made + 1 < len(moves):
        yield Talk(moves[: made + 1], talk.settings)
    for place in range(len(moves)):
        if len(moves) > 1:
            yield Talk(moves[:place] + moves[place + 1 :], talk.settings)
    for place, move in enumerate(moves):
        if move != "say":
            yield Talk((*moves[:place], "say", *moves[place + 1 :]), talk.settings)
    if "messages" in talk.settings:
        yield Talk(moves, {name: value for name, value in talk.settings.items() if name != "messages"})


def _row(place: int, step: Step) -> tuple[object, ...]:
    carried = "; ".join(_carried(sent.messages, step.main is sent) for sent in step.sent)
    return place, _happens(place, step.move), carried, _outcome(step)


def _happens(place: int, move: str) -> str:
    return MOVES[move].replace("asks", f"asks Question {place}", 1)


def _carried(messages: list[Any], main: bool) -> str:
    count = counted(len(messages), "message")
    return count if main else f"{count} in another request"


def _outcome(step: Step) -> str:
    if step.asked is None:
        return ""
    if step.refused:
        return f"{step.refused.status} from the API"
    if step.raised:
        return f"send raises {step.raised}"
    return f"send gives back {brief(step.reply)}" if step.move in LOST or not step.due else step.due


def _messages(title: str, messages: list[Any]) -> Iterator[Shown]:
    """A list of messages as a timeline, texts cut short; nothing where the list holds anything else."""
    rows = [
        {"role": message.get("role"), "content": cut(" ".join(last_words(message).split()), 120)}
        for message in messages
    ]
    drawn = caught(partial(as_timeline, rows))
    if isinstance(drawn.value, Shown):
        yield _stacked([_line(title), drawn.value])


def _line(words: str) -> Shown:
    return Shown(words, f"<p>{as_html(words)}</p>")


def _stacked(parts: Sequence[Shown]) -> Shown:
    return Shown("\n".join(part.plain for part in parts), "".join(part.rich for part in parts))
