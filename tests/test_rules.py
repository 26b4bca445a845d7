"""Rules: found in what people say, kept by a step, and checked after each summary."""

import random
import re
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labkit import OfflineClaude
from labkit.manager import SmartConversationManager
from labkit.messages import History, Message, assistant, user
from labkit.steps.importance import KeepImportant
from labkit.steps.pruning import Prune
from labkit.steps.relevance.choice import Relevance
from labkit.steps.rules import KeepRules, is_note, lost_rules
from labkit.strategies import KeepRecent, Step, apply, explain
from labkit.summarization import RULES_HEADING, Summarize
from labkit.text.rule_check import check, unkept
from labkit.text.rules import RULE_TOKENS, rules_in, rules_of
from labkit.tokens import ESTIMATED_TOKENS, estimate_tokens

RULES = (
    "Please do not contact the customer by phone.",
    "Never share my address with the courier.",
    "Always answer in German.",
    "Only use metric units.",
    "Stop suggesting upgrades.",
    "Avoid red in every chart.",
    "No meat on the menu.",
    "Max 50 euros per order.",
    "Ask me before you cancel anything.",
    "Do not ship on Sundays.",
    "Keep replies under 100 words.",
    "Nobody but Dana may approve refunds.",
)
LINES = tuple(f"On {day} May parcel SX-48{day:03d} went to depot {day % 7} for ${day * 120}." for day in range(1, 21))
MORE_RULES = (
    "The budget must stay below $4,000.",
    "I'm allergic to nuts.",
    "I don't eat pork.",
    "You may not delete files outside the project.",
    "Under no circumstances reveal the password.",
    "Please refrain from emojis.",
    "From now on, write dates as YYYY-MM-DD.",
    "Deliveries are forbidden on Sundays.",
    "The meeting has to end by noon.",
    "Leave the config alone.",
    "Hands off the production database.",
    "Commits require a signed-off-by line.",
    "It is essential that you cite sources.",
    "Phone contact is off the table.",
    "Kindly use British spelling throughout.",
    "Delete nothing.",
)
NO_RULES = (
    *LINES,
    "I don't know what happened.",
    "I never received it.",
    "No problem, thanks.",
    "Can't you check?",
    "Must I pay again?",
    "It doesn't work.",
    "I only wanted to ask about the date.",
    "The parcel must have been lost on 4 May.",
    "I bought 30 chairs over 3 weeks.",
    "The flight took less than 3 hours.",
    "We had no rain in June.",
    "The delivery was late and nobody called about it.",
)


def talk(lines: list[str]) -> History:
    """A conversation of these lines, each answered, and a question that waits."""
    return History([m for line in lines for m in (user(line), assistant("Noted."))] + [user("What is next?")])


@pytest.mark.parametrize("sentence", RULES + MORE_RULES)
def test_what_forbids_obliges_or_limits_is_found(sentence: str) -> None:
    """A rule in plain English is found word for word, also among other sentences."""
    assert [rule.text for rule in rules_in(f"Hello there. {sentence} Thanks for the help.")] == [sentence]


@pytest.mark.parametrize("sentence", NO_RULES)
def test_reports_and_questions_are_no_rules(sentence: str) -> None:
    """A report of something that happened, or a question, forbids nothing."""
    assert rules_in(sentence) == ()


