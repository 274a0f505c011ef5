"""Choices that come out the same in every Python version: only `random.Random.random` is promised to stay as it is."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from typing import TypeVar

T = TypeVar("T")


def stream(*parts: object) -> random.Random:
    """A generator of its own for each purpose, so that adding one draw somewhere changes nothing elsewhere."""
    return random.Random("/".join(map(str, parts)))


def chance(rng: random.Random, probability: float) -> bool:
    """True with that probability."""
    return rng.random() < probability


def number(rng: random.Random, low: int, high: int) -> int:
    """A whole number from `low` to `high`, both included."""
    return low + int(rng.random() * (high - low + 1))


def choose(rng: random.Random, items: Sequence[T]) -> T:
    """One item."""
    return items[int(rng.random() * len(items))]


def choose_other(rng: random.Random, items: Iterable[T], *excluded: T) -> T:
    """One item that is none of the `excluded`."""
    return choose(rng, [item for item in items if item not in excluded])


def shuffled(rng: random.Random, items: Iterable[T]) -> list[T]:
    """The items in random order."""
    out = list(items)
    for i in range(len(out) - 1, 0, -1):
        j = int(rng.random() * (i + 1))
        out[i], out[j] = out[j], out[i]
    return out


def sample(rng: random.Random, items: Iterable[T], count: int) -> list[T]:
    """`count` different items in random order."""
    return shuffled(rng, items)[:count]
