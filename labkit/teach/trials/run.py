"""One conversation with a learner's manager, move by move: what was asked, sent, answered, stored and billed.

The run keeps its own account of what was said; the laws of `labkit.teach.trials.laws` hold the manager against it.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, field
from inspect import Parameter, signature
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from labkit.request_log import Sent
from labkit.teach.checks.check import NotYet, WrongShape, brief
from labkit.teach.trials.claude import SHAPES, TrialClaude, Wire
from labkit.teach.trials.reading import USAGE, listed, result_of, stored, usage_of, written

MOVES: Mapping[str, str] = {
    "say": "asks",
    "long": "asks at length",
    "thinking": "asks; the reply begins with a thinking block",
    "two texts": "asks; the reply comes in two text blocks",
    "empty": "asks; the reply has no content",
    "cached": "asks; the input is billed in three fields",
    "529": "asks; the API answers 529",
    "500": "asks; the API answers 500",
    "timeout": "asks; no answer comes in time",
    "garbled": "asks; half an answer comes, which cannot be read",
    "stopped": "asks; the stop button is pressed",
    "summary 529": "asks; a summary would fail with 529",
    "summary stopped": "asks; the stop button would stop a summary",
    "summary empty": "asks; a summary would come back empty",
    "tools": "a turn with a tool call is put in by hand",
    "open tools": "hands in the result of a tool call",
    "reload": "the conversation is saved and loaded",
}
"""The moves of a conversation, in words."""

LOST = frozenset({"529", "500", "timeout", "garbled", "stopped"})
"""Moves whose question gets no answer."""

SPELLINGS = {"recent_turns_to_keep": "recent_turns"}
"""Settings that the module spells in two ways; either is taken."""


@dataclass(frozen=True)
class Step:
    """One move and what it led to.

    `said` is what had been said before, `asked` the new message (None for a move without a request), `due` the reply's
    text, `reply` what `send` gave back, `raised` the name of the error it raised. `before` and `after` are the stored
    messages, `shown` what get_messages() gives and `counted` what get_token_usage() gives, None for stubs.
    """

    move: str
    said: list[Wire]
    asked: Wire | None
    sent: list[Sent]
    main: Sent | None
    due: str
    reply: object
    raised: str
    before: list[Wire]
    after: list[Wire]
    shown: list[Wire] | None
    counted: tuple[int, ...] | None
    loaded: str = ""

    @property
    def view(self) -> list[Wire]:
        """The messages of get_messages(); raises NotYet for the stub."""
        return result_of(... if self.shown is None else self.shown, "get_messages")  # type: ignore[no-any-return]

    @property
    def usage(self) -> tuple[int, ...]:
        """The three numbers of get_token_usage(); raises NotYet for the stub."""
        return result_of(... if self.counted is None else self.counted, "get_token_usage")  # type: ignore[no-any-return]

    @property
    def answered(self) -> bool:
        """True if the far side answered the call without an error."""
        return self.asked is not None and self.move not in LOST

    @property
    def refused(self) -> Sent | None:
        """The request that the API refused, if there is one."""
        return next((sent for sent in self.sent if 400 <= sent.status < 500), None)


@dataclass
class Run:
    """A conversation under way with one manager; `steps` is what has happened, `said` what both sides have said."""

    kind: type
    settings: Mapping[str, Any]
    steps: list[Step] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Make the manager, and a second one that nobody talks to."""
        self.claude = TrialClaude()
        self.manager = started(self.kind, self.settings, self.claude.client)
        self.other = started(self.kind, self.settings, self.claude.client)
        self.said: list[Wire] = deepcopy(list(self.settings.get("messages", ())))
        self.twin: Run | None = None

    def take(self, move: str) -> Step:
        """Make one move and keep what it led to; raises what the learner's code raises without a cause."""
        if move == "open tools":
            self._put_in(open_round(len(self.steps) + 1)[:-1])
        before, said = deepcopy(stored(self.manager)), list(self.said)
        asked, got, loaded, since = None, _Got(), "", len(self.claude.log)
        if move == "reload":
            loaded = self._reload()
        elif move == "tools":
            self._put_in(closed_round(len(self.steps) + 1))
        else:
            asked, got = self._send(move)
        if self.twin and move != "reload":
            self.twin.take(move)
        sent = self.claude.requests(since)
        main = next((one for one in sent if self.claude.is_main(one.messages)), None)
        manager = self.manager
        shown, counted = (
            written(lambda: deepcopy(listed(manager.get_messages(), "get_messages()"))),
            written(lambda: usage_of(manager)),
        )
        after, answer = deepcopy(stored(manager)), (got.due, got.reply, got.raised)
        step = Step(move, said, asked, sent, main, *answer, before, after, shown, counted, loaded)
        self.steps.append(step)
        if self.twin and move == "reload":
            self.twin.steps = list(self.steps)
        return step

    def _send(self, move: str) -> tuple[Wire, "_Got"]:
        place = len(self.steps) + 1
        content: Any = question(place, 60 if move == "long" else 0)
        if move == "open tools":
            content = open_round(place)[-1]["content"]
        asked, got = {"role": "user", "content": content}, self._called(move, content)
        replied = {"role": "assistant", "content": got.due}
        if got.due and (not got.raised or stored(self.manager)[-2:] == [asked, replied]):
            self.said += [asked, replied]
        elif move == "empty" and stored(self.manager)[-1:] == [asked]:
            self.said += [asked]
        return asked, got

    def _called(self, move: str, content: Any) -> "_Got":
        far = self.claude
        far.plan(move, content)
        answers, since, silent = far.answers, len(far.log), move in LOST or move == "empty"
        try:
            with lent(self.kind, far.client):
                reply = self.manager.send(content)
        except (SystemExit, NotYet):
            raise
        except BaseException as error:
            if len(far.log) == since:
                result_of(self.manager.get_messages(), "get_messages", may_be_none=True)
            if not (silent or move == "summary stopped" or refused(far.log[since:])):
                raise
            return _Got("" if silent else far.said_since(answers), raised=type(error).__name__)
        finally:
            far.plan("say", content)
        result_of(reply, "send", may_be_none=silent)
        return _Got("" if silent else far.said_since(answers), reply)

    def _put_in(self, messages: list[Wire]) -> None:
        for message in deepcopy(messages):
            add = self.manager.add_user_message if message["role"] == "user" else self.manager.add_assistant_message
            result_of(add(message["content"]), add.__name__, may_be_none=True)
        self.said += messages

    def _reload(self) -> str:
        """Save and load; the saved manager goes on next to the loaded one as its twin."""
        with TemporaryDirectory() as folder:
            path = Path(folder) / "conversation.json"
            loaded = reloaded(self.kind, self.manager, str(path), self.claude.client)
        if not isinstance(loaded, object) or not hasattr(loaded, "send"):
            raise WrongShape(f"gave back {brief(loaded)} from load; give back a manager")
        lost = differences(self.manager, loaded)
        self.twin = None
        twin = Run(self.kind, self.settings)
        twin.claude = self.claude.twin()
        twin.manager, twin.said = self.manager, list(self.said)
        give_client(twin.manager, twin.claude.client)
        self.manager, self.twin = loaded, twin
        return lost


