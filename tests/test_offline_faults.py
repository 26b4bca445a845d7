"""Faults on request, and what the real SDK makes of them."""

import asyncio

import anthropic
import pytest
from offline_doors import STRICT, accepted, ask, assistant, user

from labkit.offline import Fault, OfflineClaude
from labkit.offline.faults import WORDS

EXPECTED = {
    400: anthropic.BadRequestError,
    401: anthropic.AuthenticationError,
    402: anthropic.APIStatusError,
    403: anthropic.PermissionDeniedError,
    404: anthropic.NotFoundError,
    409: anthropic.ConflictError,
    413: anthropic.RequestTooLargeError,
    429: anthropic.RateLimitError,
    500: anthropic.InternalServerError,
    504: anthropic.DeadlineExceededError,
    529: anthropic.OverloadedError,
}


@pytest.fixture
def claude():
    """An offline Claude that always says the same."""
    return OfflineClaude(reply="Fine at last.")


@pytest.mark.parametrize("status", WORDS)
def test_each_status_is_the_sdk_s_own_exception(claude, status):
    """Every status reaches sync, async and streaming callers as its typed exception."""
    claude.faults.add(status, status, status)
    with pytest.raises(EXPECTED[status]) as caught:
        claude.client(**STRICT).messages.create(**ask())
    assert caught.value.status_code == status
    with pytest.raises(EXPECTED[status]):
        asyncio.run(claude.async_client(**STRICT).messages.create(**ask()))
    with pytest.raises(EXPECTED[status]), claude.client(**STRICT).messages.stream(**ask()):
        pass
    assert len(claude.faults) == 0


def test_the_sdk_retries_and_waits_as_long_as_it_is_asked_to(claude):
    """Two overloads are retried by the SDK itself, which heeds retry-after-ms: some milliseconds."""
    claude.faults.add(529, 429)
    reply = claude.client().messages.with_raw_response.create(**ask())
    assert reply.retries_taken == 2
    assert reply.parse().content[0].text == "Fine at last."
    assert [exchange.status for exchange in claude.requests] == [529, 429, 200]


def test_what_cannot_succeed_is_not_retried(claude):
    """A 400 says that trying again is of no use."""
    claude.faults.add(400)
    with pytest.raises(anthropic.BadRequestError):
        claude.client(max_retries=5).messages.create(**ask())
    assert len(claude.requests) == 1


def test_a_rate_limit_tells_its_limits(claude):
    """A 429 names the model and carries the rate-limit headers."""
    claude.faults.add(429)
    with pytest.raises(anthropic.RateLimitError, match="model: claude-sonnet-4-6") as caught:
        claude.client(**STRICT).messages.create(**ask())
    headers = caught.value.response.headers
    assert headers["anthropic-ratelimit-input-tokens-remaining"] == "0"
    assert headers["x-should-retry"] == "true"
    assert int(headers["retry-after"]) >= 1


@pytest.mark.parametrize(
    ("kind", "expected"),
    [("connection_reset", anthropic.APIConnectionError), ("read_timeout", anthropic.APITimeoutError)],
)
def test_a_broken_connection_is_an_exception_and_can_be_retried(claude, kind, expected):
    """A reset or a timeout is what the SDK calls it, sync and async, and its retries get through."""
    claude.faults.add(kind, kind)
    with pytest.raises(expected):
        claude.client(**STRICT).messages.create(**ask())
    with pytest.raises(expected):
        asyncio.run(claude.async_client(**STRICT).messages.create(**ask()))
    claude.faults.add(kind)
    assert claude.client().messages.create(**ask()).content[0].text == "Fine at last."


def test_a_stream_can_break_in_the_middle(claude):
    """An error event after the first words raises an APIStatusError although the status was 200."""
    claude.faults.add(Fault("mid_stream", after=4))
    heard = []
    with (
        pytest.raises(anthropic.APIStatusError, match="Overloaded") as caught,
        claude.client(**STRICT).messages.stream(**ask()) as events,
    ):
        heard.extend(events.text_stream)
    assert (caught.value.status_code, caught.value.type) == (200, "overloaded_error")
    assert "".join(heard) == "Fine at last."[: len("".join(heard))]


