"""Documents about several people, and questions that exactly one of their sentences answers."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace

from .asking import ASKED
from .draw import chance, choose, number, sample, shuffled, stream
from .lexicon import lexicon
from .meaning import MODIFIERS, Meaning, stating
from .nli import draw_event

MORE_KNOWN_RATE = 0.4
# Most sentences tell one modifier, and modifiers are asked more than the rest: where few sentences tell such a thing,
# its kind gives the answer half away, which a small model learns in a few hundred steps. Looking up takes far longer.
MODIFIERS_TOLD = (1, 1, 1, 1, 1, 1, 2, 2, 2, 3)
ACTOR_OR_OBJECT_RATE = 0.4
# Sentences of a document: usual, longer than 128 pieces in most languages, longer than 384 in most.
LENGTHS, LONG_LENGTHS, LONGEST_LENGTHS = (4, 10), (14, 20), (58, 64)
LONG_EVERY, LONGEST_EVERY = 8, 16
QUESTIONS, MOST_QUESTIONS = (4, 6), 8


@dataclass(frozen=True)
class Asked:
    """A question: the number of the sentence that answers it, the role it asks for, and what it tells.

    `known` still holds the value that is asked for.
    """

    sentence: int
    role: str
    known: Meaning


@dataclass(frozen=True)
class Story:
    """The sentences of a document and the questions about them, in the order of asking."""

    told: tuple[Meaning, ...]
    questions: tuple[Asked, ...]


def stories(name: str, purpose: str, questions: int) -> list[Story]:
    """As many documents as have `questions` questions together; the last is asked no more than that."""
    rng = stream(name, "stories", purpose)
    out: list[Story] = []
    wanted = questions
    while wanted:
        story = _story(rng, len(out) + 1)
        out.append(replace(story, questions=story.questions[:wanted]))
        wanted -= len(out[-1].questions)
    return out


def asked_role(meaning: Meaning, role: str) -> str | None:
    """What a sentence tells of a role."""
    return {"actor": meaning.actor, "object": meaning.object}.get(role) or meaning.stated.get(role)


def _story(rng: random.Random, place_in_set: int) -> Story:
    if place_in_set % LONGEST_EVERY == 0:
        length, asked = number(rng, *LONGEST_LENGTHS), MOST_QUESTIONS
    elif place_in_set % LONG_EVERY == 0:
        length, asked = number(rng, *LONG_LENGTHS), MOST_QUESTIONS
    else:
        length, asked = number(rng, *LENGTHS), number(rng, *QUESTIONS)
    told = tuple(_events(rng, length))
    candidates = [
        Asked(i, role, meaning)
        for i, meaning in enumerate(told)
        for role in ASKED
        if role in MODIFIERS or chance(rng, ACTOR_OR_OBJECT_RATE)
    ]
    found = (_question(rng, told, candidate) for candidate in shuffled(rng, candidates))
    return Story(told, tuple(q for q, _ in zip((q for q in found if q is not None), range(asked), strict=False)))


def _events(rng: random.Random, count: int) -> Iterator[Meaning]:
    """Events of several people, each with things of their own as far as there are things; some people do two.

    Deeds, colours, places and times recur, so that a question is answered by who did what, not by such a word alone.
    """
    known = lexicon().concepts
    people = sample(rng, known["name"], max(3, 2 * count // 3))
    actors = shuffled(rng, _again(people, count))
    nouns = _again(shuffled(rng, lexicon().nouns), count)
    seen: set[tuple[str, str, str]] = set()
    for actor, noun in zip(actors, nouns, strict=True):
        event = draw_event(rng, actor=actor, object=noun)
        while (event.actor, event.action, event.object) in seen:
            event = draw_event(rng, actor=actor, object=noun)
        seen.add((event.actor, event.action, event.object))
        yield stating(event, sample(rng, MODIFIERS, choose(rng, MODIFIERS_TOLD)))


def _again(items: list[str], count: int) -> list[str]:
    """The items over and over, `count` in all."""
    return [items[i % len(items)] for i in range(count)]


def _question(rng: random.Random, told: tuple[Meaning, ...], candidate: Asked) -> Asked | None:
    """The candidate with as much told as leaves one sentence that can be meant; None where that is not possible."""
    role, meaning = candidate.role, candidate.known
    if asked_role(meaning, role) is None:
        return None
    # A colour belongs to its object: where the object is asked it would describe nothing.
    others = [r for r in meaning.stated if r != role and (role, r) != ("object", "colour")]
    few = [r for r in others if chance(rng, MORE_KNOWN_RATE)]
    for roles in (few, others):
        known = stating(meaning, [*roles, role])
        if sum(_may_mean(sentence, known, role) for sentence in told) == 1:
            return replace(candidate, known=known)
    return None


def _may_mean(sentence: Meaning, known: Meaning, asked: str) -> bool:
    """Whether a sentence can tell of the event that is asked about: nothing that it says is against it."""
    roles = [role for role in ("actor", "object", *known.stated) if role != asked]
    if sentence.action != known.action:
        return False
    return all(asked_role(sentence, role) in (None, asked_role(known, role)) for role in roles)
