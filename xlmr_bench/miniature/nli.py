"""Premises and hypotheses: drawn as meanings, labelled by what follows from them.

The three hypotheses of a premise share their outward form: as many modifiers, hypernym or not, denied or not. The
label is therefore not to be guessed from a hypothesis alone; it takes the comparison with the premise.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace

from .draw import chance, choose, choose_other, number, sample, shuffled, stream
from .lexicon import KINDS, lexicon
from .meaning import LABELS, MODIFIERS, Meaning, deny, hypernym

HYPERNYM_RATE, DENIAL_RATE, OTHER_EVENT_RATE, TWO_MODIFIERS_RATE = 0.2, 0.1, 0.25, 0.3


@dataclass(frozen=True)
class Prompt:
    """A premise and its three hypotheses with their labels, one of each, in random order."""

    premise: Meaning
    hypotheses: tuple[tuple[str, Meaning], ...]


@dataclass(frozen=True)
class Form:
    """What the hypotheses of a premise have in common: number of modifiers, hypernym or noun, denied or not."""

    modifiers: int
    hypernym: bool
    denied: bool


def prompts(name: str, counts: dict[str, int]) -> dict[str, list[Prompt]]:
    """Prompts for each split, by number of prompts; no premise occurs twice, neither within nor across splits."""
    rng = stream(name, "prompts")
    premises = _distinct_premises(rng)
    return {split: [_prompt(rng, next(premises)) for _ in range(count)] for split, count in counts.items()}


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


def stating(event: Meaning, roles: list[str]) -> Meaning:
    """The event told with only these of its modifiers."""
    return Meaning(event.actor, event.action, event.object, **{r: v for r, v in event.stated.items() if r in roles})


def another_value(rng: random.Random, role: str, value: str | None) -> str:
    """A colour, place or time other than `value`."""
    return choose_other(rng, lexicon().concepts[role], value or "")


def _distinct_premises(rng: random.Random) -> Iterator[Meaning]:
    seen: set[Meaning] = set()
    while True:
        premise = stating(draw_event(rng), sample(rng, MODIFIERS, 3 if chance(rng, 0.25) else 2))
        if premise not in seen:
            seen.add(premise)
            yield premise


def _prompt(rng: random.Random, premise: Meaning) -> Prompt:
    form = Form(2 if chance(rng, TWO_MODIFIERS_RATE) else 1, chance(rng, HYPERNYM_RATE), chance(rng, DENIAL_RATE))
    follows, differs, open_ = (make(rng, premise, form) for make in (_follows, _differs, _unknown))
    if form.denied:
        follows, differs, open_ = deny(differs), deny(follows), deny(open_)
    return Prompt(premise, tuple(shuffled(rng, zip(LABELS, (follows, open_, differs), strict=True))))


def _follows(rng: random.Random, premise: Meaning, form: Form) -> Meaning:
    """A description that the premise confirms: some of its modifiers, perhaps the hypernym of its object."""
    return _generalised(stating(premise, sample(rng, sorted(premise.stated), form.modifiers)), form)


def _differs(rng: random.Random, premise: Meaning, form: Form) -> Meaning:
    """A description that the premise rules out: one modifier has another value."""
    role, *others = sample(rng, sorted(premise.stated), form.modifiers)
    changed = replace(premise, **{role: another_value(rng, role, premise.stated[role])})
    return _generalised(stating(changed, [role, *others]), form)


def _unknown(rng: random.Random, premise: Meaning, form: Form) -> Meaning:
    """A description that the premise leaves open: a detail it does not mention, or another event of the same actor."""
    silent = [role for role in MODIFIERS if role not in premise.stated]
    if silent and not chance(rng, OTHER_EVENT_RATE):
        told = replace(premise, **{silent[0]: another_value(rng, silent[0], None)})
        roles = [silent[0], *sample(rng, sorted(premise.stated), form.modifiers - 1)]
        return _generalised(stating(told, roles), form)
    kind = choose_other(rng, KINDS, hypernym(premise.object))
    action = choose_other(rng, lexicon().concepts["action"], premise.action)
    # Half of the modifiers as in the premise: neither sameness nor difference may give the label away.
    kept = {role: value for role, value in premise.stated.items() if chance(rng, 0.5)}
    noun = choose(rng, lexicon().concepts[kind])
    event = draw_event(rng, actor=premise.actor, action=action, object=noun, **kept)
    return _generalised(stating(event, sample(rng, MODIFIERS, form.modifiers)), form)


def _generalised(meaning: Meaning, form: Form) -> Meaning:
    return replace(meaning, object=hypernym(meaning.object)) if form.hypernym else meaning
