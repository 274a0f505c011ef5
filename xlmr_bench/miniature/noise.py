"""Slips of a machine translator, seeded: word order and words of the grammar; into English also near-synonyms.

Meaning never changes: content words are not exchanged for others of their kind and negation words are not dropped.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

from .draw import chance, choose
from .grammar import NEGATION, Piece

SLIP_RATE = 0.15
SYNONYM_RATE, ARTICLE_RATE, ENGLISH_SLIP_RATE = 0.08, 0.1, 0.25

# Near-synonyms that a translator into English might choose, for whole pieces.
SYNONYMS = {
    "bought": "purchased",
    "buy": "purchase",
    "saw": "noticed",
    "see": "notice",
    "found": "discovered",
    "find": "discover",
    "washed": "cleaned",
    "wash": "clean",
    "chose": "selected",
    "choose": "select",
    "hid": "concealed",
    "hide": "conceal",
    "bicycle": "bike",
    "truck": "lorry",
    "cupboard": "wardrobe",
    "hat": "cap",
    "coat": "jacket",
    "shovel": "spade",
    "garment": "piece of clothing",
    "at the market": "in the market",
    "at the school": "in the school",
    "at the station": "at the train station",
    "in the library": "at the library",
    "on the beach": "at the beach",
}


def with_slip(rng: random.Random, parts: Sequence[Piece], rate: float = SLIP_RATE) -> list[Piece]:
    """With probability `rate`, one slip: a grammar word dropped or doubled, or two neighbouring phrases swapped."""
    out = list(parts)
    if not chance(rng, rate):
        return out
    loose = [i for i, part in enumerate(out) if not part.role]
    if loose and chance(rng, 0.5):
        at = choose(rng, loose)
        out[at : at + 1] = [out[at]] * (2 if chance(rng, 0.5) else 0)
        return out
    # The actor stays where it is; an English-like denial ("did not") keeps its parts together.
    fixed = ("", "actor", NEGATION)
    swappable = [i for i in range(len(out) - 1) if out[i].role not in fixed and out[i + 1].role not in fixed]
    if swappable:
        at = choose(rng, swappable)
        out[at], out[at + 1] = out[at + 1], out[at]
    return out


def into_english(rng: random.Random, parts: Sequence[Piece]) -> list[Piece]:
    """An English sentence as a translator would bring it back: near-synonyms, articles lost, sometimes a slip."""
    out = []
    for part in parts:
        if part.text == "a" and chance(rng, ARTICLE_RATE):
            continue
        swap = part.text in SYNONYMS and chance(rng, SYNONYM_RATE)
        out.append(Piece(SYNONYMS[part.text], part.role) if swap else part)
    return with_slip(rng, out, ENGLISH_SLIP_RATE)
