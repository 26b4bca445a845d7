"""The last exercise of notebook 10: an agent with a budget, checked on random loops."""

from collections.abc import Iterator
from random import Random
from typing import Any

from labkit.teach.checks.check import WrongShape
from labkit.teach.checks.exercise import Answer, Exercise, Probe
from labkit.teach.trials.random_loops import LoopCourse, without_one


def run_loop(ask: Any, tools: Any, goal: str, most_calls: int) -> list[Any]:
    """Ask, run what is called, answer every call, until Claude calls nothing or the limit is reached."""
    messages: list[Any] = [{"role": "user", "content": goal}]
    calls = 0
    while True:
        content = ask(messages)
        messages.append({"role": "assistant", "content": content})
        asked = [block for block in content if block["type"] == "tool_use"]
        if not asked:
            return messages
        results = []
        for call in asked:
            result = {"type": "tool_result", "tool_use_id": call["id"]}
            if calls >= most_calls:
                result |= {"content": "not run: the limit is reached", "is_error": True}
            else:
                try:
                    result["content"] = tools[call["name"]](**call["input"])
                except Exception as error:
                    result |= {"content": f"{type(error).__name__}: {error}", "is_error": True}
            calls += 1
            results.append(result)
        messages.append({"role": "user", "content": results})
        if calls > most_calls:
            return messages


type Plan = list[list[str]]
"""Claude's calls in a trial, round by round; a file that begins with 'no' is not there."""


class _Trial:
    """A Claude that follows a plan, and the tool that it calls."""

    def __init__(self, plan: Plan) -> None:
        self.plan, self.asked, self.reads = plan, 0, list[str]()

    def ask(self, messages: list[Any]) -> list[dict[str, Any]]:
        """Return the blocks of the next reply."""
        number, self.asked = self.asked, self.asked + 1
        if number >= len(self.plan):
            return [{"type": "text", "text": "Done."}]
        calls = enumerate(self.plan[number])
        return [{"type": "tool_use", "id": f"{number}.{n}", "name": "read", "input": {"path": p}} for n, p in calls]

    def read(self, path: str) -> str:
        """Return what a file says."""
        self.reads.append(path)
        if path.startswith("no"):
            raise FileNotFoundError(path)
        return f"text of {path}"


def _held(answer: Answer, plan: Plan, most: int = 9) -> tuple[list[Any], _Trial]:
    trial = _Trial(plan)
    messages = answer(trial.ask, {"read": trial.read}, "Read.", most)
    if not isinstance(messages, list) or not all(isinstance(one, dict) for one in messages):
        raise WrongShape(f"gave back {type(messages).__name__}; give back the list of messages")
    return messages, trial


def _ids(message: Any, kind: str, key: str) -> list[str]:
    content = message["content"]
    return [] if isinstance(content, str) else [block[key] for block in content if block["type"] == kind]


def _open(messages: list[Any]) -> list[str]:
    called = [id for message in messages for id in _ids(message, "tool_use", "id")]
    answered = [id for message in messages for id in _ids(message, "tool_result", "tool_use_id")]
    return sorted(set(called) - set(answered))


def _results(answer: Answer, plan: Plan, most: int = 9) -> str:
    messages, _ = _held(answer, plan, most)
    blocks = [
        b for m in messages if not isinstance(m["content"], str) for b in m["content"] if b["type"] == "tool_result"
    ]
    return ", ".join(f"{b['tool_use_id']} {'failed' if b.get('is_error') else 'read'}" for b in blocks)


def only_the_first_call_is_answered(ask: Any, tools: Any, goal: str, most_calls: int) -> list[Any]:
    """Claude may call several tools in one message, and the API refuses the next request unless each of them has a
    result. Go through all tool_use blocks.
    """
    messages = run_loop(ask, tools, goal, most_calls)
    return [
        m if m["role"] == "assistant" or m["content"] == goal else {**m, "content": m["content"][:1]} for m in messages
    ]


def an_error_ends_the_loop(ask: Any, tools: Any, goal: str, most_calls: int) -> list[Any]:
    """A file that is not there is news for Claude, no reason to stop: give the error back as the result, with is_error,
    and let it choose another way.
    """
    messages = run_loop(ask, tools, goal, most_calls)
    for place, message in enumerate(messages[1:], 1):
        if message["role"] == "user" and any(block.get("is_error") for block in message["content"]):
            return messages[:place]
    return messages


def the_error_looks_like_a_result(ask: Any, tools: Any, goal: str, most_calls: int) -> list[Any]:
    """Without is_error the words of the error pass for what the file says. The flag says to Claude that the call
    failed.
    """
    messages = run_loop(ask, tools, goal, most_calls)
    for message in messages:
        if not isinstance(message["content"], str):
            for block in message["content"]:
                block.pop("is_error", None)
    return messages


