"""Rules in what people say: the sentences that forbid, oblige or limit, found by their own words.

A rule that is lost is broken: violations rose from 0 to 30% after compaction, and back to 0 where the rule survived
(Governance Decay, arXiv 2606.22528, 1,323 episodes, June 2026). English. What a tool or a document says is no rule:
only text that a user or the system wrote is read. Taught in notebook 09.
"""

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Literal, NamedTuple

from labkit.messages import Message

type Kind = Literal["forbids", "limits", "obliges"]

RULE_TOKENS = 50
"""The most tokens that one rule may take where it is carried on."""
RULE_CHARACTERS = 150
"""The characters that fit 50 tokens of the tokenizer with the fewest characters a token (3.0 a token, estimated)."""

_CUES: dict[Kind, str] = {
    "forbids": r"\b(?:never(?! mind)|(?:do|must|may|shall|should|will|can|need) ?n[o']t|don't|mustn't|can't|cannot|"
    r"shouldn't|won't|not (?:to|be|allowed|permitted|on|in|without)\b|no longer|avoid|refrain|"
    r"stop (?:\w+ing|the|all|any)|forbidden|prohibited|"
    r"banned|off[- ]limits|under no circumstances?|"
    r"(?:nobody|no one) (?:but|else|other|may|can|must|should|shall|is allowed)|"
    r"without (?:asking|my|our|prior|first|a)|"
    r"(?:i am|i'm|is|are|we're) (?:allergic|vegan|vegetarian|intolerant)|"
    r"keep (?:\w+ ){1,4}(?:out of|away from|secret|private|confidential)|steer clear|"
    r"leave (?:\w+ ){1,4}(?:out|alone|untouched)|hands off|off the table|\w+ nothing)\b|"
    r"(?:^|[,;:(] ?|\band |\bplease,? |\bbut )(?:no|not|nothing|neither) (?!problem|thanks|thank|worries|idea|doubt|"
    r"hurry|rush|one knows|need|yet|sure|really|bad|at all)\w",
    "limits": r"\b(?:at most|at least|(?:no|not) (?:more|less|fewer|later|earlier|longer|sooner|higher|lower) than|"
    r"max(?:imum)?(?: of)?\b|min(?:imum)? of|"
    r"(?:not|never) exceed|limit(?:ed)? (?:\w+ ){0,4}to|cap(?:ped)? (?:\w+ ){0,3}at|"
    r"(?:up to|under|below|within|fewer than|less than) (?:the |a |an )?[$€£]?\d|"
    r"(?:stay|keep|remain) (?:\w+ ){0,4}(?:under|below|within|above|over)|or (?:less|fewer|more|below|under)\b|"
    r"only|exclusively|nothing but|unless|except (?:for|when|if|on)|strictly)\b",
    "obliges": r"\b(?:must(?! have)|shall|always|(?<!i )(?<!we )(?<!still )have to|has to|(?:make|be) sure|ensure|"
    r"(?:is|are) (?:required|mandatory|obliged|"
    r"obligatory|essential|vital|crucial)|requires?|required to|need to be|needs to be|every time|each time|"
    r"from now on|going forward|in future|"
    r"at all times|without exception|insist|remember to|(?:do|don't|never) (?:not )?forget to|"
    r"before you \w+|ask (?:me|us|first|before)|(?:as a|the|our|a|my|one) (?:\w+ )?(?:rule|policy|constraint)\b|"
    r"(?:please|kindly)[, ]+(?:use|write|keep|reply|answer|speak|respond|format|stick|quote|address|call me|call us)|"
    r"throughout)\b"
    r"|\bpolicy:|\brules?:",
}
"""Words that make a sentence a rule, by what they do; the first kind that is found names the rule."""

