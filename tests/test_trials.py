"""Random conversations find what is wrong with a learner's manager, and survive whatever it does."""

import builtins
import contextlib
import io
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import anthropic
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labkit.teach.checks import answers
from labkit.teach.checks.exercise import Exercise
from labkit.teach.checks.probing import observed_once, same
from labkit.teach.exercises import all_exercises, exercise
from labkit.teach.exercises.manager.full_history import ConversationManager
from labkit.teach.exercises.manager.smart_manager import SmartConversationManager
from labkit.teach.exercises.manager.window import SlidingWindowManager
from labkit.teach.record import progress
from labkit.teach.trials import crashes
from labkit.teach.trials import laws as trial_laws
from labkit.teach.trials import laws_summary as trial_laws_summary
from labkit.teach.trials import laws_window as trial_laws_window
from labkit.teach.trials.breaks import Talk, broken
from labkit.teach.trials.claude import FAULTS, SHAPES, TrialClaude
from labkit.teach.trials.courses import Course
from labkit.teach.trials.laws import Law, api_words
from labkit.teach.trials.run import LOST, MOVES, Run

COURSES = [(one, one.course) for one in all_exercises().values() if isinstance(one.course, Course)]
LAWS = [
    law
    for laws in (trial_laws, trial_laws_summary, trial_laws_window)
    for law in vars(laws).values()
    if isinstance(law, Law)
]


class AsksBefore(ConversationManager):
    """Puts the question in front of the rest."""

    def get_messages(self) -> list[Any]:
        """The newest message first."""
        return self.messages[-1:] + self.messages[:-1]


class GivesBackTheResponse(ConversationManager):
    """Gives back something else than the text."""

    def send(self, text: Any) -> Any:
        """The reply, as if it had been shouted."""
        return super().send(text).upper()