def the_limit_leaves_a_call_open(ask: Any, tools: Any, goal: str, most_calls: int) -> list[Any]:
    """At the limit you stop, and calls are left without a result: this conversation can never be sent again. Answer
    them with a sentence that says why they were not run.
    """
    messages = run_loop(ask, tools, goal, most_calls)
    for place, message in enumerate(messages):
        if not isinstance(message["content"], str) and "limit" in str(message["content"]):
            return messages[:place]
    return messages


def there_is_no_limit(ask: Any, tools: Any, goal: str, most_calls: int) -> list[Any]:
    """A loop that nothing ends runs as long as Claude calls, and is billed as long. Count the calls and compare with
    most_calls.
    """
    return run_loop(ask, tools, goal, 10_000)


def _draw_plan(random: Random) -> Plan:
    return [
        [random.choice(("a", "b", "no-c")) for _ in range(random.choice((1, 1, 2, 3)))]
        for _ in range(random.randint(0, 6))
    ]


def _wrong_loop(answer: Answer, plan: Plan) -> str:
    messages, trial = _held(answer, plan, 4)
    if left := _open(messages):
        return f"the calls {', '.join(left)} have no result"
    if len(trial.reads) > 4:
        return f"{len(trial.reads)} calls are run, and 4 are allowed"
    if sum(map(len, plan)) <= 4 and trial.asked != len(plan) + 1:
        return f"Claude is asked {trial.asked} times, and {len(plan) + 1} are needed"
    failed = [
        b for m in messages if m["role"] == "user" for b in m["content"] if isinstance(b, dict) and b.get("is_error")
    ]
    return "" if len(failed) >= sum(path.startswith("no") for path in trial.reads) else "an error is no is_error"


def _simpler_plan(plan: Plan) -> Iterator[Plan]:
    yield from without_one(plan)
    for place, calls in enumerate(plan):
        if len(calls) > 1:
            yield from ([*plan[:place], fewer, *plan[place + 1 :]] for fewer in without_one(calls))


def _loop_rows(answer: Answer, plan: Plan) -> list[tuple[object, ...]]:
    messages, _ = _held(answer, plan, 4)
    answered = [id for message in messages for id in _ids(message, "tool_result", "tool_use_id")]
    return [
        (n + 1, ", ".join(calls), ", ".join(id for id in answered if id.startswith(f"{n}.")) or "-")
        for n, calls in enumerate(plan)
    ]


AGENT = Exercise(
    id="10-c",
    covers=("M9", "M10"),
    title="An agent with a budget",
    task="Give back all messages of a loop: each call answered, errors as is_error, at most `most_calls` calls run.",
    stub='''
def run_loop(ask, tools, goal, most_calls):
    """The messages of a loop; ask(messages) gives the blocks of a reply, tools holds functions by name."""
    return ...  # replace the three dots
''',
    reference=run_loop,
    probes=(
        Probe(
            "without a call it is a question and an answer", lambda a: len(_held(a, [])[0]), "Return after the reply."
        ),
        Probe("each call gets its result", lambda a: _results(a, [["a"], ["b"]]), "tool_use_id is the id of the call."),
        Probe(
            "calls of one message are all answered",
            lambda a: _results(a, [["a", "b", "c"]]),
            "Loop over the tool_use blocks, and send the results together.",
        ),
        Probe(
            "an error is a result, and the loop goes on",
            lambda a: _results(a, [["a"], ["no-such"], ["b"]]),
            'try the function; except Exception: "is_error": True.',
        ),
        Probe(
            "at the limit every call has a result",
            lambda a: f"{_results(a, [['a'], ['b', 'c']], 2)}; open: {_open(_held(a, [['a'], ['b', 'c']], 2)[0])}",
            "Answer what you do not run, too.",
        ),
        Probe(
            "no more is run than allowed",
            lambda a: len(_held(a, [["a"]] * 8, 3)[1].reads),
            "Count before you run.",
        ),
    ),
    mistakes=(
        only_the_first_call_is_answered,
        an_error_ends_the_loop,
        the_error_looks_like_a_result,
        the_limit_leaves_a_call_open,
        there_is_no_limit,
    ),
    hints=(
        "Four things in a while loop: ask, append the reply, run its calls, append their results as one user message.",
        "A result is a dict with type, tool_use_id and content, and is_error where the call failed or was not run.",
        "End when a reply has no call, or after the round in which the limit was reached.",
    ),
    course=LoopCourse(
        "whatever Claude calls, the conversation can be sent again",
        _draw_plan,
        _wrong_loop,
        _simpler_plan,
        ("round", "Claude calls", "answered"),
        _loop_rows,
    ),
)

EXERCISES = (AGENT,)