_REPORTS = re.compile(
    r"^(?:(?:but|and|so|well|oh|sorry|hmm|honestly),? )?(?:i|we|they|he|she|it|this|that|there)(?:'ve|'d| have| had)? "
    r"(?:really |just |still |also )?(?:(?:do|did|does|could|would|was|were|is|has|had|am|are) ?n[o']t|don't|didn't|"
    r"doesn't|can't|cannot|couldn't|wasn't|isn't|never|only|always)(?: (?:really|quite|even|just|yet))? "
    r"(?:know|understand|see|seen|think|remember|find|found|sure|mind|care|hear|heard|get|got|work|worked|works|arrive|"
    r"arrived|received?|been|had|have|noticed|tried|saw|noted|wondered|wanted to|ask|asked|believe|recall|matter|help|"
    r"load|open|start|make sense|tell|figure|wait|say|said|a|an|the|one|two|three|\d)\b"
)
_FIRST_PERSON_REFUSAL = re.compile(r"^(?:sorry,? )?(?:i|we)(?: am|'m| are|'re)? (?:cannot|can't|won't|will not) ")
_PAST = re.compile(
    r"\b(?:\w+ed|was|were|took|bought|sold|came|had|made|paid|spent|got|went|sent|left|ran|cost|saw|met|"
    r"did|flew|drove)\b"
)
"""Words that make a sentence with a bare quantity a report: 'it took less than 3 hours' limits nothing."""
_QUANTITY = re.compile(r"(?:up to|under|below|within|fewer than|less than) .*\d|or (?:less|fewer|more|below|under)")
_EATS = re.compile(r"\b(?:eat|drink|take|use|work|travel|fly|drive|stand|have|accept|pay|afford|tolerate)\b")
_CODE = re.compile(r"```.*?(?:```|\Z)", re.S)
_ENDS = re.compile(r"(?<=[.!?])[\"')\]]*\s+(?=[\"'(\[]?[A-Z0-9])|\s*\n\s*|(?<=[;])\s+|\s+(?=[•*] )")
_BULLET = re.compile(r"^\s*(?:[-*•>#]+|\d+[.)])\s+")
_CLAUSE = re.compile(r",\s+|\s+[-\u2013]\s+|:\s+|\s+(?=(?:because|since|so that|as|which|who|although|while)\b)")
_PATTERNS = {kind: re.compile(pattern) for kind, pattern in _CUES.items()}


class Rule(NamedTuple):
    """One rule word for word, what it does, the cue by which it was found, and whose words it is: user or system."""

    text: str
    kind: Kind
    cue: str
    role: str = "user"


@lru_cache(maxsize=4_096)
def rules_in(text: str) -> tuple[Rule, ...]:
    """The rules of a text in their order: each is a sentence, or the clause of a long one, as it was written.

    Questions and reports ('I never saw it') are no rules. Code between fences is not read.
    """
    if len(text) > 60_000:
        return (*rules_in(text[:30_000]), *rules_in(text[-30_000:]))
    found: dict[str, Rule] = {}
    for sentence in sentences(_CODE.sub("\n", text)):
        if rule := _rule(sentence):
            found.setdefault(rule.text, rule)
    return tuple(found.values())


def sentences(text: str) -> Iterator[str]:
    """The sentences of a text, a line or a bullet being one too, without blank space around."""
    for sentence in _ENDS.split(text):
        if stripped := _BULLET.sub("", sentence or "").strip():
            yield stripped


def rules_of(messages: Iterable[Message]) -> list[Rule]:
    """The rules in what users and the system wrote in these messages, the oldest first, each once.

    A message that replaces older ones counts as these. A rule that is said again takes its newest place.
    """
    found: dict[str, Rule] = {}
    for message in messages:
        if message.replaces and not _is_shortened(message):
            rules: Iterable[Rule] = rules_of(message.replaces)
        else:
            rules = _said(message)
        for rule in rules:
            found.pop(rule.text.casefold(), None)
            found[rule.text.casefold()] = rule
    return list(found.values())


def _is_shortened(message: Message) -> bool:
    """True for a copy of one message (without its thinking, pinned), which says all its rules itself."""
    return len(message.replaces) == 1 and message.replaces[0].text == message.text


def _said(message: Message) -> list[Rule]:
    rules = rules_in(message.text) if message.role != "assistant" else ()
    return [rule._replace(role=message.role) for rule in rules]


def _rule(sentence: str) -> Rule | None:
    lower = sentence.casefold().replace("\u2019", "'")
    if lower.rstrip("\"')] ").endswith("?") or _REPORTS.match(lower):
        return None
    if _FIRST_PERSON_REFUSAL.match(lower) and not _EATS.search(lower):
        return None
    for kind, pattern in _PATTERNS.items():
        match = pattern.search(lower)
        if match and not (_QUANTITY.fullmatch(match[0]) and _PAST.search(lower)):
            return Rule(_short(sentence), kind, match[0].strip(" ,;:("))
    return None


def _short(sentence: str) -> str:
    """The sentence, or of one that is too long its clauses from the first cue on, as many as fit."""
    if len(sentence) <= RULE_CHARACTERS:
        return sentence
    clauses = [clause for clause in _CLAUSE.split(sentence) if clause]
    first = next((at for at, clause in enumerate(clauses) if _cued(clause)), 0)
    kept = clauses[first]
    for clause in clauses[first + 1 :]:
        if len(kept) + len(clause) + 2 > RULE_CHARACTERS:
            break
        kept += ", " + clause
    if len(kept) > RULE_CHARACTERS:
        kept = kept[: RULE_CHARACTERS - 4].rsplit(" ", 1)[0] + " ..."
    return kept


def _cued(clause: str) -> bool:
    return any(pattern.search(clause.casefold()) for pattern in _PATTERNS.values())
