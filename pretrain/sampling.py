"""Which block is drawn when: a pure function of (seed, number of the draw), so that nothing has to be replayed.

Languages are drawn with q_i = p_i^alpha / sum_j p_j^alpha (paper, section 3.1), where p_i is the language's share of
the sentences. Draws are laid out in rounds of about 1,024. A round holds each language so often that after every
round each has been drawn floor(rounds * 1024 * q_i) times; within a round the order is a keyed permutation. The
place in that layout is also the language's own count of draws, and the blocks of a language are taken in permuted
passes by that count: each block once before any comes again.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Integers = npt.NDArray[np.int64]
Words = npt.NDArray[np.uint64]

_ROUND = 1024
# Shares are fixed-point numbers: a rounding of pow() that differs between machines must not move a border.
_FRACTION_BITS = 20
# With 4 rounds the orders of a handful of blocks are visibly unequal (a tenth more or less frequent).
_FEISTEL_ROUNDS = 12


def probabilities(weights: Sequence[float], alpha: float) -> npt.NDArray[np.float64]:
    """q_i for corpus sizes `weights` (any unit, all above 0) and the exponent `alpha` in [0, 1]."""
    sizes = np.asarray(weights, dtype=np.float64)
    q = (sizes / sizes.sum()) ** alpha
    shares: npt.NDArray[np.float64] = q / q.sum()
    return shares


@dataclass(frozen=True)
class Draws:
    """A run of draws: the language of each, which draw of that language it is, and the block that is read."""

    language: Integers
    number: Integers
    block: Integers


class Sampler:
    """Draws blocks of several languages.

    languages: codes; they key the permutations, so a language's order of blocks does not depend on the others.
    weights: corpus sizes in the unit that alpha applies to. blocks: number of blocks of each language.
    """

    def __init__(
        self, languages: Sequence[str], weights: Sequence[float], blocks: Sequence[int], alpha: float, seed: int
    ) -> None:
        self.probabilities = probabilities(weights, alpha)
        self.seed = seed
        self.keys = np.array([mix(zlib.crc32(code.encode()) + (seed << 32)) for code in languages], dtype=np.uint64)
        self._blocks = np.asarray(blocks, dtype=np.int64)
        scaled = np.round(self.probabilities * _ROUND * 2**_FRACTION_BITS)
        self._shares = np.maximum(1, scaled).astype(np.int64)

    def draws(self, first: int, count: int) -> Draws:
        """The draws `first` ... `first + count - 1`."""
        parts: list[tuple[Integers, Integers]] = []
        number = self._round_of(first)
        while count > 0:
            before, after = self._drawn_before(number), self._drawn_before(number + 1)
            start, size = int(before.sum()), int((after - before).sum())
            stop = min(first + count, start + size)
            place = permute(np.arange(first - start, stop - start), size, mix(number + (self.seed << 32)))
            ends = np.cumsum(after - before)
            language = np.searchsorted(ends, place, side="right")
            parts.append((language, before[language] + place - (ends - (after - before))[language]))
            count -= stop - first
            first, number = stop, number + 1
        languages = np.concatenate([language for language, _ in parts])
        numbers = np.concatenate([n for _, n in parts])
        return Draws(languages, numbers, self._block(languages, numbers))

    def drawn(self, draws: int) -> Integers:
        """How often each language was drawn in the first `draws` draws (exact at the ends of rounds)."""
        number = self._round_of(draws)
        before = self._drawn_before(number)
        left = draws - int(before.sum())
        if left == 0:
            return before
        partial = np.bincount(self.draws(draws - left, left).language, minlength=len(self._shares))
        return before + partial

    def _drawn_before(self, number: int) -> Integers:
        """Draws of each language in all rounds before round `number`."""
        drawn: Integers = (np.int64(number) * self._shares) >> _FRACTION_BITS
        return drawn

    def _round_of(self, draw: int) -> int:
        """The round that holds a draw."""
        number = draw // _ROUND
        while int(self._drawn_before(number).sum()) > draw:
            number -= 1
        while int(self._drawn_before(number + 1).sum()) <= draw:
            number += 1
        return number

    def _block(self, language: Integers, number: Integers) -> Integers:
        """The block that a language's draw takes: a new permutation of its blocks at each pass."""
        size = self._blocks[language]
        passes, place = np.divmod(number, size)
        keys = mix(self.keys[language] + passes.astype(np.uint64))
        return permute(place, size, keys)


def permute(index: Integers, size: Integers | int, key: Words | np.uint64) -> Integers:
    """Where each index in [0, size) goes under the permutation of that range that `key` names, element by element.

    A Feistel network over the next power of four, walked until it lands inside; arguments broadcast. Unlike a
    shuffle it costs nothing to enter in the middle, and it is uniform at any size.
    """
    index, sizes, keys = np.broadcast_arrays(index, size, key)
    half = np.maximum(1, np.ceil(np.log2(np.maximum(sizes, 2).astype(np.float64)) / 2)).astype(np.uint64)
    out = index.astype(np.uint64)
    open_places = np.flatnonzero(np.ones(out.shape, dtype=bool))
    limit = sizes.astype(np.uint64)
    while len(open_places):
        out[open_places] = _feistel(out[open_places], half[open_places], keys[open_places])
        open_places = open_places[out[open_places] >= limit[open_places]]
    return out.astype(np.int64)


def mix(value: Words | int) -> Words:
    """The splitmix64 finaliser: 64 well-mixed bits of an integer or an array of them."""
    z = np.asarray(value & 0xFFFFFFFFFFFFFFFF if isinstance(value, int) else value, dtype=np.uint64)
    with np.errstate(over="ignore"):
        z = z + np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def _feistel(value: Words, half: Words, key: Words) -> Words:
    low_bits = (np.uint64(1) << half) - np.uint64(1)
    left, right = value >> half, value & low_bits
    with np.errstate(over="ignore"):
        for turn in range(_FEISTEL_ROUNDS):
            left, right = right, left ^ (mix(right + key + np.uint64(turn << 56)) & low_bits)
    return (left << half) | right
