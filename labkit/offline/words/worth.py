"""The worth of a sentence in a summary, and the heading under which it goes."""

import re
from functools import lru_cache

from labkit.offline.words.kinds import values

SECTIONS = ("Topics", "Decisions", "Facts", "Preferences", "Tool results", "Open questions")
LEAST = 1.0
"""Points below which a sentence is filler, however much room is left."""

_DECISION = re.compile(
    r"\b(?:decid\w+|decision|agreed?|chose|choose|chosen|settled? on|(?:let's|we'll|will|going to|shall) (?:use|go"
    r"|take|deploy|build|ship|keep|switch|move|drop)"
    r"|go(?:ing)? with|went with|voted|picked|selected|approved|booked|ordered|cancell?ed|opened|scheduled"
    r"|postponed?|moved to|changed to|confirmed)\b",
    re.I,
)
_PREFERENCE = re.compile(
    r"\b(?:prefer\w*|favou?rite|i(?:'d| would)? (?:rather|like|love|hate|want)|can't stand|dislike|don't (?:like"
    r"|eat|want)|allergic|vegetarian|vegan"
    r"|always|never|please (?:always|never|keep|use|answer|don't)|must(?: not)?|should not|has to be|no more than"
    r"|at most)\b",
    re.I,
)
_PERSONAL = re.compile(r"\b(?:my|our|i'm|i am|i have|i've|i work|i live|we have|we are|we're|your)\b", re.I)
_STATES = re.compile(
    r"\b(?:is|are|was|were|has|have|costs?|weighs?|lives?|runs?|uses?|works?|starts?|ends?|takes?|called|named)\b", re.I
)
_IDLE = re.compile(
    r"\b(?:let me|sounds? (?:good|great|tiresome)|no (?:problem|hurry|rush|worries)|glad|sorry to|i see|good "
    r"(?:morning|evening|afternoon|idea)|hello|hi"
    r"|thanks?|thank you|you're welcome|happy to|great question|take your time|never mind|of course|i understand"
    r"|got it|as i said|anything else"
    r"|weather is|feel free|have a (?:nice|good|great)|how can i help|makes sense|be right back)\b",
    re.I,
)
_SOLID = (
    "identifier",
    "email",
    "url",
    "phone",
    "money",
    "date",
    "time",
    "percent",
    "measure",
    "duration",
    "number",
    "path",
)


@lru_cache(maxsize=16384)
def worth_of(text: str, who: str) -> float:
    """Return how much a sentence is worth keeping, in points: what is solid, decided, preferred or personal."""
    solid = sum(1.0 for kind in _SOLID if values(kind, text))
    names = len(values("proper", text[1:]))
    points = min(solid, 2.0) + min(names, 2) * 0.8
    points += 2.0 * bool(_DECISION.search(text)) + 1.5 * bool(_PREFERENCE.search(text))
    points += (1.0 if who == "user" else 0.3) * bool(_PERSONAL.search(text)) + 0.4 * bool(_STATES.search(text))
    if who == "assistant" and not (solid or names):
        points -= 1.0
    return points - 2.5 * bool(_IDLE.search(text))


def section_of(text: str) -> str:
    """Return the heading for a sentence that somebody said."""
    if _PREFERENCE.search(text):
        return "Preferences"
    return "Decisions" if _DECISION.search(text) else "Facts"