def test_faults_can_be_forgotten(claude):
    """A cleared queue lets everything through."""
    claude.faults.add(500, 500)
    claude.faults.clear()
    assert claude.client(**STRICT).messages.create(**ask()).stop_reason == "end_turn"


@pytest.mark.parametrize("kind", [418, "rain", 200])
def test_an_unknown_fault_is_refused_with_the_known_ones(kind):
    """A kind that does not exist is named with those that do."""
    with pytest.raises(ValueError, match=r"unknown: choose one of .*529"):
        OfflineClaude(reply="x").faults.add(kind)


def test_a_reply_can_be_refused_on_request(claude):
    """A refusal is a 200 without content, with its category, on every way in; the request after it is answered."""
    claude.faults.add(*[Fault("refusal", category="cyber")] * 4)
    message = accepted(claude, ask())
    assert (message["content"], message["stop_reason"]) == ([], "refusal")
    assert (message["stop_details"]["type"], message["stop_details"]["category"]) == ("refusal", "cyber")
    assert message["usage"]["output_tokens"] == 0
    assert accepted(claude, ask())["stop_reason"] == "end_turn"


def test_a_refusal_can_stick_to_the_refused_message(claude):
    """While the refused message is in the history every later request is refused too; without it all goes on."""
    client = claude.client(**STRICT)
    claude.faults.add(Fault("refusal", sticks=True))
    flagged, later = user("The flagged question."), user("And another one.")
    assert client.messages.create(**ask(flagged)).stop_reason == "refusal"
    assert client.messages.create(**ask(flagged, assistant("[no answer]"), later)).stop_reason == "refusal"
    assert client.messages.create(**ask(later)).stop_reason == "end_turn"


def test_a_turn_can_pause_on_request_and_be_continued(claude):
    """A paused turn holds a server tool's call and result; sent back as it is, it is gone on with."""
    claude.faults.add(*["pause_turn"] * 4)
    paused = accepted(claude, ask())
    assert paused["stop_reason"] == "pause_turn"
    assert [block["type"] for block in paused["content"]] == ["text", "server_tool_use", "web_search_tool_result"]
    client = claude.client(**STRICT)
    claude.faults.add("pause_turn")
    turn = assistant(client.messages.create(**ask()).to_dict()["content"])
    ended = client.messages.create(**ask(user("Hello."), turn))
    assert ended.stop_reason == "end_turn"
    again = ask(user("Hello."), turn, assistant(ended.to_dict()["content"]), user("Thank you."))
    assert client.messages.create(**again).stop_reason == "end_turn"


def test_a_reply_can_end_at_max_tokens_on_request():
    """Half of what would have been said, with the words `max_tokens`, though the request allowed more."""
    claude = OfflineClaude(reply="The parcel arrives on Monday. " * 5)
    whole = accepted(claude, ask())
    claude.faults.add(*["max_tokens"] * 4)
    half = accepted(claude, ask())
    assert (half["stop_reason"], whole["stop_reason"]) == ("max_tokens", "end_turn")
    assert half["usage"]["output_tokens"] == whole["usage"]["output_tokens"] // 2
    assert whole["content"][0]["text"].startswith(half["content"][0]["text"])


def test_an_ending_waits_for_a_reply(claude):
    """Counting tokens or listing models does not use up an ending."""
    client = claude.client(**STRICT)
    claude.faults.add("refusal")
    client.messages.count_tokens(model="claude-sonnet-4-6", messages=[user("Hello.")])
    client.models.list()
    assert client.messages.create(**ask()).stop_reason == "refusal"


def test_an_unknown_category_of_refusal_is_refused_with_the_known_ones():
    """A category that the API does not have is named with those that it has; None is the API's own null."""
    with pytest.raises(ValueError, match=r"category 'rude' is unknown: choose one of cyber, .*, or None"):
        Fault("refusal", category="rude")
    assert Fault("refusal", category=None).category is None
