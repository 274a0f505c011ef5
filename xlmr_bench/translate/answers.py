"""Placing an answer in a translated context. Pure functions.

The sentence that holds the answer is translated twice: plain, as a part of the context, and with the answer between
quotation marks, which translation models mostly carry over (Lee et al. 2018; MLQA's authors did so too). What stands
between the marks is looked up in the plain sentence; failing that, the answer translated by itself, then its original
(names and numbers often stay).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_QUOTES = '"“”„‟«»「」『』《》〈〉〝〞＂'
_OPENING, _CLOSING = "[【［〔", "]】］〕"
_UNSPACED = re.compile("[\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]")
# Arabic writes articles, conjunctions and prepositions onto the word.
_ARABIC = re.compile("[\u0600-\u06ff]{3}")
_PUNCTUATION = " \t.,;:!?…。，、；：！？।۔؟،؛" + _QUOTES


@dataclass(frozen=True)
class Placed:
    """An answer in a translated sentence: its first character there, its text, and what found it."""

    start: int
    text: str
    found_by: str


def with_marks(sentence: str, start: int, end: int) -> str | None:
    """The sentence with its characters `start` to `end` in quotes, or in brackets where it has quotes already.

    None where it has both, so that marks could not be told from its own.
    """
    if not any(c in _QUOTES for c in sentence):
        before, after = '"', '"'
    elif not any(c in _OPENING + _CLOSING for c in sentence):
        before, after = "[", "]"
    else:
        return None
    return f"{sentence[:start]}{before}{sentence[start:end]}{after}{sentence[end:]}"


def between_marks(translation: str) -> tuple[str, float] | None:
    """What stands between the marks in a translation, and how far on it begins (0 to 1).

    None unless there are exactly two quotation marks of any script or else one pair of brackets, with text between.
    """
    quotes = [i for i, c in enumerate(translation) if c in _QUOTES]
    opening = [i for i, c in enumerate(translation) if c in _OPENING]
    closing = [i for i, c in enumerate(translation) if c in _CLOSING]
    if len(quotes) == 2:
        a, b = quotes
    elif len(opening) == len(closing) == 1 and opening[0] < closing[0]:
        a, b = opening[0], closing[0]
    else:
        return None
    inner = translation[a + 1 : b].strip(_PUNCTUATION)
    return (inner, a / len(translation)) if inner else None


def place(sentence: str, marked: str | None, alone: str, original: str, position: float) -> Placed | None:
    """Where an answer stands in the translated `sentence`; None where it cannot be told.

    marked: the translation of the sentence with marks, if there is one. alone, original: the answer translated by
    itself, and as it was. position: how far on it began in the original sentence (0 to 1), which decides among
    several places.
    """
    inner = between_marks(marked) if marked is not None else None
    tries = [("marks", *inner)] if inner is not None else []
    tries += [("alone", alone.strip(_PUNCTUATION), position), ("original", original.strip(_PUNCTUATION), position)]
    for found_by, text, near in tries:
        starts = _occurrences(sentence, text)
        if starts:
            start = min(starts, key=lambda s: (abs(s / len(sentence) - near), s))
            return Placed(start, sentence[start : start + len(text)], found_by)
    return None


def _occurrences(sentence: str, text: str) -> list[int]:
    """Where a text stands in a sentence as words of its own, whatever the case of its letters."""
    if not text:
        return []
    # Matching letter by letter keeps the length, which casefold (ß, İ) would not.
    starts = [m.start() for m in re.finditer(f"(?={re.escape(text)})", sentence, re.IGNORECASE)]
    if _UNSPACED.search(text) or _ARABIC.search(text):
        return starts
    return [s for s in starts if _is_bounded(sentence, s, s + len(text))]


def _is_bounded(sentence: str, start: int, end: int) -> bool:
    before, after = sentence[start - 1 : start], sentence[end : end + 1]
    opens = not (before.isalnum() and sentence[start].isalnum())
    return opens and not (after.isalnum() and sentence[end - 1].isalnum())
