"""The exercises of notebook 10: a placeholder that can be undone, and a cut that keeps the cache."""

from collections.abc import Sequence
from random import Random

from labkit.teach.checks.check import WrongShape
from labkit.teach.checks.exercise import Answer, Exercise, Probe
from labkit.teach.trials.random_loops import LoopCourse, without_one

LONG = "def load(row):\n" + "    return row\n" * 30
FAILED = "collecting tests\nrunning 61 tests\n" + ".\n" * 60 + "KeyError: 'days_late'"


SAID = ("collecting tests", "running 61 tests", "KeyError: 'days_late'")


def placeholder(name: str, given: str, content: str, failed: bool) -> str:
    """Say what is needed to get the result again, and of a failure why it failed; a short result stays as it is."""
    lines = content.splitlines()
    why = f" It failed: {lines[-1]}." if failed else ""
    sentence = f"[cleared: {name} with {given}, {len(content)} characters.{why} Call it again to see it.]"
    return sentence if len(sentence) < len(content) else content


def the_arguments_are_not_said(name: str, given: str, content: str, failed: bool) -> str:
    """Without the arguments Claude knows that something was read, and not what: it cannot ask for it again, or reads
    everything once more.
    """
    return placeholder(name, "arguments", content, failed)


def the_size_is_not_said(name: str, given: str, content: str, failed: bool) -> str:
    """The size helps to decide whether to read it again whole, in part, or not at all. The number of characters is
    enough.
    """
    return placeholder(name, given, content, failed).replace(f"{len(content)} characters", "cleared")


def the_error_goes_with_the_rest(name: str, given: str, content: str, failed: bool) -> str:
    """An attempt that failed once fails again: if the error line is cleared with the rest, the same mistake is made a
    second time. One line is enough.
    """
    return placeholder(name, given, content, False)


def the_first_line_is_taken_for_the_error(name: str, given: str, content: str, failed: bool) -> str:
    """Programs say at the end what went wrong. The first line of a failed test run only says that it began: take the
    last one.
    """
    first = content.splitlines()[0]
    return placeholder(name, given, content, failed).replace(content.splitlines()[-1], first)


def a_short_result_gets_longer(name: str, given: str, content: str, failed: bool) -> str:
    """A placeholder longer than the result saves nothing and loses the result. Compare the two lengths, and keep what
    is short.
    """
    why = f" It failed: {content.splitlines()[-1]}." if failed else ""
    return f"[cleared: {name} with {given}, {len(content)} characters.{why} Call it again to see it.]"


def _sentence(answer: Answer, content: str = LONG, failed: bool = False) -> str:
    found = answer("read_file", '{"path": "shop/orders.py"}', content, failed)
    if not isinstance(found, str):
        raise WrongShape(f"gave back {type(found).__name__}; give back the text that takes the result's place")
    return found


PLACEHOLDER = Exercise(
    id="10-a",
    covers=("M3", "M6"),
    title="A placeholder that can be undone",
    task="Give back the text that takes the place of a cleared result: tool, arguments, length, and of a failure why.",
    stub='''
def placeholder(name, given, content, failed):
    """The text in place of a result; given are the arguments as JSON, failed says whether the call failed."""
    return ...  # replace the three dots
''',
    reference=placeholder,
    probes=(
        Probe("it names the tool", lambda answer: "read_file" in _sentence(answer), "name says which tool it was."),
        Probe(
            "it says with which arguments",
            lambda answer: "shop/orders.py" in _sentence(answer),
            "given holds them as JSON: put it into the sentence.",
        ),
        Probe(
            "it says how long the result was",
            lambda answer: str(len(LONG)) in _sentence(answer).replace(",", ""),
            "len(content) counts the characters.",
        ),
        Probe(
            "of a failure the error stays",
            lambda answer: [
                line for line in FAILED.splitlines() if len(line) > 1 and line in _sentence(answer, FAILED, True)
            ],
            "The last line of a failed run says what went wrong.",
        ),
        Probe(
            "it is shorter than what it stands for",
            lambda answer: len(_sentence(answer)) < len(LONG) / 2,
            "One sentence is enough; the rest can be asked for again.",
        ),
        Probe(
            "a short result stays as it is",
            lambda answer: _sentence(answer, "61 passed"),
            "Nine characters need no placeholder.",
        ),
    ),
    mistakes=(
        the_arguments_are_not_said,
        the_size_is_not_said,
        the_error_goes_with_the_rest,
        the_first_line_is_taken_for_the_error,
        a_short_result_gets_longer,
    ),
    hints=(
        "Four things belong into the sentence: the tool, its arguments, the length, and of a failure its last line.",
        "content.splitlines()[-1] is the last line; use it only if failed is true.",
        "Build the sentence, and give it back only if it is shorter than content.",
    ),
)


def first_kept(sizes: list[int], high: int, low: int) -> int:
    """Walk from the start: once the rounds outgrow the high mark, cut to the low one, and let them grow again."""
    first = total = 0
    for newest, size in enumerate(sizes):
        total += size
        if total > high:
            while total > low and first < newest:
                total -= sizes[first]
                first += 1
    return first


def it_slides_on_every_call(sizes: list[int], high: int, low: int) -> int:
    """You cut only as much as is needed to be below the high mark, so the next call is over it again: every call begins
    with another round, and the cache is written again each time. Cut down to the low mark.
    """
    return first_kept(sizes, high, high)


