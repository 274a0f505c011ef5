"""Entity F1 as conlleval computes it, and word-level predictions of sentences that are longer than a model's input.

All functions are pure. An entity counts as correct where type, first and last word are all right. seqeval's default
mode gives the same numbers as conlleval; its strict mode does not.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from .errors import DataError
from .metrics import Metric, Statistics

Entity = tuple[str, int, int]


def entities(tags: Sequence[str]) -> list[Entity]:
    """(type, first word, word after the last) of every entity, as conlleval finds them in IOB1 or IOB2.

    `I-` after `O`, or after another type, begins an entity; `B-` always does. Raises DataError for other tags.
    """
    found: list[Entity] = []
    current, start = "", 0
    for i, tag in enumerate(tags):
        begins, kind = _parts(tag)
        if begins or kind != current:
            if current:
                found.append((current, start, i))
            current, start = kind, i
    if current:
        found.append((current, start, len(tags)))
    return found


def entity_statistics(
    gold: Sequence[Sequence[str]], predicted: Sequence[Sequence[str]], types: Sequence[str] = ()
) -> Statistics:
    """Numbers of (correct, predicted, gold) entities a sentence: (N, 3 + 3 * types), all types first, then each.

    Raises DataError where a sentence has more or fewer predictions than words; sentences count from 1.
    """
    if len(gold) != len(predicted):
        raise DataError(f"{len(predicted):,} sentences are predicted, {len(gold):,} are gold. Predict all of them.")
    column = {kind: 3 * i for i, kind in enumerate(types, 1)}
    statistics = np.zeros((len(gold), 3 + 3 * len(column)))
    for row, (g, p) in enumerate(zip(gold, predicted, strict=True)):
        if len(g) != len(p):
            raise DataError(
                f"sentence {row + 1}: {len(p)} predicted tags for {len(g)} words. Every word needs one tag, "
                "'O' where the model gave none."
            )
        wanted, given = set(entities(g)), set(entities(p))
        for offset, these in enumerate((wanted & given, given, wanted)):
            statistics[row, offset] = len(these)
            for kind, _, _ in these if column else ():
                if kind in column:
                    statistics[row, column[kind] + offset] += 1
    return statistics


def precision_recall_f1(sums: Statistics) -> Statistics:
    """(..., 3) sums of (correct, predicted, gold) as fractions (..., 3); 0 where there is nothing to divide by."""
    correct, predicted, gold = sums[..., 0], sums[..., 1], sums[..., 2]
    return np.stack([_ratio(correct, predicted), _ratio(correct, gold), _ratio(2 * correct, predicted + gold)], axis=-1)


def _metric(name: str, column: int) -> Metric:
    signature = f"entity_{name}|average:micro|chunks:conlleval|scorer:xlmr_bench|version:1"
    return Metric(name, signature, lambda sums, n: precision_recall_f1(sums)[..., column])


ENTITY_PRECISION, ENTITY_RECALL, ENTITY_F1 = _metric("precision", 0), _metric("recall", 1), _metric("f1", 2)


def type_statistics(statistics: Statistics, types: Sequence[str]) -> dict[str, Statistics]:
    """The columns of each type, as ENTITY_F1 takes them; `types` as they were given to `entity_statistics`."""
    return {kind: statistics[..., 3 * i : 3 * i + 3] for i, kind in enumerate(types, 1)}


def split_long(pieces_per_word: Sequence[int], room: int) -> list[slice]:
    """Cut a sentence between words into the fewest parts of at most `room` pieces, the largest as small as can be.

    A word longer than the room counts as filling it: the caller keeps its first pieces, and its tag. A word without
    pieces (white space to the tokenizer) counts as one: the caller gives it the unknown piece.
    """
    if room < 1:
        raise ValueError(f"room for {room} pieces")
    ends = np.cumsum(np.clip(np.asarray(pieces_per_word, dtype=np.int64), 1, room))
    if not len(ends):
        return []
    parts = _fill(ends, room)
    low, high = -(-int(ends[-1]) // len(parts)), room
    while low < high:
        middle = (low + high) // 2
        # No part may be smaller than a word, so a size that does not even hold one is too small.
        cut = _fill(ends, middle)
        low, high = (low, middle) if cut and len(cut) <= len(parts) else (middle + 1, high)
    return _fill(ends, low)


def merge_parts(words: int, parts: Sequence[slice], tags: Sequence[Sequence[str]]) -> tuple[list[str], int]:
    """The tags of a sentence from those of its parts, and the number of words that no part predicted.

    Such words are `O`, so that scores count every gold word; a part may give fewer tags than its words, never more.
    """
    merged: list[str | None] = [None] * words
    for part, given in zip(parts, tags, strict=True):
        places = range(words)[part]
        if len(given) > len(places):
            raise DataError(f"words {part.start + 1} to {part.stop}: {len(given)} tags for {len(places)} words.")
        for place, tag in zip(places, given, strict=False):
            merged[place] = tag
    return ["O" if tag is None else tag for tag in merged], merged.count(None)


def _fill(ends: npt.NDArray[np.int64], size: int) -> list[slice]:
    """Parts filled one after the other up to `size` pieces; none where a single word does not fit."""
    parts: list[slice] = []
    start, before = 0, 0
    while start < len(ends):
        stop = int(np.searchsorted(ends, before + size, side="right"))
        if stop == start:
            return []
        parts.append(slice(start, stop))
        start, before = stop, int(ends[stop - 1])
    return parts


@lru_cache(maxsize=1024)
def _parts(tag: str) -> tuple[bool, str]:
    """Whether a tag always begins an entity, and its type ('' for `O`)."""
    if tag == "O":
        return False, ""
    prefix, _, kind = tag.partition("-")
    if prefix not in ("B", "I") or not kind:
        raise DataError(f"tag {tag!r} is neither 'O' nor 'B-' or 'I-' with a type. Predict tags in IOB2.")
    return prefix == "B", kind


def _ratio(a: npt.NDArray[np.float64], b: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return np.divide(a, b, out=np.zeros(np.shape(b)), where=b != 0)
