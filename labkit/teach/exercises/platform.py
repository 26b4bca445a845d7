"""The exercises of notebook 08: read a bill with its cache fields, and choose a way by what is needed."""

from collections.abc import Mapping, Set

from labkit.teach.checks.check import WrongShape
from labkit.teach.checks.exercise import Answer, Exercise, Probe

type Usage = Mapping[str, int]
type Prices = Mapping[str, float]

MILLION = 1_000_000
PRICES = {"input": 4.0, "cache_write": 5.0, "cache_read": 0.4, "output": 20.0}
"""Round prices for the probes, of no model in particular."""


def dollars_of(usage: Usage, prices: Prices) -> float:
    """Each of the four kinds of tokens at its own price: the three input fields do not overlap."""
    return (
        usage["input_tokens"] * prices["input"]
        + usage["cache_creation_input_tokens"] * prices["cache_write"]
        + usage["cache_read_input_tokens"] * prices["cache_read"]
        + usage["output_tokens"] * prices["output"]
    ) / MILLION


def only_what_was_read_afresh(usage: Usage, prices: Prices) -> float:
    """You bill input_tokens alone. With caching nearly all of the input is in the other two fields, and they are billed
    as well.
    """
    return (usage["input_tokens"] * prices["input"] + usage["output_tokens"] * prices["output"]) / MILLION


def everything_at_the_price_of_input(usage: Usage, prices: Prices) -> float:
    """You bill all input at one price. A cache write is more expensive than that, and a cache read much cheaper: each
    field has its price.
    """
    read = usage["input_tokens"] + usage["cache_creation_input_tokens"] + usage["cache_read_input_tokens"]
    return (read * prices["input"] + usage["output_tokens"] * prices["output"]) / MILLION


def the_cache_is_taken_off_the_input(usage: Usage, prices: Prices) -> float:
    """You take the cached tokens out of input_tokens. They are not in it: the three fields lie side by side, and their
    sum is the size of the request.
    """
    written, read = usage["cache_creation_input_tokens"], usage["cache_read_input_tokens"]
    fresh = usage["input_tokens"] - written - read
    rest = written * prices["cache_write"] + read * prices["cache_read"] + usage["output_tokens"] * prices["output"]
    return (fresh * prices["input"] + rest) / MILLION


def the_reply_is_free(usage: Usage, prices: Prices) -> float:
    """You leave the output out. The tokens that Claude writes are the most expensive ones."""
    return dollars_of({**usage, "output_tokens": 0}, prices)


def prices_are_for_one_token(usage: Usage, prices: Prices) -> float:
    """You multiply tokens by a price that is for a million of them. Divide by 1,000,000."""
    return dollars_of(usage, prices) * MILLION


def reads_and_writes_are_swapped(usage: Usage, prices: Prices) -> float:
    """You bill writes as reads and reads as writes. cache_creation is what was written, at more than the price of
    input; cache_read is the cheap one.
    """
    return dollars_of(usage, {**prices, "cache_write": prices["cache_read"], "cache_read": prices["cache_write"]})


def way_to_go(needs: Set[str]) -> str:
    """The first line of the table that fits: what must outlive the talk comes first, the gist alone last."""
    if "across talks" in needs:
        return "memory"
    if "new rule" in needs:
        return "system message"
    if "too long" not in needs:
        return "everything, cached"
    if "old results" in needs:
        return "clear results"
    return "own manager" if "exact words" in needs else "compaction"


def what_fits_is_shortened(needs: Set[str]) -> str:
    """You shorten a conversation that fits. As long as it is not too long, everything, cached, is cheap and loses
    nothing: ask for "too long" before you look at what could go.
    """
    if "across talks" in needs or "new rule" in needs or "too long" in needs:
        return way_to_go(needs)
    if "old results" in needs:
        return "clear results"
    return "own manager" if "exact words" in needs else "everything, cached"


def the_cache_is_taken_for_a_memory(needs: Set[str]) -> str:
    """You answer "across talks" with the cache. It keeps the beginning of a prompt for minutes and tells Claude
    nothing: what another talk must know has to be saved and sent again.
    """
    return "everything, cached" if "across talks" in needs and "too long" not in needs else way_to_go(needs)


def exact_words_are_given_to_a_summary(needs: Set[str]) -> str:
    """You let a summary take care of exact words. It chooses, and a number or a name may be what it leaves out: then
    your own manager, with pinned facts.
    """
    return "compaction" if way_to_go(needs) == "own manager" else way_to_go(needs)


def old_results_are_summarized(needs: Set[str]) -> str:
    """You let a summary shorten what is mostly old tool results. Clear those first: what people said then stays whole,
    and no call has to be paid for.
    """
    if way_to_go(needs) != "clear results":
        return way_to_go(needs)
    return "own manager" if "exact words" in needs else "compaction"


def the_rule_goes_to_the_front(needs: Set[str]) -> str:
    """You look at the length before the new rule. A rule that changes is appended as a system message in any case: it
    costs its own few tokens, and whether the history is too long is another question.
    """
    return way_to_go(needs - {"new rule"}) if "across talks" not in needs else "memory"


