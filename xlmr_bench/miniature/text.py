"""Monolingual text for pretraining: short documents about one person, place and day."""

from __future__ import annotations

import random
from dataclasses import replace

from .draw import choose, number, sample, shuffled, stream
from .lexicon import lexicon
from .meaning import MODIFIERS, Meaning, deny, hypernym, stating
from .nli import draw_event, with_other

SENTENCES = 5_000
# Low-resource languages, so that sampling by corpus size (the paper's alpha) has something to do.
FEWER_SENTENCES = {"sw": 1_250, "ur": 1_250, "th": 1_250}


def documents(name: str, language: str) -> list[list[Meaning]]:
    """Documents as the meanings of their 4 to 10 sentences; together at least as many as the language is to have."""
    rng = stream(name, "text", language)
    wanted = FEWER_SENTENCES.get(language, SENTENCES)
    out: list[list[Meaning]] = []
    count = 0
    while count < wanted:
        out.append(_document(rng))
        count += len(out[-1])
    return out


def _document(rng: random.Random) -> list[Meaning]:
    """Events of one actor at one place on one day, each told, then some told again in other words or set right."""
    known = lexicon().concepts
    scene = {
        "actor": choose(rng, known["name"]),
        "place": choose(rng, known["place"]),
        "time": choose(rng, known["time"]),
    }
    events = [
        draw_event(rng, action=action, object=noun, **scene)
        for action, noun in zip(sample(rng, known["action"], 4), sample(rng, lexicon().nouns, 4), strict=True)
    ]
    length = number(rng, 4, 10)
    told: list[Meaning] = []
    for event in events:
        told.append(stating(event, sample(rng, MODIFIERS, number(rng, 1, 3))))
        told.extend(shuffled(rng, (_general(rng, event), _denial(rng, event)))[: number(rng, 0, 2)])
    return told[:length]


def _general(rng: random.Random, event: Meaning) -> Meaning:
    """The event told again with the hypernym of its object, so that the text shows which noun is of which kind."""
    return stating(replace(event, object=hypernym(event.object)), sample(rng, MODIFIERS, number(rng, 0, 2)))


def _denial(rng: random.Random, event: Meaning) -> Meaning:
    """What was not so: the event with another colour, place or time."""
    role = choose(rng, MODIFIERS)
    return deny(stating(with_other(rng, event, role), [role]))
