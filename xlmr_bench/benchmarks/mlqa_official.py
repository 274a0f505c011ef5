"""What the published question-answering sets hold: numbers of questions, and digests of MLQA's dev sets.

Numbers: SQuAD v1.1 (Rajpurkar et al. 2016), XQuAD (Artetxe et al. 2020), MLQA_V1 and its translations of SQuAD and
of its own test sets as distributed. MLQA's pairs of languages are the questions that both languages have; English
has all of them. MLQA's Spanish test files hold 5,253 questions, one fewer than some tables print.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from ..errors import DataError
from ..examples import Question, Split

MLQA_LANGUAGES = ("en", "es", "de", "ar", "hi", "vi", "zh")
XQUAD_LANGUAGES = ("en", "es", "de", "el", "ru", "tr", "ar", "vi", "th", "zh", "hi", "ro")

SQUAD = {"train": 87_599, "dev": 10_570}
XQUAD = 1190
# SQuAD as MLQA's authors translated it: questions whose answer could not be placed are left out.
SQUAD_TRANSLATED = {
    "train": {"ar": 78_058, "de": 80_069, "es": 81_810, "hi": 82_451, "vi": 84_816, "zh": 76_285},
    "dev": {"ar": 9512, "de": 9927, "es": 10_123, "hi": 10_253, "vi": 10_356, "zh": 9568},
}
MLQA = {
    "dev": {"en": 1148, "ar": 517, "de": 512, "es": 500, "hi": 507, "vi": 511, "zh": 504},
    "test": {"en": 11_590, "ar": 5335, "de": 4517, "es": 5253, "hi": 4918, "vi": 5495, "zh": 5137},
}
# Questions that two languages other than English share, languages in alphabetical order.
MLQA_SHARED = {
    "dev": {
        "ar-de": 207, "ar-es": 161, "ar-hi": 186, "ar-vi": 163, "ar-zh": 188, "de-es": 196, "de-hi": 163, "de-vi": 182,
        "de-zh": 190, "es-hi": 187, "es-vi": 189, "es-zh": 161, "hi-vi": 177, "hi-zh": 189, "vi-zh": 184,
    },
    "test": {
        "ar-de": 1649, "ar-es": 1978, "ar-hi": 1831, "ar-vi": 2047, "ar-zh": 1912, "de-es": 1776, "de-hi": 1430,
        "de-vi": 1675, "de-zh": 1621, "es-hi": 1723, "es-vi": 2018, "es-zh": 1947, "hi-vi": 1947, "hi-zh": 1767,
        "vi-zh": 1943,
    },
}  # fmt: skip


@dataclass(frozen=True)
class Faults:
    """Answers of one file that do not stand where it says, or hold nothing: how many, and the first in words.

    `dropped` tells whether they were left out (training), and then `questions` of them had no other answer.
    """

    answers: int = 0
    questions: int = 0
    dropped: bool = False
    first: str = ""

    def __str__(self) -> str:
        done = "dropped" if self.dropped else "kept by their text"
        lost = f"; questions dropped with them: {self.questions:,}" if self.questions else ""
        return f"answers that do not stand at their start, {done}: {self.answers:,}{lost} (first: {self.first})"


def squad_size(role: str, language: str) -> int | None:
    """Published number of questions of SQuAD v1.1 (`en`) or of MLQA's translation of it; None where none is known."""
    return SQUAD[role] if language == "en" else SQUAD_TRANSLATED[role].get(language)


def mlqa_size(role: str, language: str, question_language: str) -> int | None:
    """Published number of questions of an MLQA file; `translate-test` files have the questions of their test set."""
    split = role.removeprefix("translate-")
    if "en" in (language, question_language):
        language, question_language = sorted((language, question_language), key=lambda code: code == "en")
        return MLQA[split].get(language)
    if language == question_language:
        return MLQA[split].get(language)
    return MLQA_SHARED[split].get("-".join(sorted((language, question_language))))


def check_size(split: Split[Question], expected: int | None, found: int, remedy: str) -> None:
    """Raise DataError where an official file does not hold the published number of questions."""
    if expected is not None and found != expected:
        raise DataError(
            f"{split.files[0]}: {split.language!r} {split.role} has {found:,} questions instead of {expected:,}. "
            f"{remedy}"
        )


def measured(
    split: Split[Question], expected: int | None, found: int, faults: Faults, known: str | None
) -> Split[Question]:
    """The split with its standing: `found` questions were read, `expected` are published, `known` is their digest.

    Where no number is published it has no standing (None). Answers kept by their text leave the data unaltered, and
    are noted; questions that were dropped with theirs are a deviation.
    """
    differs = None
    if expected is not None and found != expected:
        differs = f"{found:,} of {expected:,} examples"
    elif known is not None and split.digest[: len(known)] != known:
        differs = "texts or answers are not the official ones"
    found_faults = str(faults) if faults.answers else None
    deviation = "; ".join(w for w in (differs, found_faults if faults.dropped else None) if w) or None
    official = None if expected is None else deviation is None
    return replace(split, official=official, deviation=deviation, note=None if faults.dropped else found_faults)


# The first digits of `Split.digest` of the published dev sets, questions in their contexts' language.
DIGESTS = {
    ("dev", "en"): "e2bfc6786e5225a1",
    ("dev", "es"): "65df4f88f573f6bb",
    ("dev", "de"): "80a78bab854e57bd",
    ("dev", "ar"): "ca97ed9bb0baf3f2",
    ("dev", "hi"): "776c7f55c18d370c",
    ("dev", "vi"): "5718b9fcae273528",
    ("dev", "zh"): "c3eafe56b6782a60",
}
