"""Long contexts in overlapping windows, answers from their logits, and the way between characters and pieces.

A window is a question and a stretch of the context's pieces. Answers are always cut from the context as it was
given: text rebuilt from pieces is normalised text, which costs most of the score in Chinese.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from .errors import UsageError

if TYPE_CHECKING:
    from .modeling.tokenizer import Pieces

Window = tuple[int, int]
Logits = Sequence[npt.NDArray[np.floating]]


def windows(
    question_ids: Sequence[int], context_ids: Sequence[int], max_length: int, stride: int, specials: int
) -> list[Window]:
    """The stretches [start, stop) of the context's pieces that are read with the question, in order.

    An input holds at most `max_length` ids: `specials` special tokens, the question, and as much context as fits.
    Each window starts `stride` pieces after the one before it (BERT's doc_stride: a step, not an overlap), or as
    many as it holds where that is less: every piece is in some window. An empty context is one empty window.
    Raises UsageError where the question leaves no room; cut it before.
    """
    room = max_length - specials - len(question_ids)
    if room < 1:
        raise UsageError(
            f"a question of {len(question_ids)} pieces with {specials} special tokens leaves no room for its context "
            f"in {max_length} ids. Raise the maximum length or lower the maximum question length."
        )
    if stride < 1:
        raise UsageError(f"the stride of windows must be at least 1, not {stride}.")
    total, step = len(context_ids), min(stride, room)
    behind = max(total - room, 0)  # pieces that the first window does not hold
    starts = range(0, behind + step, step) if behind else (0,)
    return [(start, min(start + room, total)) for start in starts]


def home_windows(spans: Sequence[Window]) -> npt.NDArray[np.intp]:
    """For each piece of the context the window that answers may start in: the one that shows most around it.

    BERT's rule: the window where the smaller of the numbers of pieces before and after it in the window, plus a
    hundredth of the window's pieces, is largest; the earlier of equals. Hundredths are counted as integers.
    """
    pieces = np.arange(max(stop for _, stop in spans))
    context = np.full((len(spans), len(pieces)), -1)
    for row, (start, stop) in zip(context, spans, strict=True):
        inside = pieces[start:stop]
        row[start:stop] = 100 * np.minimum(inside - start, stop - 1 - inside) + (stop - start)
    home: npt.NDArray[np.intp] = context.argmax(axis=0)
    return home


@dataclass(frozen=True, slots=True)
class Answer:
    """Pieces `first` to `last` (inclusive) of the context, with the sum of their two logits."""

    first: int
    last: int
    score: float


def best_answers(
    start_logits: Logits, end_logits: Logits, spans: Sequence[Window], n_best: int = 20, max_answer_tokens: int = 30
) -> list[Answer]:
    """The best answers to one question over its windows, at most `n_best`, best first.

    Logits are one array a window, for its context pieces only. In each window the `n_best` highest starts and the
    `n_best` highest ends are paired; a pair counts if it runs forward, spans at most `max_answer_tokens` pieces, and
    starts in its piece's home window. Where no pair does, single pieces count. Equal scores: the earlier start
    first, then the shorter answer; equal logits: the earlier piece. Empty only for an empty context.
    """
    if n_best < 1 or max_answer_tokens < 1:
        raise UsageError(f"n_best ({n_best}) and max_answer_tokens ({max_answer_tokens}) must be at least 1.")
    home = home_windows(spans)
    paired, single = [], []
    for window, ((begin, stop), starts, ends) in enumerate(zip(spans, start_logits, end_logits, strict=True)):
        if not len(starts) == len(ends) == stop - begin:
            raise ValueError(f"window {begin}-{stop} has {len(starts)} start and {len(ends)} end logits")
        here = home[begin:stop] == window
        first, last = np.meshgrid(_highest(starts, n_best), _highest(ends, n_best), indexing="ij")
        valid = here[first] & (last >= first) & (last - first < max_answer_tokens)
        paired.append(_scored(first[valid], last[valid], starts, ends, begin))
        own = np.flatnonzero(here)
        single.append(_scored(own, own, starts, ends, begin))
    found = np.concatenate(paired)
    if not len(found):
        found = np.concatenate(single)
    best = np.lexsort((found[:, 1], found[:, 0], -found[:, 2]))[:n_best]
    return [Answer(int(first), int(last), float(score)) for first, last, score in found[best]]


def _highest(logits: npt.NDArray[np.floating], n: int) -> npt.NDArray[np.intp]:
    return np.argsort(-np.asarray(logits, dtype=np.float64), kind="stable")[:n]


def _scored(
    first: npt.NDArray[np.intp], last: npt.NDArray[np.intp],
    starts: npt.NDArray[np.floating], ends: npt.NDArray[np.floating], begin: int,
) -> npt.NDArray[np.float64]:  # fmt: skip
    """Rows of (first piece, last piece, score), counted from the beginning of the context."""
    score = np.asarray(starts, dtype=np.float64)[first] + np.asarray(ends, dtype=np.float64)[last]
    return np.stack([first + begin, last + begin, score], axis=1)


def gold_span(pieces: Pieces, start_char: int, answer_text: str) -> tuple[int, int] | None:
    """The first and last piece that hold a character of the answer at `start_char`; None where no piece does.

    The pieces may say more than the answer, where it begins or ends inside one.
    """
    end_char = start_char + len(answer_text)
    first = bisect_right(pieces.ends, start_char)
    last = bisect_left(pieces.starts, end_char) - 1
    if start_char < 0 or not answer_text:
        return None
    first, last = _without_empty(pieces, first, last)
    return (first, last) if first <= last else None


def text_of(pieces: Pieces, first: int, last: int, context: str) -> str:
    """The characters of the original context that pieces `first` to `last` came from; a bare word mark has none."""
    first, last = _without_empty(pieces, first, last)
    return context[pieces.starts[first] : pieces.ends[last]] if first <= last else ""


def _without_empty(pieces: Pieces, first: int, last: int) -> tuple[int, int]:
    """The span without pieces at its ends that came from no character."""
    while first <= last and pieces.starts[first] == pieces.ends[first]:
        first += 1
    while first <= last and pieces.starts[last] == pieces.ends[last]:
        last -= 1
    return first, last
