"""Message threads: the API holds the conversation for five minutes, and bills it all the same."""

import pytest
from offline_doors import STRICT, WEATHER, ask, assistant, text, user

from labkit.offline import OfflineClaude, Reply

BETAS = ["message-threads-2026-08-12"]
CREATE = {"thread": {"type": "create"}, "betas": BETAS}


@pytest.fixture
def claude():
    """An offline Claude that says how many messages it sees."""
    return OfflineClaude(reply=lambda request: Reply([text(f"{len(request['messages'])} messages")]))


def create(claude, *messages, **more):
    """A message of the beta resource."""
    return claude.client(**STRICT).beta.messages.create(**ask(*messages, **more))


def after(message, **more):
    """The parameters that continue from a response."""
    return {"thread": {"type": "continue", "previous_message_id": message.id}, "betas": BETAS, **more}


def error_of(claude, *messages, **more):
    """Status and code of a refused request."""
    with pytest.raises(Exception, match=r".") as caught:
        create(claude, *messages, **more)
    return caught.value.status_code, caught.value.error_code


def test_only_what_is_new_is_sent(claude):
    """The thread puts what it holds, replies included, before the new messages."""
    first = create(claude, user("One."), **CREATE)
    second = create(claude, user("Two."), **after(first))
    third = create(claude, user("Three."), **after(second))
    assert [message.content[0].text for message in (first, second, third)] == ["1 messages", "3 messages", "5 messages"]
    assert [len(sent.request["messages"]) for sent in claude.requests] == [1, 1, 1]


def test_the_whole_conversation_is_billed(claude):
    """A continued thread costs what the same conversation costs when it is sent whole."""
    first = create(claude, user("One."), system="Be kind.", **CREATE)
    second = create(claude, user("Two."), **after(first))
    whole = create(claude, user("One."), assistant("1 messages"), user("Two."), system="Be kind.")
    assert second.usage.input_tokens == whole.usage.input_tokens


def test_the_sdk_s_helper_works_and_replays(claude):
    """The SDK's thread object sends new messages only, and the whole once the thread has expired."""
    thread = claude.client(**STRICT).beta.messages.thread(model="claude-sonnet-4-6", max_tokens=300)
    thread.send(user("One."))
    assert thread.send(user("Two.")).content[0].text == "3 messages"
    claude.clock.advance(301)
    assert thread.send(user("Three.")).content[0].text == "5 messages"
    sizes = [len(sent.request["messages"]) for sent in claude.requests]
    assert sizes == [1, 1, 1, 5]


def test_each_response_starts_five_minutes_again(claude):
    """A thread that is used in time lives on."""
    message = create(claude, user("One."), **CREATE)
    for _ in range(3):
        claude.clock.advance(299)
        message = create(claude, user("More."), **after(message))
    assert message.content[0].text == "7 messages"


def test_thread_is_known(claude):
    """An expired or unknown response is a 404 with its code."""
    message = create(claude, user("One."), **CREATE)
    claude.clock.advance(301)
    assert error_of(claude, user("Two."), **after(message)) == (404, "thread_not_found")
    plain = create(claude, user("One."))
    assert error_of(claude, user("Two."), **after(plain)) == (404, "thread_not_found")


def test_thread_is_continued_once(claude):
    """A response that was continued cannot be continued again."""
    message = create(claude, user("One."), **CREATE)
    create(claude, user("Two."), **after(message))
    assert error_of(claude, user("Other."), **after(message)) == (400, "thread_already_continued")


def test_thread_fields_stay_the_same(claude):
    """System prompt, tools and output configuration may be left out or repeated, not changed."""
    message = create(claude, user("One."), system="Be kind.", tools=[WEATHER], **CREATE)
    for changed in ({"system": "Be brief."}, {"tools": []}, {"output_config": {"effort": "low"}}):
        assert error_of(claude, user("Two."), **changed, **after(message)) == (400, "thread_fingerprint_mismatch")
    create(claude, user("Two."), system="Be kind.", tools=[WEATHER], **after(message))


def test_thread_fields_are_supported(claude):
    """Parameters that threads do not support are named, at creation and later."""
    betas = [*BETAS, "context-management-2025-06-27"]
    managed = {"context_management": {"edits": []}}
    body = {**CREATE, "betas": betas, **managed}
    assert error_of(claude, user("One."), **body) == (400, "thread_unsupported_request")
    with pytest.raises(Exception, match="context_management") as caught:
        create(claude, user("One."), **body)
    assert caught.value.details.unsupported == ["context_management"]


def test_one_continuation_at_a_time(claude):
    """While one request continues, another from the same response is refused."""
    message = create(claude, user("One."), **CREATE)
    refused = []

    def meanwhile(request):
        """Continue from the same response while this one is being answered."""
        claude.service.reply = lambda other: Reply([text("Late.")])
        refused.append(error_of(claude, user("Two too."), **after(message)))
        return Reply([text("Fine.")])

    claude.service.reply = meanwhile
    create(claude, user("Two."), **after(message))
    assert refused == [(400, "thread_continue_in_flight")]


def test_a_refused_continuation_can_be_sent_again(claude):
    """A request that came to nothing does not use up the response."""
    message = create(claude, user("One."), **CREATE)
    assert error_of(claude, user(" "), **after(message))[0] == 400
    assert create(claude, user("Two."), **after(message)).content[0].text == "3 messages"


def test_two_threads_that_begin_alike_are_apart(claude):
    """The same first request twice makes two threads, each continued on its own."""
    first, second = (create(claude, user("One."), **CREATE) for _ in range(2))
    assert first.id != second.id
    for message in (first, second):
        assert create(claude, user("Two."), **after(message)).content[0].text == "3 messages"


def test_threads_stream_too(claude):
    """A streamed response is held like any other."""
    client = claude.client(**STRICT)
    with client.beta.messages.stream(**ask(user("One.")), **CREATE) as events:
        first = events.get_final_message()
    assert create(claude, user("Two."), **after(first)).content[0].text == "3 messages"