class CountsTurns(ConversationManager):
    """Counts turns where messages are to be counted."""

    def get_token_usage(self) -> dict[str, int]:
        """Half of the messages."""
        return super().get_token_usage() | {"message_count": len(self.messages) // 2}


class KeepsEmptyReplies(ConversationManager):
    """Takes a reply without words for a reply."""

    def ask(self, messages: Any) -> str:
        """The reply, or a blank."""
        return super().ask(messages) or " "


class DropsTheOldest(SmartConversationManager):
    """Forgets what is old as soon as it is long, without a summary."""

    def summarize(self) -> None:
        """Only the newest turn stays."""
        self.messages = self.messages[-2:]


BY_HAND = [
    ("06-a", AsksBefore, trial_laws.QUESTION_LAST),
    ("06-a", GivesBackTheResponse, trial_laws.REPLY_GIVEN),
    ("06-a", CountsTurns, trial_laws.MESSAGES_COUNTED),
    ("06-a", KeepsEmptyReplies, trial_laws.EMPTY_REPLY),
    ("06-c", DropsTheOldest, trial_laws_summary.NOTHING_VANISHES),
]


@pytest.mark.parametrize(("id", "kind", "law"), BY_HAND, ids=lambda value: getattr(value, "__name__", None))
def test_what_no_named_mistake_does_is_found_as_well(id: str, kind: type, law: Law) -> None:
    """A class that breaks a law in a way without a name gets the claim, the result, and a hint."""
    verdict = exercise(id).verdict(kind)
    assert f"✗ Not yet: {law.claim}" in str(verdict)
    assert not verdict.mistake
    assert law.hint in str(verdict)


def test_every_law_is_broken_by_something() -> None:
    """No law is one that cannot fail: each is broken by a mistake, a given defect, or a class of this file."""
    found = {law.claim for _, _, law in BY_HAND}
    for one, _ in COURSES:
        right = observed_once(one.probes, one.reference)
        for answer in [*one.mistakes, *([_defect(one)] if one.defect else [])]:
            seen = zip(one.probes, observed_once(one.probes, answer), right, strict=True)
            found |= {probe.claim for probe, got, expected in seen if not same(got, expected)}
    assert [law.claim for law in LAWS if law.claim not in found] == []


def _defect(one: Exercise) -> Any:
    space: dict[str, Any] = {}
    exec(one.stub, space)
    return space[one.name]


SEND = """
    def send(self, text):
        before = self.total_input_tokens
        reply = super().send(text)
        self.last_input_tokens = self.total_input_tokens - before
        starts = [i for i, m in enumerate(self.messages) if m["role"] == "user" and isinstance(m["content"], str)]
        if self.last_input_tokens > self.token_threshold and len(starts) > self.recent_turns_to_keep:
            cut = starts[-self.recent_turns_to_keep]
            try:
                summary = self.condensed(self.messages[:cut])
            except Exception:
                return reply
            if summary:
                told = {"role": "user", "content": f"What happened before: {summary}"}
                self.messages = [told, {"role": "assistant", "content": "Yes."}, *self.messages[cut:]]
        return reply

    condensed = Solution.condensed
    in_short = Solution.in_short
"""
SAVE = """
    def save(self, path):
        state = {name: value for name, value in vars(self).items() if name != "client"}
        Path(path).write_text(json.dumps(state), "utf-8")
"""


def half(id: str, *methods: str) -> Any:
    """The stub of an exercise with these methods written and the others as they were given."""
    one = exercise(id)
    space: dict[str, Any] = {"exercise": exercise, "Solution": one.reference, "json": json, "Path": Path}
    exec(one.stub + "".join(methods), space)
    return space[one.name]


def test_a_half_written_class_is_checked_as_far_as_it_goes() -> None:
    """With send alone, all that is said of send is checked; what needs save, and then load, is not yet."""
    later = (trial_laws_summary.LOADED_ALIKE, trial_laws_summary.GOES_ON_ALIKE)
    for methods, waiting in (((SEND,), "save"), ((SEND, SAVE), "load")):
        verdict = exercise("06-c").verdict(half("06-c", *methods))
        told = f"{waiting} still returns the three dots"
        assert verdict.headline == f"Not yet, exercise 06-c: 15 of 17 checks are right, and {told}."
        assert not verdict.untouched
        assert f"○ Not yet: {'; '.join(law.claim for law in later)} ({told})." in str(verdict)
        assert sum(finding.ok for finding in verdict.findings) == 15


def test_a_mistake_in_a_half_written_class_is_named() -> None:
    """A fault in send gets its lesson while save and load are still to be written."""
    verdict = exercise("06-c").verdict(half("06-c", SEND.replace("if summary:", "if summary or True:")))
    assert f"✗ Not yet: {trial_laws_summary.EMPTY_SUMMARY.claim}" in str(verdict)
    verdict = exercise("06-c").verdict(half("06-c", SEND.replace("- before", "")))
    assert verdict.mistake == "the totals are compared with the threshold"
    assert "(save still returns the three dots)" in str(verdict)


ASKS = """
    send, ask, count = Solution.send, Solution.ask, Solution.count
"""


def test_send_can_be_checked_before_the_tokens_are_known() -> None:
    """A first manager without get_token_usage is right as far as it goes; without get_messages nothing goes."""
    known_list = "\n    get_messages = Solution.get_messages\n"
    verdict = exercise("06-a").verdict(half("06-a", ASKS, known_list))
    waiting = "get_token_usage still returns the three dots"
    assert verdict.headline == f"Not yet, exercise 06-a: 15 of 17 checks are right, and {waiting}."
    assert f"○ Not yet: {trial_laws.BILL.claim}; {trial_laws.MESSAGES_COUNTED.claim} ({waiting})." in str(verdict)
    alone = exercise("06-a").verdict(half("06-a", ASKS))
    assert alone.untouched
    assert alone.headline.startswith("Not yet, exercise 06-a: get_messages still returns the three dots.")


class AsksNothing(ConversationManager):
    """Sends its request before the question is in it."""

    def send(self, text: Any) -> str:
        """Ask first, add the question then."""
        reply = self.ask(self.get_messages())
        self.add_user_message(text)
        self.add_assistant_message(reply)
        return reply


def test_what_was_never_tried_is_not_right(own_file: Path) -> None:
    """Claims about replies do not count as right where no reply ever came, nor are they recorded as missed."""
    verdict = exercise("06-a").check(AsksNothing)
    assert "the last one carries no message at all" in str(verdict)
    right = [finding.claim for finding in verdict.findings if finding.ok]
    assert right == [trial_laws.COPY_GIVEN.claim]
    assert "✗ Exercise 06-a: 1 of 17" in verdict.headline
    assert "○ Not tried: send gives back the text of the reply; " in str(verdict)
    assert "(the API says: messages: at least one message is required)." in str(verdict)
    [kept] = progress.records()
    assert kept["missed"] == [trial_laws.QUESTION_LAST.claim, trial_laws.ACCEPTED.claim]


def test_summaries_that_were_never_made_are_not_right() -> None:
    """Nothing is said for or against a summary that was not asked for, and the reason is given."""
    told = str(exercise("06-c").verdict(exercise("06-c").mistakes[0]))
    assert f"✓ Right: {trial_laws_summary.SUMMARY_TRAVELS.claim}" not in told
    assert "(no summary was made)." in told
    assert "(no summary was asked for)." in told


@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.claim)
def test_every_law_that_needs_something_says_what(law: Law) -> None:
    """A law holds of nothing in a conversation without a step that it needs, and then says so in words."""
    assert law.needs is trial_laws.ALWAYS or law.needs.missing
    if law.needs is not trial_laws.ALWAYS:
        run = Run(ConversationManager, {})
        assert not law.needs.met(run, run.take("tools"))


