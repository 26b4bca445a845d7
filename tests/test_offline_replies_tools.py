"""Tool calls of the offline Claude: when it calls, with which arguments, and what it says afterwards."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from offline_words import answer, dialogue, said, words_of

from labkit.offline.words.reply import Ground, reply
from labkit.offline.words.tools import Call, blocks


def tool(name: str, description: str, **properties: Any) -> dict[str, Any]:
    """A tool whose properties are required unless their schema says `optional`."""
    required = [key for key, schema in properties.items() if not schema.pop("optional", False)]
    schema = {"type": "object", "properties": properties, "required": required}
    return {"name": name, "description": description, "input_schema": schema}


TEXT = {"type": "string"}
UNIT = {"type": "string", "enum": ["celsius", "fahrenheit"]}
TOOLS = [
    tool("get_weather", "Get the current weather in a city.", city=dict(TEXT), unit={**UNIT, "optional": True}),
    tool("get_order", "Look up an order by its number.", order_id=dict(TEXT)),
    tool("book_table", "Book a table.", date={"type": "string", "format": "date"}, party_size={"type": "integer"}),
    tool("calculator", "Evaluate an arithmetic expression.", expression=dict(TEXT)),
    tool("send_email", "Send an e-mail.", to={"type": "string", "format": "email"}, priority={"enum": ["low", "high"]}),
    tool("search_manual", "Search the manual.", query=dict(TEXT)),
    tool("find_flights", "Find flights.", origin=dict(TEXT), destination=dict(TEXT)),
]


def called(*turns: Any, tools: Any = TOOLS, **request: Any) -> list[tuple[str, dict[str, Any]]]:
    """The calls in the reply to a dialogue, as names and arguments."""
    given = answer(*turns, tools=tools, **request)
    uses = [(block["name"], block["input"]) for block in given.content if block["type"] == "tool_use"]
    assert given.stop_reason == ("tool_use" if uses else "end_turn")
    return uses


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("What's the weather in Paris?", [("get_weather", {"city": "Paris"})]),
        ("Please check Oslo weather now.", [("get_weather", {"city": "Oslo"})]),
        ("What's the weather in Paris in celsius?", [("get_weather", {"city": "Paris", "unit": "celsius"})]),
        ("Where is order 889?", [("get_order", {"order_id": "889"})]),
        ("Please look up order #A-17.", [("get_order", {"order_id": "A-17"})]),
        ("What is 12 * (3 + 4)?", [("calculator", {"expression": "12 * (3 + 4)"})]),
        ("Book a table for four on Friday, please.", [("book_table", {"date": "Friday", "party_size": 4})]),
        ("Search the manual for retry limits.", [("search_manual", {"query": "retry limits"})]),
        ("Find flights from Oslo to New York.", [("find_flights", {"origin": "Oslo", "destination": "New York"})]),
        (
            "Send an email to a.b@example.org with high priority.",
            [("send_email", {"to": "a.b@example.org", "priority": "high"})],
        ),
    ],
)
def test_a_message_that_needs_a_tool_calls_it(question, expected):
    """The tool that the words call for is called, with arguments from the message."""
    assert called(question) == expected


@pytest.mark.parametrize(
    "text", ["My order is 889.", "Hello!", "Thanks a lot!", "The weather was awful in Paris.", "I see."]
)
def test_a_statement_calls_nothing(text):
    """A statement is acknowledged, even where a tool's words occur."""
    assert called(text) == []


def test_the_call_is_announced_and_labelled():
    """A person reads that the call is simulated, before the tool_use block."""
    content = answer("Where is order 889?", tools=TOOLS).content
    assert [block["type"] for block in content] == ["text", "tool_use"]
    assert content[0]["text"] == "[simulated] I'll call get_order."
    assert content[1]["id"].startswith("toolu_")


