"""Placing an answer in a translated context. Pure functions.

The sentence that holds the answer is translated twice: plain, as a part of the context, and with the answer between
quotation marks, which translation models mostly carry over (Lee et al. 2018; MLQA's authors did so too). What stands
between the marks is looked up in the plain sentence; failing that, the answer translated by itself, then its original
(names and numbers often stay). Punctuation at an answer's ends is left out, as the scorers leave it out.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_QUOTES = '"“”„‟«»「」『』《》〈〉〝〞＂'
_OPENING, _CLOSING = "[【［〔", "]】］〕"
_UNSPACED = re.compile("[\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]")
# Arabic writes articles, conjunctions and prepositions onto the word.
_ARABIC = re.compile("[\u0600-\u06ff]{3}")
_SHORTEST_STEM = 4
_PUNCTUATION = " \t.,;:!?…。，、；：！？।۔؟،؛" + _QUOTES


@dataclass(frozen=True)
class Placed:
    """An answer in a translated sentence: its first character there, its text, and what found it."""

    start: int
    text: str
    found_by: str


def takes_brackets(sentence: str) -> bool:
    """Whether a sentence has quotation marks of its own, so that an answer in it is put in brackets."""
    return any(c in _QUOTES for c in sentence)


def with_marks(sentence: str, start: int, end: int) -> str | None:
    """The sentence with its characters `start` to `end` in quotes, or in brackets where it has quotes already.

    None where it has both, so that marks could not be told from its own.
    """
    before, after = ("[", "]") if takes_brackets(sentence) else ('"', '"')
    if before == "[" and any(c in _OPENING + _CLOSING for c in sentence):
        return None
    return f"{sentence[:start]}{before}{sentence[start:end]}{after}{sentence[end:]}"


def between_marks(translation: str, brackets: bool) -> tuple[str, float] | None:
    """What stands between the marks in a translation, and how far on it begins (0 to 1).

    None unless there are exactly two quotation marks of any script, or one pair of brackets, with text between.
    """
    if brackets:
        places = [i for i, c in enumerate(translation) if c in _OPENING + _CLOSING]
        right = len(places) == 2 and translation[places[0]] in _OPENING and translation[places[1]] in _CLOSING
    else:
        places = [i for i, c in enumerate(translation) if c in _QUOTES]
        right = len(places) == 2
    if not right:
        return None
    inner = translation[places[0] + 1 : places[1]].strip(_PUNCTUATION)
    return (inner, places[0] / len(translation)) if inner else None


def place(
    sentence: str, marked: str | None, alone: str, original: str, position: float, brackets: bool = False
) -> Placed | None:
    """Where an answer stands in the translated `sentence`; None where it cannot be told.

    marked: the translation of the sentence with marks (`brackets` or quotes), if there is one. alone, original: the
    answer translated by itself, and as it was. position: how far on it began in the original sentence (0 to 1), which
    decides among several places.
    """
    inner = between_marks(marked, brackets) if marked is not None else None
    tries = [("marks", *inner)] if inner is not None else []
    tries += [("alone", alone.strip(_PUNCTUATION), position), ("original", original.strip(_PUNCTUATION), position)]
    for whole in (True, False):
        for found_by, text, near in tries:
            starts = _occurrences(sentence, text, whole)
            if starts:
                start = min(starts, key=lambda s: (abs(s / len(sentence) - near), s))
                return Placed(start, sentence[start : start + len(text)], found_by if whole else "beginning")
    return None


def _occurrences(sentence: str, text: str, whole: bool) -> list[int]:
    """Where a text stands in a sentence whatever the case of its letters.

    As `whole` words, or else as the beginning of longer ones (Somalia in Somalias), if it is not too short for that.
    """
    if not text or not (whole or len(text) >= _SHORTEST_STEM):
        return []
    # Matching letter by letter keeps the length, which casefold (ß, İ) would not.
    starts = [m.start() for m in re.finditer(f"(?={re.escape(text)})", sentence, re.IGNORECASE)]
    if _ARABIC.search(text):
        return starts
    ends_well = [s for s in starts if not (whole and _are_joined(sentence, s + len(text)))]
    return [s for s in ends_well if not _are_joined(sentence, s)]


def _are_joined(sentence: str, place: int) -> bool:
    """Whether a word goes on across this place; scripts without spaces have no such places."""
    pair = sentence[max(place - 1, 0) : place + 1]
    return 0 < place < len(sentence) and pair.isalnum() and not _UNSPACED.search(pair)