def test_a_threshold_held_against_a_number_nobody_sets() -> None:
    """A learner who never sets last_input_tokens gets that message, and not the one on the forgotten cache."""
    unset = SEND.replace("self.last_input_tokens = self.total_input_tokens - before", "")
    verdict = exercise("06-c").verdict(half("06-c", unset))
    assert verdict.mistake == "last input tokens stays 0"
    assert "last_input_tokens is still 0" in str(verdict)


def loaded_with(change: Any) -> Any:
    """A smart manager whose load changes something."""

    class Loaded(SmartConversationManager):
        """Loads, and changes it."""

        @classmethod
        def load(cls, path: str, client: Any = None) -> Any:
            """Load as ever, and change it."""
            manager = super().load(path, client)
            change(manager)
            return manager

    return Loaded


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            lambda one: setattr(one, "max_tokens", 4096),
            "sends max_tokens=4096; the manager that was saved sends max_tokens=300",
        ),
        (lambda one: one.messages[0].update(content="Else."), "sends 'Else.'; the manager that was saved sends 'What"),
        (
            lambda one: one.messages.pop(0),
            "sends requests of 4 and 1 messages; the manager that was saved sends 5 and 1",
        ),
    ],
)
def test_a_difference_after_load_is_named(change: Any, words: str) -> None:
    """Two requests that are alike in their length differ in something, and the verdict names it."""
    verdict = exercise("06-c").verdict(loaded_with(change))
    [told] = [one.sentence for one in verdict.findings if one.claim == trial_laws_summary.GOES_ON_ALIKE.claim]
    assert words in told


class Textbook(ConversationManager):
    """Three mistakes at once: one field of the usage, an undo for errors of the API alone, and the first block."""

    def send(self, text: Any) -> str:
        """Ask as the textbook does."""
        self.add_user_message(text)
        try:
            response = self.client.messages.create(
                model=self.model, max_tokens=self.max_tokens, system=self.system_prompt, messages=self.get_messages()
            )
        except anthropic.APIError:
            self.messages.pop()
            raise
        self.total_input_tokens += response.usage.input_tokens
        self.total_output_tokens += response.usage.output_tokens
        reply: str = response.content[0].text
        self.add_assistant_message(reply)
        return reply


