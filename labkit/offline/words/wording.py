"""Word an answer: a user's sentence turned round (`my` to `your`), anybody else's quoted or given as it is."""

import re

from labkit.offline.words.statements import Evidence

_TURNED = {
    "i": "you",
    "me": "you",
    "my": "your",
    "mine": "yours",
    "myself": "yourself",
    "we": "you",
    "us": "you",
    "our": "your",
    "ours": "yours",
    "ourselves": "yourselves",
    "am": "are",
    "i'm": "you're",
    "i've": "you've",
    "i'd": "you'd",
    "i'll": "you'll",
    "we're": "you're",
    "we've": "you've",
    "we'd": "you'd",
    "we'll": "you'll",
}
_WORD = re.compile(r"[A-Za-z]+(?:'[a-z]+)?")
_STATES = re.compile(r"(?:i|we|my|our|i'm|we're|i've|we've|i'd|i'll|we'll|the|mine)\b", re.I)
_OPENER = re.compile(
    r"^(?:(?:hi|hello|hey|by the way|also|well|so|oh|actually|anyway|just so you know|for the record|one more "
    r"thing|fyi|ok|okay|and|sorry"
    r"|correction|yes)\b(?: there)?[,:!]?\s+|no[,:!]\s+)+",  # `No deliveries` without a comma forbids
    re.I,
)
_LABELLED = re.compile(r"[a-z][\w ]{0,30}: ")
_YOU = re.compile(r"\b(?:you|your|yours)\b", re.I)


def _turn(sentence: str) -> str:
    turned = _WORD.sub(lambda word: _TURNED.get(word[0].lower(), word[0]), sentence)
    turned = re.sub(r"\byou was\b", "you were", turned)
    return turned[:1].upper() + turned[1:]


def bare(sentence: str) -> str:
    """Return a sentence without the words that only open it (`By the way,`), capitalised, with a full stop."""
    kept = _OPENER.sub("", sentence).strip() or sentence
    kept = kept[:1].upper() + kept[1:]
    return kept if kept.endswith((".", "!", "?", "```", '"')) else kept + "."


def worded(said: Evidence) -> str:
    """Put a statement of the request as an answer to its author."""
    unit = said.unit
    if unit.leaf:
        shown = unit.value.rstrip(".")
        return f"According to the tool result: {shown}." if unit.leaf == "result" else f"The {unit.leaf} is {shown}."
    sentence = bare(unit.text)
    if said.role in ("assistant", "tool"):
        return sentence
    if said.role == "system":
        return f"My instructions say: {sentence}"
    if _STATES.match(sentence) and not _YOU.search(sentence):
        return _turn(sentence)
    return f"From what I was sent: {unit.text}" if _LABELLED.match(unit.text) else f'You said: "{sentence}"'