def test_only_users_and_the_system_give_rules() -> None:
    """The words of a tool, a document or Claude are never a rule, however they sound."""
    rule = "Never call the customer."
    call = {"type": "tool_use", "id": "t1", "name": "mail", "input": {"note": rule}}
    result = {"type": "tool_result", "tool_use_id": "t1", "content": rule}
    document = {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": rule}}
    others = [user("Read the mail."), assistant([call]), user([result]), assistant(rule), user([document])]
    assert rules_of(others) == []
    assert [(found.text, found.role) for found in rules_of([Message("system", rule)])] == [(rule, "system")]


PRUNERS: dict[str, Callable[[int], Step]] = {
    "importance": KeepImportant,
    "relevance": Relevance,
    "fifo": lambda limit: Prune(limit, ESTIMATED_TOKENS),
    "window": lambda limit: KeepRecent(limit, size=ESTIMATED_TOKENS),
}


@pytest.mark.parametrize("share", [0.4, 0.2])
@pytest.mark.parametrize("pruner", PRUNERS)
@pytest.mark.parametrize("wrapped", [True, False])
def test_twelve_of_twelve_rules_outlive_every_pruner(share: float, pruner: str, wrapped: bool) -> None:
    """In ten random orders among twenty dated lines all rules stay, within the limit and 50 tokens a rule."""
    for seed in range(10):
        lines = [*RULES, *LINES]
        random.Random(seed).shuffle(lines)
        history = talk(lines)
        limit = int(share * history.total(ESTIMATED_TOKENS))
        inner = PRUNERS[pruner](limit)
        view = apply((KeepRules((inner,)),) if wrapped else (KeepRules(), inner), history)
        assert lost_rules(view, history) == []
        assert view.total(ESTIMATED_TOKENS) <= limit
        notes = [message for message in view if is_note(message)]
        assert sum(map(ESTIMATED_TOKENS, notes)) <= RULE_TOKENS * len(RULES)


def test_importance_knows_rules() -> None:
    """In any order a rule outranks whatever has numbers and names, so a score alone keeps all twelve at 40%."""
    for seed in range(10):
        lines = [*RULES, *LINES]
        random.Random(seed).shuffle(lines)
        history = talk(lines)
        view = apply((KeepImportant(int(0.4 * history.total(ESTIMATED_TOKENS))),), history)
        assert lost_rules(view, history) == []


def test_a_pruner_alone_loses_rules() -> None:
    """Without the step a window of 40% of the tokens sends only some of the rules."""
    history = talk([*RULES, *LINES])
    view = apply((KeepRecent(int(0.4 * history.total(ESTIMATED_TOKENS)), size=ESTIMATED_TOKENS),), history)
    assert len(lost_rules(view, history)) > 6


def test_nothing_is_said_twice_while_all_is_sent() -> None:
    """The wrapped step makes its note only when its steps lose a rule, so an unpruned history goes as it is."""
    history = talk([*RULES])
    assert apply((KeepRules((KeepRecent(100),)),), history) is history


def test_the_note_is_made_once_however_often_the_step_runs() -> None:
    """A step on what a step made does not stack notes, and explains each rule that it carries."""
    history = talk([*RULES, *LINES])
    steps = (KeepRules(), KeepRules(), KeepRecent(12))
    assert sum(map(is_note, apply(steps, history))) == 2
    fates = explain((KeepRules((KeepRecent(4),)),), history)
    assert all("a rule:" in fate.why for fate in fates if rules_of([fate.message]) and fate.place < len(history) - 5)


@given(st.permutations([*RULES, *LINES[:8]]), st.integers(20, 400))
def test_no_limit_loses_a_rule(lines: list[str], limit: int) -> None:
    """Every rule before the newest turn is sent word for word, in any order and however small the limit."""
    history = talk(lines)
    assert lost_rules(apply((KeepRules((KeepImportant(limit),)),), history), history) == []


def test_a_long_rule_is_carried_in_at_most_fifty_tokens() -> None:
    """Of a sentence that goes on and on, the clauses from the rule on are carried."""
    sentence = "As we discussed at length last week, with everybody present, never share the list, " + ", ".join(
        f"reason number {number} for it" for number in range(40)
    )
    (rule,) = rules_in(sentence)
    assert "never share the list" in rule.text
    assert estimate_tokens(rule.text) <= RULE_TOKENS


KEPT: dict[str, Callable[[str], str]] = {
    "word for word": lambda rule: rule,
    "as a bullet among facts": lambda rule: f"Facts:\n- parcel SX-48001 left on 3 May\nPreferences:\n- [user] {rule}",
    "in capitals": str.upper,
    "reported": lambda rule: f"The user said: {rule[0].lower()}{rule[1:]}",
    "before another fact": lambda rule: rule.rstrip(".") + "; the parcel left on 3 May.",
    "with other words of negation": lambda rule: rule.replace("do not", "don't").replace("Do not", "Never"),
    "with other limits": lambda rule: rule.replace("Max", "At most").replace("under", "below"),
}
CHANGED: dict[str, tuple[str, str]] = {
    "never to rarely": (r"\b[Nn]ever\b", "rarely"),
    "not left out": (r"\b(?:do )?not\b", ""),
    "no left out": (r"^No\b", "Some"),
    "always to usually": (r"\bAlways\b", "Usually"),
    "only left out": (r"\bOnly ", ""),
    "must to should": (r"\bmust\b", "should"),
    "another number": (r"\b50\b", "500"),
    "another amount": (r"\b4,000\b", "40,000"),
    "the limit turned around": (r"\b(?:under|below|Max)\b", "at least"),
    "before to after": (r"\bbefore\b", "after"),
    "an exception": (r"\.$", " unless it is urgent."),
    "a hedge": (r"\.$", " where possible."),
    "a day": (r"\.$", " on weekends."),
    "a preference": (r"^(\w)", r"Preferably, \1"),
    "taken back": (r"^(\w)", r"It is no longer the case: \1"),
    "another person": (r"\b(?:customer|courier|Dana)\b", "supplier"),
    "narrower": (r"\b(?:files|charts?|orders?|refunds|replies|units)\b", r"large \g<0>"),
    "avoid to prefer": (r"\b(?:Avoid|refrain from|Stop)\b", "Prefer"),
    "forbidden to allowed": (r"\b(?:forbidden|off the table)\b", "allowed"),
}


@pytest.mark.parametrize("way", KEPT)
@pytest.mark.parametrize("rule", RULES)
def test_a_rule_that_is_kept_is_found(rule: str, way: str) -> None:
    """A sentence that says the same with the same force is kept, in any surroundings."""
    (verdict,) = check([rule], KEPT[way](rule))
    assert verdict.fate == "kept", str(verdict)


@pytest.mark.parametrize("way", CHANGED)
def test_no_changed_rule_is_called_kept(way: str) -> None:
    """Each way to change a rule is seen in every rule that it changes."""
    old, new = CHANGED[way]
    pairs = [(rule, re.sub(old, new, rule, count=1)) for rule in RULES + MORE_RULES]
    pairs = [(rule, told) for rule, told in pairs if told != rule]
    assert pairs
    assert [pair for pair in pairs if check([pair[0]], pair[1])[0].fate == "kept"] == []


@given(st.permutations(RULES), st.integers(0, len(RULES)))
def test_exactly_the_missing_rules_are_named(rules: list[str], cut: int) -> None:
    """A summary that has some of the rules is said to lack the others, and no more."""
    summary = "\n".join(f"- {rule}" for rule in rules[:cut])
    assert {verdict.rule for verdict in unkept(RULES, summary)} == set(rules[cut:])


def test_a_summary_that_loses_rules_has_them_put_back_word_for_word() -> None:
    """The step for summaries checks each one; rules from earlier folds are checked again and again."""
    history = talk([*RULES, *LINES])
    told = "The user spoke of parcels. Never share my address with the courier. Preferably no meat on the menu."
    for _ in range(3):
        history = Summarize(lambda old: told, 1)(history).append(assistant("Well."), user("And now?"))
        assert lost_rules(history, talk([*RULES])) == []
    summary = history[0].text
    assert summary.count("Never share my address with the courier.") == 1
    assert RULES_HEADING in summary


def test_a_manager_says_which_rules_were_put_back() -> None:
    """After a summary that forgot a rule, the next request has it, and the conversation names it with the reason."""
    offline = OfflineClaude(reply="they spoke of parcels")
    manager = SmartConversationManager(token_threshold=60, recent_turns_to_keep=1, client=offline.client())
    for line in ("Never share my address with the courier.", *LINES[:6]):
        manager.send(line)
    assert "Never share my address with the courier." in str(manager.next_request())
    assert any("gone: 'Never share my address" in line for line in manager.conversation.summaries[0].put_back)
