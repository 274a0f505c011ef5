"""What a sentence of the miniature world says, and what follows from it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from .lexicon import KINDS, lexicon

MODIFIERS = ("colour", "place", "time")
LABELS = ("entailment", "neutral", "contradiction")


@dataclass(frozen=True)
class Meaning:
    """One past event, or its denial; every value is a concept of the lexicon, None is left unsaid.

    `object` is a noun or the hypernym of its kind. A denial means: the event was not of this description.
    """

    actor: str
    action: str
    object: str
    colour: str | None = None
    place: str | None = None
    time: str | None = None
    negated: bool = False

    @property
    def stated(self) -> dict[str, str]:
        """The modifiers that are said, by role."""
        values = {"colour": self.colour, "place": self.place, "time": self.time}
        return {role: value for role, value in values.items() if value is not None}


def judge(premise: Meaning, hypothesis: Meaning) -> str:
    """The label of a pair, by the convention that both sentences speak of one event where they can (as in SNLI).

    They can where actor and action are the same and the objects are the same or one is the hypernym of the other. That
    event has one colour, one place and one time. A description is confirmed if the premise states all that it says,
    ruled out if a modifier differs, else open; denying it turns entailment and contradiction round. A denied premise
    denies whatever says as much as it or more ("no fruit": no red apple) and leaves all else open.
    """
    if premise.negated:
        if _compare(affirm(hypothesis), affirm(premise)) != "entailment":
            return "neutral"
        return "entailment" if hypothesis.negated else "contradiction"
    label = _compare(premise, affirm(hypothesis))
    return _OPPOSITE[label] if hypothesis.negated else label


def hypernym(noun: str) -> str:
    """The kind that a noun belongs to, which is also the concept of its hypernym."""
    return lexicon().kind_of[noun]


def telling(meaning: Meaning, modifiers: Mapping[str, str]) -> Meaning:
    """The same with these modifiers, by role, and no others."""
    colour, place, time = (modifiers.get(role) for role in MODIFIERS)
    return replace(meaning, colour=colour, place=place, time=time)


def stating(meaning: Meaning, roles: Collection[str]) -> Meaning:
    """The same with only these of its modifiers."""
    return telling(meaning, {role: value for role, value in meaning.stated.items() if role in roles})


def deny(meaning: Meaning) -> Meaning:
    """The same description, denied."""
    return replace(meaning, negated=True)


def affirm(meaning: Meaning) -> Meaning:
    """The same description without denial."""
    return replace(meaning, negated=False)


_OPPOSITE = {"entailment": "contradiction", "contradiction": "entailment", "neutral": "neutral"}


def _compare(premise: Meaning, hypothesis: Meaning) -> str:
    """The label of a pair of affirmative sentences."""
    if (premise.actor, premise.action) != (hypothesis.actor, hypothesis.action):
        return "neutral"
    if not _same_thing(premise.object, hypothesis.object):
        return "neutral"
    known, said = premise.stated, hypothesis.stated
    if any(role in known and known[role] != value for role, value in said.items()):
        return "contradiction"
    vaguer = premise.object in KINDS and hypothesis.object not in KINDS
    return "entailment" if said.keys() <= known.keys() and not vaguer else "neutral"


def _same_thing(a: str, b: str) -> bool:
    """Whether two object words can name one thing: the same word, or a noun and its hypernym."""
    return a == b or (hypernym(a) == hypernym(b) and hypernym(a) in (a, b))