def test_a_named_mistake_takes_no_hint_from_another() -> None:
    """A claim that the named mistake keeps itself has its own hint still, and the last line says what broke."""
    verdict = exercise("06-a").verdict(Textbook)
    assert verdict.mistake == "cached input is not counted"
    hints = {finding.claim: finding.hint for finding in verdict.findings if not finding.ok}
    assert not hints[trial_laws.BILL.claim]
    assert hints[trial_laws.UNREAD_UNDONE.claim] == trial_laws.UNREAD_UNDONE.hint
    assert verdict.seen
    assert verdict.seen.plain.endswith("Here your code counts 1 input token; the replies billed 14 in all.")


def test_the_turns_are_sent_to_claude_once() -> None:
    """The request for a summary names each speaker once, also where the learner's function folds it."""
    shown = str(exercise("06-e").verdict(exercise("06-e").mistakes[0]).seen)
    assert "user: Question 3. assistant: Answer 3." in shown
    assert "user: user:" not in shown


class ForgetsLongTexts(ConversationManager):
    """Right in every conversation that the probes have: it leaves out a text of more than 200 characters, later on."""

    def get_messages(self) -> list[Any]:
        """The messages, but for the long ones that were answered."""
        *before, last = self.messages or [{"content": ""}]
        return [message for message in before if len(str(message["content"])) < 200] + [last][: len(self.messages)]


def test_a_random_conversation_finds_what_the_probes_do_not() -> None:
    """All claims hold in the conversations made for them, and the random ones bring the fault to light."""
    verdict = exercise("06-a").verdict(ForgetsLongTexts)
    assert not verdict.ok
    assert "17 of 17 checks are right, but a random conversation breaks it" in verdict.headline
    assert trial_laws.EVERYTHING_SENT.claim in str(verdict)
    assert "asks Question 1 at length" in str(verdict.seen)
    assert "asks Question 2 " in str(verdict.seen)
    assert "Question 3" not in str(verdict.seen)


BREAKABLE = [
    ("06-a", "the_question_stays_after_a_failure"),
    ("06-b", "a_slice_may_begin_anywhere"),
    ("06-c", "two_messages_are_taken_for_a_turn"),
    ("06-c", "the_summaries_pile_up"),
]


@pytest.mark.parametrize(("id", "name"), BREAKABLE)
def test_the_conversation_shown_is_the_smallest_of_its_kind(id: str, name: str) -> None:
    """Without any one of its moves, the conversation breaks the law no longer."""
    one = exercise(id)
    [kind] = [mistake for mistake in one.mistakes if mistake.__name__ == name]
    claim = next(finding.claim for finding in one.verdict(kind).findings if not finding.ok)
    assert isinstance(one.course, Course)
    found = one.course.failing(kind, claim)
    assert found is not None
    moves = found.talk.moves
    for place in range(len(moves)):
        fewer = Talk(moves[:place] + moves[place + 1 :], found.talk.settings)
        again = broken(kind, fewer, (found.law,))
        assert again is None or again.law is not found.law


def test_the_refused_request_is_shown_with_the_words_of_the_API() -> None:
    """The API's words against the orphan are in the verdict, as the SDK's own error has them."""
    verdict = exercise("06-h").verdict(_defect(exercise("06-h")))
    messages = [{"role": "user", "content": [{"type": "tool_result", "tool_use_id": "toolu_1", "content": "x"}]}]
    with pytest.raises(anthropic.BadRequestError) as refused:
        TrialClaude().client.messages.create(model="claude-sonnet-4-6", max_tokens=9, messages=messages)  # type: ignore[arg-type]
    words = refused.value.body["error"]["message"]  # type: ignore[index, call-overload]
    assert f"The API says: {words}" in str(verdict)
    assert "which the API refuses" in str(verdict)
    assert str(words) in verdict._repr_html_().replace("<code>", "`").replace("</code>", "`")


