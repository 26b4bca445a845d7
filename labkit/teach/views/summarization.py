"""Views of notebook 05: what a summary lost, what it does to a conversation turn by turn, and when it pays off."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from labkit.costs import cost
from labkit.messages import History, exchanges
from labkit.models import DEFAULT_MODEL
from labkit.request_log import Sent
from labkit.summarization import Summarizer, SummaryFailed, is_summary, replaced, split, too_early
from labkit.teach.cells.shown import Shown, table
from labkit.teach.charts.chart import Chart, Lane, Series, Threshold
from labkit.teach.lessons.talks import Talk
from labkit.tokens import ESTIMATED_TOKENS, estimate_tokens
from labkit.transcript import readable


def kept_and_lost(talk: Talk, old: History, summary: str) -> Shown:
    """Each message of the older part beside the lines that the summary took from it, and the exact words it lost.

    Exact words are the answers to the questions of `talk`; they are lost where the summary does not hold them.
    """
    lines = [line.strip(" -") for line in summary.splitlines() if line.startswith("- ")]
    rows = []
    for place, message in enumerate(old, 1):
        text = readable(message)
        kept = [line for line in lines if line.rstrip(".!?").casefold() in text.casefold()]
        said = [question for question in talk.questions if question.answered_by(text)]
        lost = [question.answer for question in said if not question.answered_by(summary)]
        rows.append((place, message.role, text, " ".join(kept) or "-", ", ".join(lost) or "-"))
    return table(["message", "role", "said", "in the summary", "exact words lost"], rows)


@dataclass(frozen=True, slots=True)
class Moment:
    """One request of a conversation that is summarized as it goes: its estimated tokens by part, and the questions that
    it can answer.

    `replaced` counts the messages that its summary replaces, `alive` names the questions it can still answer, `made` is
    true if a summary was made after it.
    """

    summary: int
    history: int
    current: int
    replaced: int
    alive: frozenset[str]
    made: bool

    @property
    def tokens(self) -> int:
        """All of the request."""
        return self.summary + self.history + self.current


def course(talk: Talk, summarizer: Summarizer, threshold: int, keep: int) -> list[Moment]:
    """The requests of a conversation when all but the newest `keep` turns are summarized once a request had more than
    `threshold` tokens (estimated).
    """
    working, moments = History(), list[Moment]()
    for exchange in exchanges(talk.history):
        asked = working.append(exchange[0])
        working = asked.append(*exchange[1:])
        made = False
        if estimate_tokens(asked) > threshold:
            working, made = _summarized(working, summarizer, threshold, keep)
        moments.append(_moment(talk, asked, made))
    return moments


def _summarized(working: History, summarizer: Summarizer, threshold: int, keep: int) -> tuple[History, bool]:
    old, recent = split(working, keep)
    if not old or too_early(working, old, threshold, estimate_tokens(working[:-1]), ESTIMATED_TOKENS):
        return working, False
    try:
        return replaced(working, recent, summarizer(old)), True
    except SummaryFailed:
        return working, False


def _moment(talk: Talk, asked: History, made: bool) -> Moment:
    pair = [message for message in asked[:2] if is_summary(message)]
    summary, current = sum(map(estimate_tokens, pair)), estimate_tokens(asked[-1])
    return Moment(
        summary=summary,
        history=estimate_tokens(asked) - summary - current,
        current=current,
        replaced=len(pair[0].replaces) if pair else 0,
        alive=frozenset(question.answer for question in talk.answerable(asked)),
        made=made,
    )


def timeline(talk: Talk, summarizer: Summarizer, threshold: int, keep: int, top: int | None = None) -> Chart:
    """A conversation turn by turn: the tokens of each request by part, and below, for each fact, where it can be
    answered.

    The first strip below the columns shows how far the last request's summary reaches. `top` fixes the end of the token
    axis. Tokens are estimated; a fact is alive where its words stand in the request.
    """
    moments = course(talk, summarizer, threshold, keep)
    return Chart(
        title="Tokens of each request, and which facts it still holds",
        words=_words(talk, moments, threshold),
        categories=[str(turn) for turn in range(1, len(moments) + 1)],
        series=[Series(part, [getattr(each, part) for each in moments]) for part in ("summary", "history", "current")],
        axis="turn",
        thresholds=[Threshold(threshold, f"threshold {threshold:,}")],
        top=top or max(each.tokens for each in moments) * 1.1,
        height=343 + 13 * len(talk.questions),
        lanes=[
            Lane.of("in a summary", "summary", [2 * turn < moments[-1].replaced for turn in range(len(moments))]),
        ]
        + [
            Lane.of(question.answer, "facts", [question.answer in each.alive for each in moments])
            for question in talk.questions
        ],
        source=f"Tokens estimated for {DEFAULT_MODEL}; summaries by the offline Claude (simulated).",
    )


def _words(talk: Talk, moments: Sequence[Moment], threshold: int) -> str:
    last, made = moments[-1], sum(each.made for each in moments[:-1])
    total = sum(each.tokens for each in moments)
    facts = f"{len(last.alive)} of {len(talk.questions)} facts are still in the last request"
    if not made:
        return (
            f"No summary is made: no request before the last one can be shortened at {threshold:,} tokens. "
            f"The last request has {last.tokens:,} tokens, all {len(moments)} together {total:,}; {facts}."
        )
    count = "1 summary is made" if made == 1 else f"{made} summaries are made"
    return (
        f"{count}; the newest one replaces {last.replaced} messages in {last.summary:,} tokens. "
        f"The last request has {last.tokens:,} tokens, all {len(moments)} together {total:,}; {facts}."
    )


def fading(rounds: Sequence[str], **sizes: Sequence[int]) -> Chart:
    """The growth of summaries from round to round: one line for each way of making them, in estimated tokens."""
    parts = ("summary", "dropped", "history")
    told = "; ".join(
        f"{label} {'grows' if values[-1] > values[0] else 'goes'} from {values[0]:,} to {values[-1]:,} tokens"
        for label, values in sizes.items()
    )
    return Chart(
        title="Size of the summary after each round",
        words=f"Over {len(rounds)} rounds {told}.",
        categories=rounds,
        kind="lines",
        axis="round",
        series=[Series(part, values, label) for part, (label, values) in zip(parts, sizes.items(), strict=False)],
        source=f"Tokens estimated for {DEFAULT_MODEL}; summaries by the offline Claude (simulated).",
    )


def payback(whole: Sequence[Sent], summarized: Sequence[Sent], is_call: Callable[[Sent], bool]) -> Chart:
    """The cost of two conversations turn by turn, added up, in thousandths of a dollar: one sent whole, one summarized.

    `is_call` tells the requests that asked for a summary; their price is added to the turn they follow. The words say
    from which turn on the summarized one is cheaper for good.
    """
    lines = {"sent whole": _running(whole, is_call), "summarized": _running(summarized, is_call)}
    first, second = lines.values()
    return Chart(
        title="The bill so far",
        words=f"After {len(first)} turns the whole history has cost {first[-1] / 1_000:.4f} dollars, the summarized "
        f"one {second[-1] / 1_000:.4f}. {_turning(first, second)}",
        categories=[str(turn) for turn in range(1, len(first) + 1)],
        kind="lines",
        axis="turn",
        unit="$ x 0.001",
        series=[Series("history", first, "sent whole"), Series("summary", second, "summarized")],
        source="List prices; tokens of the offline Claude (simulated), so estimates.",
    )


def _running(log: Sequence[Sent], is_call: Callable[[Sent], bool]) -> list[float]:
    bill, total = list[float](), 0.0
    for sent in log:
        total += cost(sent.usage, str(sent.request["model"])).dollars * 1_000
        if is_call(sent):
            bill[-1] = total
        else:
            bill.append(total)
    return bill


def cheaper_from(whole: Sequence[float], summarized: Sequence[float]) -> int | None:
    """The first turn from which the second bill stays below the first one, counted from 1; None when it never does."""
    above = [turn for turn, (one, other) in enumerate(zip(whole, summarized, strict=True), 1) if other >= one]
    turn = (above[-1] if above else 0) + 1
    return turn if turn <= len(whole) else None


def _turning(whole: Sequence[float], summarized: Sequence[float]) -> str:
    turn = cheaper_from(whole, summarized)
    if turn is None:
        return "The summary never pays for itself here."
    return f"From turn {turn} on the summarized one is cheaper for good."