@dataclass(frozen=True)
class _Got:
    due: str = ""
    reply: object = None
    raised: str = ""


def question(place: int, more: int = 0) -> str:
    """The question of a step, with `more` words after it."""
    return f"Question {place}." + " And so on." * (more // 3)


def open_round(place: int) -> list[Wire]:
    """A question, a call of a tool and its result; the reply is yet to come."""
    call = {"type": "tool_use", "id": f"toolu_{place}", "name": "look_up", "input": {"order": place}}
    result = {"type": "tool_result", "tool_use_id": f"toolu_{place}", "content": f"Result {place}."}
    return [
        {"role": "user", "content": f"Please look up order {place}."},
        {"role": "assistant", "content": [call]},
        {"role": "user", "content": [result]},
    ]


def closed_round(place: int) -> list[Wire]:
    """A whole turn with a tool call: four messages."""
    return [*open_round(place), {"role": "assistant", "content": f"Order {place} is on its way."}]


def started(kind: type, settings: Mapping[str, Any], client: Any) -> Any:
    """A manager of the learner's class with these settings, which sends through `client`."""
    named = {SPELLINGS[name] if _other_spelling(kind, name) else name: value for name, value in settings.items()}
    if "messages" in named:
        named["messages"] = deepcopy(named["messages"])
    if takes(kind, "client"):
        return kind(**named, client=client)
    manager = kind(**named)
    give_client(manager, client)
    return manager


def _other_spelling(kind: type, name: str) -> bool:
    """True if the class takes this setting under its other spelling."""
    both = {name, SPELLINGS.get(name, name)}
    known = (both & _parameters(vars(base).get("__init__")).keys() for base in kind.__mro__)
    return next((name not in found for found in known if found), False)


def give_client(manager: Any, client: Any) -> None:
    """Let a manager send through this client, if it keeps one in an attribute."""
    if hasattr(manager, "client"):
        manager.client = client


def takes(kind: type, name: str) -> bool:
    """True if a class can be called with this keyword, looking through those that hand **settings upward."""
    for base in kind.__mro__:
        parameters = _parameters(vars(base).get("__init__"))
        if name in parameters:
            return True
        if parameters and Parameter.VAR_KEYWORD not in parameters.values():
            return False
    return False


def _parameters(function: Callable[..., object] | None) -> dict[str, Any]:
    try:
        return {name: one.kind for name, one in signature(function).parameters.items()} if function else {}
    except (TypeError, ValueError):
        return {}


@contextmanager
def lent(kind: type, client: Any) -> Iterator[None]:
    """For a class that sends through a global `client`, as the module's own file has it: put this one in its place."""
    space = getattr(getattr(kind, "send", None), "__globals__", {})
    if "client" not in space or takes(kind, "client"):
        yield
        return
    own, space["client"] = space["client"], client
    try:
        yield
    finally:
        space["client"] = own


def reloaded(kind: type, manager: Any, path: str, client: Any) -> Any:
    """Save a manager at `path` and return the one loaded from there."""
    load: Any = kind.load  # type: ignore[attr-defined]
    try:
        with lent(kind, client):
            result_of(manager.save(path), "save", may_be_none=True)
            loaded = result_of(load(path, client=client) if "client" in _parameters(load) else load(path), "load")
    except OSError as error:
        raise WrongShape(f"stopped with {type(error).__name__} while it saved or loaded") from None
    if "client" not in _parameters(load):
        give_client(loaded, client)
    return loaded


KEPT = (
    "system_prompt",
    "model",
    "max_tokens",
    "window_size",
    "token_threshold",
    "recent_turns_to_keep",
    "recent_turns",
    "summary",
    "last_input_tokens",
    "messages",
)
"""The attributes that a loaded manager shares with the saved one, where the class has them."""


def differences(saved: Any, loaded: Any) -> str:
    """The first difference between a loaded manager and the saved one, as a clause; empty when there is none."""
    missing = object()
    for name in KEPT:
        one, other = getattr(saved, name, missing), getattr(loaded, name, missing)
        if one is not missing and one != other:
            came = "nothing" if other is missing else brief(other)
            return f"loads {name} as {came}; it was {brief(one)} when it was saved"
    for name, one, other in zip(USAGE, usage_of(saved), usage_of(loaded), strict=True):
        if one != other:
            return f"loads {name} as {other:,}; it was {one:,} when it was saved"
    return ""


def refused(sent: list[Sent]) -> bool:
    """True if the API refused one of these requests."""
    return any(400 <= one.status < 500 for one in sent)


assert set(SHAPES[1:]) <= MOVES.keys()