def test_an_answer_has_the_same_verdict_on_every_run(tmp_path: Path) -> None:
    """Another process, with other hashes, shows the same text and the same HTML to the byte."""
    code = (
        "import hashlib\nfrom labkit.teach.exercises import exercise\n"
        "for id, place in (('06-b', 0), ('06-f', 1)):\n"
        "    told = exercise(id).verdict(exercise(id).mistakes[place])\n"
        "    print(hashlib.sha256((str(told) + told._repr_html_()).encode()).hexdigest())\n"
    )
    space = os.environ | {"PYTHONHASHSEED": "7"}
    other = subprocess.run([sys.executable, "-c", code], env=space, cwd=tmp_path, capture_output=True, text=True)
    with contextlib.redirect_stdout(here := io.StringIO()):
        exec(code, {})
    assert other.stdout.split() == here.getvalue().split() != [], other.stderr


@given(st.data())
@settings(max_examples=15)
def test_a_right_manager_keeps_every_law_in_every_conversation(data: st.DataObject) -> None:
    """Conversations that another engine makes up break no reference, so a finding is never the checker's own fault."""
    one, course = data.draw(st.sampled_from(COURSES), "exercise")
    moves = data.draw(st.lists(st.sampled_from(course.moves), min_size=1, max_size=7), "moves")
    chosen = data.draw(st.sampled_from(course.settings), "settings")
    found = broken(course.wrap(one.reference), Talk(tuple(moves), chosen), tuple(course.taught))
    assert found is None, found and found.finding()


def test_every_move_is_made_by_some_course() -> None:
    """Random conversations hold all that one may hold: faults of every kind, tools, long texts, caching, reloads."""
    made = {move for _, course in COURSES for move in course.moves}
    assert made == set(MOVES)
    assert {*SHAPES[1:], *FAULTS} <= made


def test_a_fault_reaches_the_manager_as_the_error_it_is() -> None:
    """Each way for a call to fail raises its own error, and the stop button is no Exception."""
    raised = {}
    for move in sorted(LOST):
        run = Run(ConversationManager, {})
        raised[move] = run.take(move).raised
    assert raised == {
        "500": "InternalServerError",
        "529": "OverloadedError",
        "garbled": "JSONDecodeError",
        "stopped": "KeyboardInterrupt",
        "timeout": "APITimeoutError",
    }


class Endless(ConversationManager):
    """Never comes back."""

    def send(self, text: Any) -> str:
        """Ask for ever."""
        while True:
            self.get_messages()


class Stubborn(ConversationManager):
    """Tries again and again, whatever happens."""

    def send(self, text: Any) -> str:
        """Ask until it works, and never give up on a failure."""
        while True:
            with contextlib.suppress(Exception):
                return super().send(text)