def test_two_things_are_asked_for_in_parallel():
    """A call for each of two orders, or for two cities, or for two tools."""
    assert called("Check orders 889 and 898, please.") == [
        ("get_order", {"order_id": "889"}),
        ("get_order", {"order_id": "898"}),
    ]
    assert [args["city"] for _, args in called("Compare the weather in Paris, Rome and Oslo.")] == [
        "Paris",
        "Rome",
        "Oslo",
    ]
    both = called("What's the weather in Paris and where is order 889?")
    assert {name for name, _ in both} == {"get_weather", "get_order"}
    ids = [b["id"] for b in answer("Check orders 889 and 898.", tools=TOOLS).content if b["type"] == "tool_use"]
    assert len(set(ids)) == 2


def test_parallel_calls_can_be_switched_off():
    """With disable_parallel_tool_use one call is made."""
    choice = {"type": "auto", "disable_parallel_tool_use": True}
    assert called("Check orders 889 and 898, please.", tool_choice=choice) == [("get_order", {"order_id": "889"})]


def test_a_named_tool_is_called_once_however_much_is_asked_for():
    """All 175 recorded answers to tool_choice `tool` make one call; without it each order has one."""
    named = {"type": "tool", "name": "get_order"}
    for orders in ("889", "889 and 898", "889, 898, 901 and 905"):
        words = f"Check orders {orders}, please."
        assert len(called(words)) == len(orders.replace(" and", ",").split(", "))
        assert called(words, tool_choice=named) == [("get_order", {"order_id": "889"})]


def test_a_forced_call_has_the_default_where_nothing_was_said():
    """The schema's default comes first, then the first value that is allowed."""
    sizes = {"size": {"default": "medium"}, "unit": {**UNIT, "default": "fahrenheit"}, "kind": {"enum": ["a", "b"]}}
    tools = [tool("order", "Order one.", **sizes)]
    made = answer("Hello!", tools=tools, tool_choice={"type": "any"}).content[0]
    assert made["input"] == {"size": "medium", "unit": "fahrenheit", "kind": "a"}


def test_tool_choice_is_obeyed():
    """none calls nothing, any calls something, tool calls the one it names, and forced calls come without words."""
    question = "What's the weather in Paris?"
    assert called(question, tool_choice={"type": "none"}) == []
    assert called("Hello!", tool_choice={"type": "any"}) != []
    assert called(question, tool_choice={"type": "tool", "name": "get_order"})[0][0] == "get_order"
    forced = answer(question, tools=TOOLS, tool_choice={"type": "any"})
    assert [block["type"] for block in forced.content] == ["tool_use"]


def test_what_an_argument_lacks_is_taken_from_the_conversation():
    """A required argument comes from earlier messages, the latest first; without it the reply asks for it."""
    told = ["My order is 889.", "Noted.", "Sorry, my order is 898.", "Noted.", "Where is my order?"]
    assert called(*told) == [("get_order", {"order_id": "898"})]
    assert called("Where is my order?") == []
    assert said("Where is my order?", tools=TOOLS) == (
        "I need the order id to call get_order, and this conversation doesn't hold it."
    )


def test_what_the_conversation_holds_needs_no_tool():
    """A fact of the conversation is answered without a call."""
    assert (
        said("My order number is 889.", "Noted.", "What is my order number?", tools=TOOLS)
        == "Your order number is 889."
    )


def test_the_id_of_a_call_follows_from_what_it_says() -> None:
    """The same call at the same place has the same id, in whatever order its arguments were found; no other has it."""
    places = [(index, call) for index in (0, 2) for call in (Call("a", {"x": 1, "y": 2}), Call("a", {"x": 2, "y": 1}))]
    ids = [block["id"] for index, call in places for block in blocks([call, call], index)]
    assert len(set(ids)) == len(ids)
    (turned,) = blocks([Call("a", {"y": 2, "x": 1})], 0)
    assert turned["id"] == ids[0]


def after(question: str, *outcomes: Any, **block: Any) -> list[Any]:
    """A dialogue in which the calls that a question leads to have returned these outcomes."""
    uses = [b for b in answer(question, tools=TOOLS).content if b["type"] == "tool_use"]
    assert len(uses) == len(outcomes)
    texts = [o if isinstance(o, str) else json.dumps(o) for o in outcomes]
    results = [
        {"type": "tool_result", "tool_use_id": u["id"], "content": t, **block} for u, t in zip(uses, texts, strict=True)
    ]
    return [question, uses, results]


