"""The API's rules on messages: which turns there may be, in which order, and what they may hold."""

from collections.abc import Iterable, Iterator
from itertools import pairwise

from labkit.offline.rule import rule
from labkit.offline.service import Call
from labkit.offline.wire import ApiError, Json, blocks_of

MOST_MESSAGES = 100_000
"""Messages of one request. Source: SDK 2.12.0, messages docstring."""
SERVER_BLOCKS = ("server_tool_use", "mcp_tool_use")


@rule
def at_least_one_message(call: Call) -> None:
    """The messages are not empty.

    Evidence: body quoted in GitHub DevoxxGenieIDEAPlugin#567, March 2025.
    """
    if not call.messages:
        raise ApiError(400, "messages: at least one message is required")


@rule
def at_most_100_000_messages(call: Call) -> None:
    """A request has at most 100,000 messages. The words are not verified.

    Evidence: SDK 2.12.0, messages docstring.
    """
    count = len(call.messages)
    if count > MOST_MESSAGES:
        raise ApiError(400, f"messages: List should have at most {MOST_MESSAGES} items after validation, not {count}")


@rule
def user_first_on_the_old_platform(call: Call) -> None:
    """On the legacy Bedrock platform the first message is the user's; the Claude API takes any since 8 October 2024.

    Evidence: both bodies in GitHub anthropic-sdk-typescript#622; Anthropic release notes, 8 October 2024.
    """
    if call.service.platform == "bedrock-legacy" and call.messages[0]["role"] != "user":
        raise ApiError(400, 'messages: first message must use the "user" role')


@rule
def alternation_on_the_old_platform(call: Call) -> None:
    """On the legacy Bedrock platform roles alternate; the Claude API merges turns of one role since 8 October 2024.

    Evidence: body quoted in GitHub genkit-plugins#149, 7 October 2024; SDK 2.12.0, messages docstring, for the merging.
    """
    if call.service.platform != "bedrock-legacy":
        return
    roles = [message["role"] for message in call.messages]
    for first, second in pairwise(roles):
        if first == second:
            words = f'but found multiple "{first}" roles in a row'
            raise ApiError(400, f'messages: roles must alternate between "user" and "assistant", {words}')


@rule
def content_is_not_empty(call: Call) -> None:
    """Every message has content, except that the last may be an empty assistant one.

    Evidence: bodies quoted in GitHub claude-code#6774 (2025) and, for user messages, hermes-agent#3149, March 2026.
    """
    last = len(call.messages) - 1
    for index, message in enumerate(call.messages):
        if message.get("content") or message["role"] == "system":
            continue
        if message["role"] == "user":
            raise ApiError(400, f"messages.{index}: user messages must have non-empty content")
        if index != last:
            words = "all messages must have non-empty content except for the optional final assistant message"
            raise ApiError(400, f"messages.{index}: {words}")


@rule
def breakpoints_are_not_on_empty_text(call: Call) -> None:
    """A cache breakpoint is not on an empty text block.

    Evidence: body quoted with its request id in a public repository, August 2025.
    """
    for role in ("user", "assistant"):
        for index, place, block in _blocks(call, role):
            if block["type"] == "text" and block["text"] == "" and block.get("cache_control"):
                where = f"messages.{index}.content.{place}.text"
                raise ApiError(400, f"{where}: cache_control cannot be set for empty text blocks")


@rule
def text_is_not_empty(call: Call) -> None:
    """A text block has text, in the system prompt too.

    Evidence: body quoted in GitHub claude-code#59812, May 2026; for the system prompt in a public repository, 2026.
    """
    if any(text == "" for text in _texts(call.messages)):
        raise ApiError(400, "messages: text content blocks must be non-empty")
    system = call.body.get("system")
    if isinstance(system, list) and any(block["text"] == "" for block in system):
        raise ApiError(400, "system: text content blocks must be non-empty")


@rule
def text_is_not_blank(call: Call) -> None:
    """A text is more than whitespace, except in an assistant message that holds anything else.

    Evidence: body quoted in GitHub home-assistant#175637, July 2026; a recorded answer of April 2026 to blank text next
    to a tool call, and one of 19 August 2026 after a server tool.
    """
    messages = [m for m in call.messages if m["role"] != "assistant" or not _holds_more(m)]
    if any(text.isspace() for text in _texts(messages)):
        raise ApiError(400, "messages: text content blocks must contain non-whitespace text")


def _holds_more(message: Json) -> bool:
    blocks = blocks_of(message.get("content"))
    return any(block["type"] != "text" or not block["text"].isspace() for block in blocks)


def _texts(messages: Iterable[Json]) -> Iterator[str]:
    """Every text of the messages, a string for content among them; an empty string is empty content instead."""
    for message in messages:
        content = message.get("content")
        if isinstance(content, str):
            if content:
                yield content
        else:
            yield from (block["text"] for block in content or () if block["type"] == "text")


