"""Premises and hypotheses: drawn as meanings, labelled by what follows from them.

The three hypotheses of a premise have the same number of modifiers and all a noun or all a hypernym for their object;
denials are as frequent under each label. The label is therefore not to be guessed from a hypothesis alone.

Difficulty was set so that four layers of 256 learn English from scratch in a few hundred steps: who denies what and
what is left unsaid are quickly learnt, changed values and other events slowly.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace

from .draw import chance, choose, choose_other, sample, shuffled, stream
from .lexicon import KINDS, lexicon
from .meaning import LABELS, MODIFIERS, Meaning, deny, hypernym, stating, telling

TWO_MODIFIERS_RATE, HYPERNYM_RATES = 0.25, {1: 0.15, 2: 0.5}
OTHER_EVENT_RATE, FULL_PREMISE_RATE, VAGUE_PREMISE_RATE = 0.2, 0.1, 0.15
DENIED_PREMISE_RATE = 0.45
# A denied premise has a denied entailment and an affirmative contradiction. Affirmative premises make up for it with as
# many denied contradictions, so that a denial says nothing about the label.
DENIED_CONTRADICTION_RATE = DENIED_PREMISE_RATE / (1 - DENIED_PREMISE_RATE)


@dataclass(frozen=True)
class Prompt:
    """A premise and its three hypotheses with their labels, one of each, in random order."""

    premise: Meaning
    hypotheses: tuple[tuple[str, Meaning], ...]


@dataclass(frozen=True)
class Form:
    """What the hypotheses of a premise have in common: number of modifiers, hypernym or noun."""

    modifiers: int
    hypernym: bool


def prompts(name: str, counts: dict[str, int]) -> dict[str, list[Prompt]]:
    """Prompts for each split, by number of prompts; no premise occurs twice, neither within nor across splits."""
    rng = stream(name, "prompts")
    source = _distinct_prompts(rng)
    return {split: [next(source) for _ in range(count)] for split, count in counts.items()}


def draw_event(rng: random.Random, **fixed: str) -> Meaning:
    """An event with all its modifiers, those given in `fixed` as they are."""
    known = lexicon().concepts
    return Meaning(
        actor=fixed.get("actor") or choose(rng, known["name"]),
        action=fixed.get("action") or choose(rng, known["action"]),
        object=fixed.get("object") or choose(rng, lexicon().nouns),
        colour=fixed.get("colour") or choose(rng, known["colour"]),
        place=fixed.get("place") or choose(rng, known["place"]),
        time=fixed.get("time") or choose(rng, known["time"]),
    )


def with_other(rng: random.Random, event: Meaning, role: str) -> Meaning:
    """The event with another colour, place or time, one of which it states."""
    other = choose_other(rng, lexicon().concepts[role], event.stated[role])
    return telling(event, {**event.stated, role: other})


def _distinct_prompts(rng: random.Random) -> Iterator[Prompt]:
    seen: set[Meaning] = set()
    while True:
        make = _denied_premise if chance(rng, DENIED_PREMISE_RATE) else _affirmative_premise
        modifiers = 2 if chance(rng, TWO_MODIFIERS_RATE) else 1
        prompt = make(rng, Form(modifiers, chance(rng, HYPERNYM_RATES[modifiers])))
        if prompt.premise not in seen:
            seen.add(prompt.premise)
            yield prompt


def _affirmative_premise(rng: random.Random, form: Form) -> Prompt:
    """An event with two modifiers, or three where a hypothesis would otherwise repeat it."""
    event = draw_event(rng)
    full = chance(rng, FULL_PREMISE_RATE) or (form.modifiers == 2 and not form.hypernym)
    premise = stating(event, sample(rng, MODIFIERS, 3 if full else 2))
    follows = _generalised(stating(premise, sample(rng, sorted(premise.stated), form.modifiers)), form)
    against = deny(follows) if chance(rng, DENIED_CONTRADICTION_RATE) else _differing(rng, premise, form)
    silent = [role for role in MODIFIERS if role not in premise.stated]
    if silent and not chance(rng, OTHER_EVENT_RATE):
        told = [silent[0], *sample(rng, sorted(premise.stated), form.modifiers - 1)]
        unknown = _generalised(stating(event, told), form)
    else:
        unknown = _other_event(rng, premise, form)
    return _prompt(rng, premise, follows, unknown, against)


def _denied_premise(rng: random.Random, form: Form) -> Prompt:
    """A denied event with fewer modifiers than the hypotheses have: what says more is denied with it."""
    event = _generalised(draw_event(rng), form)
    told = sample(rng, MODIFIERS, form.modifiers)
    premise = deny(stating(event, told[1:]))
    if chance(rng, VAGUE_PREMISE_RATE):
        premise = replace(premise, object=hypernym(premise.object))
    more = stating(event, told)
    silent = [role for role in MODIFIERS if role not in told]
    if len(told) > 1 and not chance(rng, OTHER_EVENT_RATE):
        unknown = stating(event, [told[0], *silent])  # without the modifier that the premise has
    else:
        unknown = _other_event(rng, premise, form)
    return _prompt(rng, premise, deny(more), unknown, more)


def _prompt(rng: random.Random, premise: Meaning, follows: Meaning, unknown: Meaning, against: Meaning) -> Prompt:
    """Denials are as frequent among neutral hypotheses as among the others."""
    unknown = deny(unknown) if chance(rng, DENIED_PREMISE_RATE) else unknown
    return Prompt(premise, tuple(shuffled(rng, zip(LABELS, (follows, unknown, against), strict=True))))


def _differing(rng: random.Random, premise: Meaning, form: Form) -> Meaning:
    """A description that the premise rules out: one modifier has another value."""
    role, *others = sample(rng, sorted(premise.stated), form.modifiers)
    return _generalised(stating(with_other(rng, premise, role), [role, *others]), form)


def _other_event(rng: random.Random, premise: Meaning, form: Form) -> Meaning:
    """Another event of the same actor: other action, object of another kind.

    Half of its modifiers are as in the premise, so that neither sameness nor difference gives the label away.
    """
    kind = choose_other(rng, KINDS, hypernym(premise.object))
    action = choose_other(rng, lexicon().concepts["action"], premise.action)
    kept = {role: value for role, value in premise.stated.items() if chance(rng, 0.5)}
    noun = choose(rng, lexicon().concepts[kind])
    event = draw_event(rng, actor=premise.actor, action=action, object=noun, **kept)
    return _generalised(stating(event, sample(rng, MODIFIERS, form.modifiers)), form)


def _generalised(meaning: Meaning, form: Form) -> Meaning:
    return replace(meaning, object=hypernym(meaning.object)) if form.hypernym else meaning