def test_the_answer_rests_on_the_results():
    """After the results the reply says what they hold for the question, and names them as its grounds."""
    turns = after("What is the status of order 889?", {"order_id": "889", "status": "shipped", "carrier": "PostLine"})
    given = answer(*turns, tools=TOOLS)
    assert words_of(given) == "[simulated] For order id 889: status is shipped."
    assert given.grounds == (Ground(2, "status: shipped"),)
    assert "carrier is PostLine" in said(*after("Where is order 889?", {"carrier": "PostLine"}), tools=TOOLS)


def test_each_of_several_results_is_in_the_reply():
    """Parallel results are each given with the argument they belong to."""
    turns = after("Check orders 889 and 898.", {"status": "shipped"}, {"status": "delayed"})
    assert said(*turns, tools=TOOLS) == "For order id 889: status is shipped. For order id 898: status is delayed."


def test_errors_plain_texts_and_empty_results_are_in_the_reply():
    """A failed call is reported as failed, a text is quoted, and nothing is called nothing."""
    question = "Where is order 889?"
    assert said(*after(question, "no such order", is_error=True), tools=TOOLS) == (
        "get_order reported an error: no such order."
    )
    assert "It left on Monday." in said(*after(question, "It left on Monday."), tools=TOOLS)
    assert said(*after(question, ""), tools=TOOLS) == "get_order returned nothing."


def test_a_round_ends():
    """Each tool is called at most once more in a round for any results, so that it comes to an end."""
    messages = dialogue("What's the weather in Paris and where is order 889?")
    for _ in range(2 * len(TOOLS)):
        given = reply({"messages": messages, "tools": TOOLS})
        uses = [block for block in given.content if block["type"] == "tool_use"]
        if not uses:
            break
        results = [{"type": "tool_result", "tool_use_id": u["id"], "content": "Order 898 in Rome."} for u in uses]
        messages += [{"role": "assistant", "content": uses}, {"role": "user", "content": results}]
    assert given.stop_reason == "end_turn"


NAMES = st.sampled_from(["order_id", "city", "date", "query", "count", "flags", "to", "name", "x", ""])
SCHEMAS = st.recursive(
    st.sampled_from(
        [
            *({}, True, {"type": "string"}, {"type": ["integer", "null"]}, {"enum": ["a", 1, None]}, {"const": "b"}),
            *({"type": "boolean"}, {"type": "number", "default": 2}, {"$ref": "#/x"}, {"format": "date"}),
        ]
    ),
    lambda inner: st.one_of(
        st.builds(lambda items: {"type": "array", "items": items}, inner),
        st.builds(lambda choices: {"anyOf": choices}, st.lists(inner, max_size=2)),
        st.builds(
            lambda p: {"type": "object", "properties": p, "required": list(p)},
            st.dictionaries(NAMES, inner, max_size=2),
        ),
    ),
    max_leaves=5,
)
CHOICES = st.sampled_from([None, {"type": "auto"}, {"type": "any"}, {"type": "tool", "name": "do_it"}])


@given(
    properties=st.dictionaries(NAMES, SCHEMAS, max_size=4),
    required=st.lists(NAMES, max_size=3),
    text=st.one_of(st.text(max_size=50), st.sampled_from(["Do it for order 12 and 13 in Rome on 4 May!", "do it"])),
    choice=CHOICES,
)
@settings(max_examples=300, deadline=None)
def test_any_schema_gives_arguments_of_json(properties, required, text, choice):
    """A call fits into JSON and holds every required argument, for any schema of a tool."""
    schema = {"type": "object", "properties": properties, "required": required}
    request = {"messages": dialogue(text), "tools": [{"name": "do_it", "input_schema": schema}]}
    given = reply(request | ({"tool_choice": choice} if choice else {}))
    json.dumps(given.content)
    for block in given.content:
        if block["type"] == "tool_use":
            assert set(required) <= set(block["input"])
            assert set(block["input"]) <= set(properties) | set(required)
