"""Very large requests: answered within seconds, counted alike whatever was counted before."""

import json
import random

import pytest
from offline_doors import ask, user

from labkit.offline import OfflineClaude
from labkit.offline.api import handle
from labkit.offline.billing.sampling import BODY, LIMIT, sampled_rate, tally_of
from labkit.offline.billing.tokens import request_tokens, text_tokens
from labkit.offline.catalog import Catalog
from labkit.offline.wire import HttpRequest

HEADERS = {"x-api-key": "any", "anthropic-version": "2026-10-21"}
ROOM = 31_000_000
MODEL = Catalog().find("claude-sonnet-4-6")


def letters(count, alphabet="abcdefghijklmnopqrstuvwxyz     "):
    """Random text that no cache has seen."""
    return "".join(random.Random(7).choices(alphabet, k=count))


HUGE = {
    "prose": lambda: ("the cat sat on the mat and looked at the moon. " * 700_000)[:ROOM],
    "random letters": lambda: letters(ROOM),
    "chinese": lambda: letters(ROOM // 3, "漢字仮名交文章"),
    "one letter": lambda: "a" * ROOM,
    "many messages": lambda: [letters(250) + str(number) for number in range(99_999)],
}


@pytest.mark.parametrize("kind", HUGE)
def test_the_largest_body_is_refused(kind):
    """Input far beyond the window is the 400 with both numbers, without counting minutes of text."""
    made = HUGE[kind]()
    texts = [made] if isinstance(made, str) else made
    messages = [{"role": ("user", "assistant")[place % 2], "content": words} for place, words in enumerate(texts)]
    body = json.dumps(ask(*messages), ensure_ascii=False).encode()
    request = HttpRequest("POST", "/v1/messages", "", HEADERS, body)
    answer = handle(request, OfflineClaude(reply="Fine.").service)
    error = json.loads(answer.body)["error"]["message"]
    assert answer.status == 400
    assert error.startswith("prompt is too long: ")
    assert int(error.split()[4]) > 1_000_000
    assert error.endswith(" tokens > 1000000 maximum")


def test_a_conversation_of_repeated_words_is_counted_exactly():
    """Prose far above the limit in characters is still counted word by word when its words repeat."""
    body = ask(user("the cat sat on the mat and looked at the moon " * 20_000))
    size = len(json.dumps(body))
    assert size > BODY
    assert request_tokens(body, MODEL, tally_of(body, MODEL, size)) == request_tokens(body, MODEL)


@pytest.mark.parametrize("alphabet", ["abcdefghijklmnopqrstuvwxyz     ", "漢字仮名交文章", '{"a": 1, "bc": [2]}\n'])
def test_a_sample_is_within_three_percent(alphabet):
    """The sampled count is close to the exact one where counting all would take long."""
    words = letters(LIMIT + 50_000, alphabet)
    assert len(words) * sampled_rate(words, "3.0") == pytest.approx(text_tokens(words, "3.0"), rel=0.03)


def test_the_count_does_not_depend_on_what_was_counted_before():
    """A sampled request gives the same number when its texts are already known."""
    body = ask(user(letters(LIMIT * 2)))
    size = len(json.dumps(body))
    first = request_tokens(body, MODEL, tally_of(body, MODEL, size))
    text_tokens(body["messages"][0]["content"][:5_000], "3.0")
    assert request_tokens(body, MODEL, tally_of(body, MODEL, size)) == first