# The stop may reach the thread inside a callback (of the collector, of C), where Python only notes it and goes on; it
# comes again.
@pytest.mark.filterwarnings(r"ignore:Exception ignored in[\s\S]*SystemExit:pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("kind", [Endless, Stubborn])
def test_a_manager_that_does_not_end_is_stopped(kind: type) -> None:
    """Loops without an end, plain or around the call, cost one limit and are named as such."""
    verdict = exercise("06-a").verdict(kind)
    assert "look for an endless loop" in str(verdict)


def test_pauses_cost_no_time_and_retries_count_as_answers() -> None:
    """A manager that waits a second and asks once more passes, and nobody waits for it."""

    calls = []

    class Patient(ConversationManager):
        """Tries twice."""

        def ask(self, messages: Any) -> str:
            """Ask, and once more after a second."""
            calls.append(messages)
            time.sleep(1)
            with contextlib.suppress(anthropic.APIStatusError):
                return super().ask(messages)
            time.sleep(1)
            return super().ask(messages)

    started = time.perf_counter()
    verdict = exercise("06-a").verdict(Patient)
    assert time.perf_counter() - started < len(calls)  # the seconds that it asked to wait, at the least
    assert verdict.ok, verdict
    assert time.sleep is TIME_SLEEP


TIME_SLEEP = time.sleep


def test_what_a_manager_prints_is_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    """A hundred conversations with a chatty manager fill no notebook; what is printed later is seen again."""

    class Chatty(SlidingWindowManager):
        """Says what it does."""

        def get_messages(self) -> list[Any]:
            """Say it."""
            print("here is the window")
            return super().get_messages()

    assert exercise("06-b").verdict(Chatty).ok
    print("after")
    assert capsys.readouterr().out == "after\n"


def test_a_redefined_print_does_no_harm(monkeypatch: pytest.MonkeyPatch) -> None:
    """Names that a learner has taken over, even in builtins, leave the verdict as it is."""
    before = str(exercise("06-b").verdict(SlidingWindowManager))
    monkeypatch.setattr(builtins, "print", "mine")
    monkeypatch.setattr(sys.modules["__main__"], "list", [1, 2], raising=False)
    assert str(exercise("06-b").verdict(SlidingWindowManager)) == before


def test_a_function_is_not_taken_for_a_class() -> None:
    """Anything else is 'not yet' where a class is asked for, with the words to write a class."""
    for given_one in (len, 3, lambda: None):
        assert "write a class called ConversationManager" in str(exercise("06-a").verdict(given_one))


MODULE_STYLE = """
from dataclasses import dataclass, field
import anthropic

client = anthropic.Anthropic(api_key="none")  # a client of the whole file, as in the module's lab

@dataclass
class ConversationManager:
    system_prompt: str = "Be kind."
    model: str = "claude-sonnet-4-6"
    max_tokens: int = 1000
    messages: list = field(default_factory=list)

    def __post_init__(self):
        self.inputs = self.outputs = 0

    def add_user_message(self, content):
        self.messages.append({"role": "user", "content": content})

    def add_assistant_message(self, content):
        self.messages.append({"role": "assistant", "content": content})

    def get_messages(self):
        return list(self.messages)

    def send(self, user_message):
        self.add_user_message(user_message)
        try:
            reply = client.messages.create(
                model=self.model, max_tokens=self.max_tokens, system=self.system_prompt, messages=self.get_messages()
            )
            used = reply.usage
            self.inputs += used.input_tokens
            self.inputs += (used.cache_read_input_tokens or 0) + (used.cache_creation_input_tokens or 0)
            self.outputs += used.output_tokens
            said = "".join(block.text for block in reply.content if block.type == "text")
            if not said:
                raise RuntimeError("no words")
        except BaseException as error:
            self.messages.pop()
            raise RuntimeError(f"no reply: {error}") from error
        self.add_assistant_message(said)
        return said

    def get_token_usage(self):
        return {"total_input": self.inputs, "total_output": self.outputs, "messages": len(self.messages)}
"""


@pytest.fixture
def own_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The learner's own file, in a separate folder, beside a notebook that has none of the classes."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LABKIT_PROGRESS", str(tmp_path / "progress"))
    for one in all_exercises().values():
        monkeypatch.delattr(sys.modules["__main__"], one.name, raising=False)
    monkeypatch.delitem(sys.modules, "conversation_manager", raising=False)
    return tmp_path / "conversation_manager.py"


def test_a_file_in_the_modules_own_form_is_taken(own_file: Path) -> None:
    """A global client, other names in the usage, a dataclass: the file passes, and the verdict says where it was."""
    own_file.write_text(MODULE_STYLE, "utf-8")
    verdict = exercise("06-a").check()
    assert verdict.ok, verdict
    assert verdict.headline.endswith("(from conversation_manager.py)")
    assert exercise("06-a").usable().__module__ == "conversation_manager"
    assert sys.modules["conversation_manager"].client.api_key == "none"


def test_the_other_spelling_of_the_settings_is_taken() -> None:
    """`recent_turns` is as good as `recent_turns_to_keep`."""

    class Short(SmartConversationManager):
        """The smart manager with the lab's own word."""

        def __init__(self, token_threshold: int = 50_000, recent_turns: int = 4, **settings: Any) -> None:
            """Take the lab's word."""
            super().__init__(token_threshold, recent_turns, **settings)

        @classmethod
        def load(cls, path: str, client: Any = None) -> Any:
            """Load as ever."""
            return super().load(path, client)

    Short.__name__ = "SmartConversationManager"
    verdict = exercise("06-c").verdict(Short)
    assert verdict.ok, verdict


def test_a_changed_file_is_read_again_at_once(own_file: Path) -> None:
    """A repair within the same second, of the same length, is seen by the next check."""
    own_file.write_text(MODULE_STYLE.replace("self.outputs += used", "self.outputs -= used"), "utf-8")
    assert not exercise("06-a").check().ok
    own_file.write_text(MODULE_STYLE, "utf-8")
    assert exercise("06-a").check().ok
    own_file.unlink()
    assert exercise("06-a").check().untouched


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("x = 1\nclass ConversationManager\n", "SyntaxError: expected ':' (conversation_manager.py, line 2)"),
        ("import json\njson.loads('{')\n", "in line 2: json.loads('{')"),
        ("while True: pass\n", "look for an endless loop"),
        ("raise SystemExit\n", "stopped with SystemExit"),
    ],
)
def test_a_file_that_does_not_run_is_a_finding(
    own_file: Path, monkeypatch: pytest.MonkeyPatch, source: str, words: str
) -> None:
    """The error and its line are named, and no path of this machine."""
    monkeypatch.setattr(answers, "SECONDS", 1.0)
    own_file.write_text(source, "utf-8")
    verdict = exercise("06-a").check()
    assert "conversation_manager.py does not run" in verdict.headline
    assert words in str(verdict)
    assert str(own_file.parent) not in str(verdict)