def the_cut_is_sought_from_the_end(sizes: list[int], high: int, low: int) -> int:
    """Counted back from the newest round, the cut moves with every round that comes. Walk from the start, and remember
    where you cut last.
    """
    first, total = len(sizes), 0
    if sum(sizes) <= high:
        return 0
    while first > 0 and total + sizes[first - 1] <= low:
        first -= 1
        total += sizes[first]
    return min(first, len(sizes) - 1)


def it_cuts_a_single_time(sizes: list[int], high: int, low: int) -> int:
    """The rounds grow on after your first cut, and outgrow the high mark a second time. Look at every round, not only
    those up to the first cut.
    """
    total = 0
    for newest, size in enumerate(sizes):
        total += size
        if total > high:
            return first_kept(sizes[: newest + 1], high, low)
    return 0


def the_newest_round_goes_too(sizes: list[int], high: int, low: int) -> int:
    """A round that is larger than the mark by itself is the one that Claude has just asked for. It stays, whatever its
    size.
    """
    first = total = 0
    for newest, size in enumerate(sizes):
        total += size
        while total > (low if first <= newest and total > high else high):
            total -= sizes[first]
            first += 1
        if total > high:
            total -= size
            first = newest + 1
    return first if sum(sizes[first:]) or not sizes else len(sizes)


def _walk(answer: Answer, sizes: Sequence[int], high: int = 50, low: int = 20) -> str:
    found = [answer(list(sizes[:n]), high, low) for n in range(1, len(sizes) + 1)]
    if not all(isinstance(place, int) for place in found):
        raise WrongShape("gave back something that is no whole number; give back the place of the first round kept")
    return " ".join(map(str, found))


def _draw_sizes(random: Random) -> list[int]:
    return [random.choice((1, 5, 10, 20, 60)) for _ in range(random.randint(1, 30))]


def _wrong_cut(answer: Answer, sizes: list[int]) -> str:
    cuts = [answer(sizes[:n], 50, 20) for n in range(1, len(sizes) + 1)]
    before = 0
    for place, cut in enumerate(cuts):
        sent = sum(sizes[cut : place + 1])
        if not 0 <= cut <= place:
            return f"after round {place + 1} the newest round is not kept"
        if sent > 50 and cut < place:
            return f"after round {place + 1} {sent} tokens are sent, and 50 are allowed"
        if cut != before and sum(sizes[before : place + 1]) <= 50:
            return f"after round {place + 1} the beginning moves although everything still fits"
        if cut != before and sent > 20 and cut < place:
            return f"after round {place + 1} the cut is not deep: {sent} tokens stay, and 20 is the low mark"
        before = cut
    return ""


def _cut_rows(answer: Answer, sizes: list[int]) -> list[tuple[object, ...]]:
    cuts = [answer(sizes[:n], 50, 20) for n in range(1, len(sizes) + 1)]
    return [
        (n + 1, size, cut + 1, sum(sizes[cut : n + 1])) for n, (size, cut) in enumerate(zip(sizes, cuts, strict=True))
    ]


CUT = Exercise(
    id="10-b",
    covers=("M3", "M10"),
    title="A cut that keeps the cache",
    task="Give back the place of the first round sent: once the rounds outgrow high, cut to low, and wait again.",
    stub='''
def first_kept(sizes, high, low):
    """The place of the first round that is sent; sizes are the tokens of all rounds so far, oldest first."""
    return ...  # replace the three dots
''',
    reference=first_kept,
    probes=(
        Probe(
            "what fits is sent whole", lambda answer: _walk(answer, [10] * 5), "Five times 10 is 50, and 50 is allowed."
        ),
        Probe(
            "over the high mark it is cut to the low one, and stays there",
            lambda answer: _walk(answer, [10] * 9),
            "After six rounds of 10 only two are left, and the next three join them.",
        ),
        Probe(
            "it is cut once more when it has grown again",
            lambda answer: _walk(answer, [10] * 14),
            "Go on walking after a cut.",
        ),
        Probe(
            "rounds differ in size",
            lambda answer: _walk(answer, [5, 30, 5, 5, 20, 5, 5, 10, 15, 5]),
            "Add up tokens, not rounds.",
        ),
        Probe(
            "a round that is too large stays alone",
            lambda answer: _walk(answer, [10, 10, 70]),
            "Stop at the newest round, whatever its size.",
        ),
    ),
    mistakes=(
        it_slides_on_every_call,
        the_cut_is_sought_from_the_end,
        it_cuts_a_single_time,
        the_newest_round_goes_too,
    ),
    hints=(
        "The answer follows from the sizes alone: begin at the oldest round each time, walk, and cut where it is due.",
        "Keep two numbers: the first round that is kept, and the tokens from there on.",
        "Inside the loop: while total > low and first < newest, take sizes[first] off and go one on.",
    ),
    course=LoopCourse(
        "the budget holds, and the beginning moves only when it must",
        _draw_sizes,
        _wrong_cut,
        without_one,
        ("round", "tokens", "first round sent", "tokens sent"),
        _cut_rows,
    ),
)


EXERCISES = (PLACEHOLDER, CUT)