def _chosen(answer: Answer, *needs: str) -> str:
    chosen: object = answer(frozenset(needs))
    if not isinstance(chosen, str):
        raise WrongShape(f"gave back a {type(chosen).__name__}; give back one of the names as a text")
    return chosen


def _billed(answer: Answer, *tokens: int) -> float:
    names = ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens", "output_tokens")
    amount: object = answer(dict(zip(names, tokens, strict=True)), PRICES)
    if not isinstance(amount, int | float):
        raise WrongShape(f"gave back a {type(amount).__name__}; give back a number of dollars")
    return round(amount, 9)


DOLLARS_OF = Exercise(
    id="08-a",
    covers=("C12", "J6"),
    title="Read a bill",
    task="Give back the dollars of one request: each kind of tokens at its own price, prices per million.",
    stub='''
def dollars_of(usage, prices):
    """Dollars of one request.

    usage: input_tokens, cache_creation_input_tokens, cache_read_input_tokens, output_tokens.
    prices, per million tokens: input, cache_write, cache_read, output.
    """
    return ...  # replace the three dots
''',
    reference=dollars_of,
    probes=(
        Probe(
            "without a cache, 1,000 tokens read and 500 written cost 1.4 cents",
            lambda answer: _billed(answer, 1_000, 0, 0, 500),
            "1,000 x 4 and 500 x 20 dollars per million.",
        ),
        Probe(
            "the first request of a cached talk pays for the write",
            lambda answer: _billed(answer, 0, 10_000, 0, 100),
            "10,000 tokens stand in cache_creation_input_tokens, at 5 dollars per million.",
        ),
        Probe(
            "a later one reads nearly everything at the price of a read",
            lambda answer: _billed(answer, 20, 500, 10_000, 300),
            "Three fields of input, three prices, and the reply.",
        ),
        Probe(
            "a pre-warming request without a reply costs its write",
            lambda answer: _billed(answer, 0, 2_000, 0, 0),
            "With max_tokens=0 nothing is written back, and the cache is filled.",
        ),
        Probe(
            "reads alone cost what reads cost",
            lambda answer: _billed(answer, 0, 0, 50_000, 10),
            "50,000 x 0.4 dollars per million, and 10 tokens of reply.",
        ),
    ),
    mistakes=(
        only_what_was_read_afresh,
        everything_at_the_price_of_input,
        the_cache_is_taken_off_the_input,
        the_reply_is_free,
        prices_are_for_one_token,
        reads_and_writes_are_swapped,
    ),
    hints=(
        "Four products: tokens of each field times the price for its kind.",
        'usage["cache_read_input_tokens"] * prices["cache_read"] is one of them.',
        "The prices are for a million tokens: divide the sum by 1_000_000.",
    ),
)

WAY_TO_GO = Exercise(
    id="08-b",
    covers=("H1", "J10"),
    title="Choose a way",
    task="Give back the name of the way to use for a set of needs; the first line of the table that fits decides.",
    stub='''
def way_to_go(needs):
    """The name of the way to use; needs is a set of texts, and the order of the table above decides."""
    return ...  # replace the three dots
''',
    reference=way_to_go,
    probes=(
        Probe(
            "with no special need, everything is sent, cached",
            lambda answer: _chosen(answer),
            "An empty set: it fits, and nothing else is asked for.",
        ),
        Probe(
            "exact words in a talk that fits are no reason to shorten it",
            lambda answer: [_chosen(answer, "exact words"), _chosen(answer, "old results", "exact words")],
            "Nothing is lost while everything is sent.",
        ),
        Probe(
            "what another talk must know is saved",
            lambda answer: [_chosen(answer, "across talks"), _chosen(answer, "across talks", "too long", "new rule")],
            "Cache and thread live for minutes; look for this need first.",
        ),
        Probe(
            "a new rule is appended, however long the talk is",
            lambda answer: [_chosen(answer, "new rule"), _chosen(answer, "new rule", "too long")],
            "Second line of the table.",
        ),
        Probe(
            "a long talk of old results has them cleared",
            lambda answer: [_chosen(answer, "too long", "old results"),
                            _chosen(answer, "too long", "old results", "exact words")],
            "Clearing comes before any summary.",
        ),
        Probe(
            "a long talk with exact words is for your own manager",
            lambda answer: _chosen(answer, "too long", "exact words"),
            "Pinned facts are not summarized.",
        ),
        Probe(
            "a long talk of which the gist is enough is compacted",
            lambda answer: _chosen(answer, "too long"),
            "The last line.",
        ),
    ),
    mistakes=(
        what_fits_is_shortened,
        the_cache_is_taken_for_a_memory,
        exact_words_are_given_to_a_summary,
        old_results_are_summarized,
        the_rule_goes_to_the_front,
    ),
    hints=(
        "Go through the table from the top; each line is an `if` with a `return`.",
        'The third line reads: if "too long" not in needs.',
        'Below it, everything is too long: "old results" first, then "exact words", and last the gist.',
    ),
)  # fmt: skip

EXERCISES = (DOLLARS_OF, WAY_TO_GO)