def test_the_notebooks_own_answer_comes_first(own_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A touched cell is checked whatever the file holds, and the verdict says so; an untouched stub gives way."""
    main, one = sys.modules["__main__"], exercise("06-a")
    own_file.write_text(MODULE_STYLE, "utf-8")
    monkeypatch.setattr(main, one.name, one.mistakes[0], raising=False)
    verdict = one.check()
    assert not verdict.ok
    assert "conversation_manager.py is not looked at" in verdict.headline
    space: dict[str, Any] = {}
    exec(one.stub, space)
    monkeypatch.setattr(main, one.name, space[one.name])
    assert "(from conversation_manager.py)" in one.check().headline


def test_what_one_builds_on_is_ones_own_once_it_passes(
    own_file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Until then it is the solution's, and a line says which it is."""
    main, one = sys.modules["__main__"], exercise("06-a")
    assert one.usable() is one.reference
    own = type(one.name, (ConversationManager,), {})
    monkeypatch.setattr(main, one.name, own, raising=False)
    assert one.usable() is own
    said = capsys.readouterr().out.splitlines()
    assert said == [
        "ConversationManager: the solution's, until your own passes its check.",
        "ConversationManager: your own, which passes its fixed checks; "
        "random conversations are tried by its check alone.",
    ]


def test_the_conversation_can_be_shown_alone(own_file: Path) -> None:
    """Without the claims: the timeline of an answer that fails, a sentence for one that does not."""
    one = exercise("06-a")
    assert "The smallest conversation" in str(one.breaks(one.mistakes[0]))
    assert "No conversation to show" in str(one.breaks(one.reference))
    assert "<table>" in one.breaks(one.mistakes[0])._repr_mimebundle_()["text/html"]


def test_a_save_is_watched_at_every_step() -> None:
    """The moments of a save in place are seen, and a save that replaces the file has none to see."""

    def in_place(path: str, state: Any) -> None:
        """Empty the file, write half, write the rest."""
        with Path(path).open("w", encoding="utf-8") as file:
            text = json.dumps(state)
            file.write(text[:9])
            file.flush()
            file.write(text[9:])

    seen = [found for _, found in crashes.watched(in_place).seen]
    assert seen[-3:] == ["an empty file", "half a conversation", "the new conversation"]
    good = crashes.watched(exercise("06-i").reference)
    assert good.bad() is None
    assert [found for _, found in good.seen] == ["the old conversation", "the new conversation"]


def test_a_trial_reads_the_words_of_an_error() -> None:
    """The words that are shown are those of the response's body."""
    far = TrialClaude()
    with pytest.raises(anthropic.BadRequestError):
        far.client.messages.create(model="claude-sonnet-4-6", max_tokens=9, messages=[])
    assert api_words(far.log[0]) == "messages: at least one message is required"
