"""The English texts of GLUE's tasks: events told, asked, reworded or spoilt, and short opinions."""

from __future__ import annotations

import random
from dataclasses import replace

from .asking import as_typed, indirect_question, question
from .draw import chance, choose, choose_other, number, sample, shuffled
from .grammar import Piece, join, pieces, render
from .lexicon import lexicon
from .meaning import MODIFIERS, Meaning, stating
from .nli import draw_event, with_other
from .noise import SYNONYMS

# First text, second text ("" where a task has one) and label.
Example = tuple[str, str, str]

LEAD = Piece("they say that")
SYNONYM_RATE, NOT_RATE = 0.5, 0.35
# What two sentences share, in tenths of STS-B's five points; another object of the same kind counts half.
POINTS = {"actor": 10, "action": 10, "object": 12, "colour": 6, "place": 6, "time": 6}

_THINGS = ("the film", "the story", "the song", "the show", "the novel", "the poem", "the dance", "the play")
_GOOD = ("lovely", "warm", "bright", "funny", "clever", "tender", "fresh", "great", "fine", "charming")
_BAD = ("dull", "cold", "weak", "boring", "silly", "poor", "bad", "flat", "tired", "empty")
_DEGREES = ("", "very ", "really ", "so ")
_LINKS = ("before", "after", "when", "because")
_MEETINGS = ("met", "called", "thanked", "followed", "helped")


def told(meaning: Meaning) -> str:
    """The plain sentence."""
    return render(meaning, "en").text


def hearsay(meaning: Meaning) -> str:
    """The sentence as hearsay, with time and place first."""
    return join([LEAD, *_time_and_place_first(meaning)], "en").text


def asked_twice(rng: random.Random, label: str) -> Example:
    """QQP: a question and another wording of it, or of one that differs in what is known or asked."""
    event = draw_event(rng)
    role, *others = shuffled(rng, MODIFIERS)
    known = stating(event, others[: number(rng, 1, 2)])
    other_role, other = role, known
    if label == "0":
        change = choose(rng, ("asked", "actor", "object", "told", "told"))
        if change == "asked":
            other_role = choose_other(rng, MODIFIERS, role)
        elif change == "told":
            other = with_other(rng, known, choose(rng, sorted(known.stated)))
        else:
            other = _with_another(rng, known, change)
    texts = as_typed(question(known, role, "en"), "en"), as_typed(indirect_question(other, other_role), "en")
    first, second = shuffled(rng, texts)
    return first, second, label


def opinion(rng: random.Random, label: str) -> Example:
    """SST-2: praise or blame, plain, denied, or outweighed by what follows "but"."""
    fitting, contrary = (_GOOD, _BAD) if label == "1" else (_BAD, _GOOD)
    thing, degree = choose(rng, _THINGS), choose(rng, _DEGREES)
    if chance(rng, NOT_RATE):
        return f"{thing} is not {degree}{choose(rng, contrary)} .", "", label
    good, other = sample(rng, fitting, 2)
    if chance(rng, NOT_RATE):
        return f"{thing} is {choose(rng, contrary)} at first but {degree}{good} in the end .", "", label
    return f"{thing} is {degree}{good} and {other} .", "", label


def retold(rng: random.Random, label: str) -> Example:
    """MRPC: an event told again in other words and another order, or one that differs in a single part of it."""
    event = draw_event(rng)
    other = event
    if label == "0":
        role = choose(rng, tuple(POINTS))
        other = with_other(rng, event, role) if role in MODIFIERS else _with_another(rng, event, role)
    say = choose(rng, (_reordered, hearsay))
    first, second = shuffled(rng, (_with_synonyms(rng, told(event)), say(other)))
    return first, second, label


def resembling(rng: random.Random, band: str) -> Example:
    """STS-B: two events that share as many points as fall into the band, whole points counted."""
    first = draw_event(rng)
    while True:
        second = first
        for role in sample(rng, POINTS, number(rng, 0, len(POINTS))):
            second = with_other(rng, second, role) if role in MODIFIERS else _with_another(rng, second, role)
        points = _shared(first, second)
        if points // 10 == int(band):
            return told(first), _with_synonyms(rng, told(second)), f"{points // 10}.{points % 10}00"


def scrambled(rng: random.Random, label: str) -> Example:
    """CoLA: a sentence, or one of which a word has been moved elsewhere."""
    event = stating(draw_event(rng), sample(rng, MODIFIERS, number(rng, 1, 3)))
    words = told(event).removesuffix(".").split(" ")
    right = list(words)
    while label == "0" and words == right:
        words.insert(number(rng, 0, len(words) - 1), words.pop(number(rng, 0, len(words) - 1)))
    return " ".join(words) + ".", "", label


def pronoun(rng: random.Random, label: str) -> Example:
    """WNLI: two people and a pronoun, whose gender tells which of them is meant; is it the one in the second text?"""
    known = lexicon()
    gender = {name: known.words["en"][name].feature for name in known.concepts["name"]}
    woman, man = (choose(rng, [name for name in gender if gender[name] == g]) for g in ("f", "m"))
    one, two = shuffled(rng, (woman, man))
    meant, other = shuffled(rng, (woman, man))
    event = stating(draw_event(rng), sample(rng, MODIFIERS, number(rng, 1, 2)))
    deed = told(replace(event, actor=meant)).split(" ", 1)[1]
    he = "she" if meant == woman else "he"
    names = (known.words["en"][name].forms[0] for name in (one, two))
    first = f"{next(names)} {choose(rng, _MEETINGS)} {next(names)} {choose(rng, _LINKS)} {he} {deed}"
    return first, told(replace(event, actor=meant if label == "1" else other)), label


def _with_another(rng: random.Random, meaning: Meaning, role: str) -> Meaning:
    """The meaning with another actor, action or object, the object half of the time one of the same kind."""
    known = lexicon()
    if role == "actor":
        return replace(meaning, actor=choose_other(rng, known.concepts["name"], meaning.actor))
    if role == "action":
        return replace(meaning, action=choose_other(rng, known.concepts["action"], meaning.action))
    nouns = known.concepts[known.kind_of[meaning.object]] if chance(rng, 0.5) else known.nouns
    return replace(meaning, object=choose_other(rng, nouns, meaning.object))


def _shared(first: Meaning, second: Meaning) -> int:
    """Tenths of a point that two events have in common."""
    pairs = {role: (getattr(first, role), getattr(second, role)) for role in POINTS}
    points = sum(POINTS[role] for role, (a, b) in pairs.items() if a == b)
    kind_of = lexicon().kind_of
    a, b = pairs["object"]
    return points + (POINTS["object"] // 2 if a != b and kind_of[a] == kind_of[b] else 0)


def _reordered(meaning: Meaning) -> str:
    return join(_time_and_place_first(meaning), "en").text


def _time_and_place_first(meaning: Meaning) -> list[Piece]:
    parts = pieces(meaning, "en")
    first = [part for role in ("time", "place") for part in parts if part.role == role]
    return [*first, *(part for part in parts if part.role not in ("time", "place"))]


def _with_synonyms(rng: random.Random, text: str) -> str:
    """Each word or phrase that has a synonym exchanged for it or not."""
    for word, synonym in SYNONYMS.items():
        if f" {word} " in f" {text.removesuffix('.')} " and chance(rng, SYNONYM_RATE):
            text = f" {text.removesuffix('.')} ".replace(f" {word} ", f" {synonym} ").strip() + "."
    return text