@rule
def no_prefill(call: Call) -> None:
    """The last message is not the assistant's, from Claude 4.6 on; a paused turn with server tools may be continued.

    Evidence: Anthropic docs, Errors (Prefill not supported) and Handling stop reasons, read August 2026.
    """
    last = call.messages[-1]
    if last["role"] != "assistant" or call.model.prefill or call.body.get("compaction"):
        return
    if any(block["type"] in SERVER_BLOCKS for block in blocks_of(last.get("content"))):
        return
    words = "The conversation must end with a user message."
    raise ApiError(400, f"This model does not support assistant message prefill. {words}")


@rule
def prefill_does_not_end_in_space(call: Call) -> None:
    """A prefill, where it is allowed (Claude 4.5), does not end in whitespace.

    Evidence: body quoted in GitHub crewAI#4413, February 2026.
    """
    last = call.messages[-1]
    blocks = blocks_of(last.get("content"))
    if last["role"] == "assistant" and blocks and blocks[-1]["type"] == "text":
        text = blocks[-1]["text"]
        if text != text.rstrip():
            raise ApiError(400, "messages: final assistant content cannot end with trailing whitespace")


@rule
def system_messages_by_model(call: Call) -> None:
    """A message of role system is for the models that know it.

    Evidence: body quoted in GitHub claude-code#61412, May 2026; which models: labkit/facts.toml.
    """
    if not call.model.system_messages and any(message["role"] == "system" for message in call.messages):
        raise ApiError(400, "role 'system' is not supported on this model")


@rule
def system_message_is_not_first(call: Call) -> None:
    """The first system prompt belongs into `system`, not into the messages.

    Evidence: body quoted in GitHub gproxy#209, 2026.
    """
    first = call.messages[0]
    if first["role"] == "system" and first.get("content"):
        words = "use the top-level 'system' parameter for the initial system prompt"
        form = "the directive-only form (content: [] with output_config) is accepted at any position"
        raise ApiError(400, f"messages.0: {words}; {form}")


@rule
def system_message_has_its_place(call: Call) -> None:
    """A system message follows a user turn (or a server tool's result) and is last or before an assistant turn.

    The words are not verified. Evidence: Anthropic docs, Mid-conversation system messages, read August 2026.
    """
    messages = call.messages
    for index, message in enumerate(messages):
        if message["role"] != "system" or not message.get("content"):
            continue
        before = next(m for m in reversed(messages[:index]) if m["role"] != "system")
        after = next((m for m in messages[index + 1 :] if m["role"] != "system"), None)
        if before["role"] == "assistant" and not _ends_in_server_result(before):
            raise ApiError(400, f"messages.{index}: a system message must follow a user message")
        if after is not None and after["role"] == "user":
            raise ApiError(400, f"messages.{index}: a system message must be last or followed by an assistant message")


def _ends_in_server_result(message: Json) -> bool:
    blocks = blocks_of(message.get("content"))
    kind = blocks[-1]["type"] if blocks else ""
    return kind.endswith("_tool_result") and kind != "tool_result"


@rule
def no_document_in_assistant_turns(call: Call) -> None:
    """From version 2026-10-21 an assistant message holds no document. The words are not verified.

    Evidence: SDK changelog 2.0.0, October 2026; Anthropic docs, Migrating to 2026-10-21, read November 2026.
    """
    for index, place, block in _blocks(call, "assistant"):
        if block["type"] == "document" and call.version >= "2026-10-21":
            raise ApiError(
                400,
                f"messages.{index}.content.{place}: document blocks are not allowed in assistant messages",
            )


@rule
def no_citations_in_user_text(call: Call) -> None:
    """From version 2026-10-21 a user's text carries no citations. The words are not verified.

    Evidence: SDK changelog 2.0.0, October 2026; Anthropic docs, Migrating to 2026-10-21, read November 2026.
    """
    for index, place, block in _blocks(call, "user"):
        if block["type"] == "text" and block.get("citations") and call.version >= "2026-10-21":
            raise ApiError(400, f"messages.{index}.content.{place}.text.citations: Extra inputs are not permitted")


def _blocks(call: Call, role: str) -> Iterator[tuple[int, int, Json]]:
    """Blocks of that role's messages with their place; messages whose content is a string have none of interest."""
    for index, message in enumerate(call.messages):
        content = message.get("content")
        if message["role"] == role and isinstance(content, list):
            yield from ((index, place, block) for place, block in enumerate(content))


RULES = (
    at_least_one_message,
    at_most_100_000_messages,
    user_first_on_the_old_platform,
    alternation_on_the_old_platform,
    system_messages_by_model,
    system_message_is_not_first,
    content_is_not_empty,
    breakpoints_are_not_on_empty_text,
    text_is_not_empty,
    text_is_not_blank,
    system_message_has_its_place,
    no_document_in_assistant_turns,
    no_citations_in_user_text,
    no_prefill,
    prefill_does_not_end_in_space,
)


def check_turns(call: Call) -> None:
    """Apply the rules on messages, in order."""
    for check in RULES:
        check(call)
