"""The language of a document, by one or more fastText models that vote.

Each model votes for its best answer where its probability reaches the threshold (cc_net: .5). A vote stands where every
other model that knows the language gives it too, so that a model is outvoted on what it does not know: lid.176 calls
romanised Hindi something else, and a second model that tells it apart wins. The document has a language where exactly
one stands. The two scripts of Chinese are one language here; `scripts` tells them apart by the text.

Line feeds become spaces, since fastText ends at one. (cc_net deletes them, which joins words over the ends of lines.)
"""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from contextlib import redirect_stderr
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from xlmr_bench.errors import DataError, UsageError

from ..languages import CHINESE
from .fasttext_file import labels_of
from .labels import code_of

THRESHOLD = 0.5
LOW_CONFIDENCE = "low confidence"
DISPUTED = "disputed"

Predict = Callable[[str], tuple[Sequence[str], Sequence[float]]]


@dataclass(frozen=True, slots=True)
class Answer:
    """A document's language, or None and the reason.

    `probability` is the lowest among the models that name the language; without a language, the highest of any model.
    """

    language: str | None
    probability: float
    reason: str | None = None


@dataclass(frozen=True)
class Model:
    """A model's best label for a line of text, and the languages it can name."""

    predict: Predict
    languages: frozenset[str]


class Identifier:
    """Models that are loaded once; `threshold` is the probability from which an answer counts."""

    def __init__(self, models: Sequence[Model], threshold: float) -> None:
        self._models = tuple(models)
        self._threshold = threshold
        self._only = self._models[0].predict if len(self._models) == 1 else None

    @classmethod
    def load(cls, models: Sequence[Path], threshold: float = THRESHOLD) -> Identifier:
        """Raises DataError for a model that is missing, damaged or no classifier, UsageError where none is named."""
        if not models:
            raise UsageError("no language identification model is named: give at least lid.176.bin.")
        if not 0.0 <= threshold <= 1.0:
            raise UsageError(f"the threshold {threshold} is not between 0 and 1.")
        return cls([_loaded(path) for path in models], threshold)

    def identify(self, text: str) -> Answer:
        line = text.replace("\n", " ")
        if self._only is not None:
            labels, probabilities = self._only(line)
            probability = float(probabilities[0])
            if probability < self._threshold:
                return Answer(None, probability, LOW_CONFIDENCE)
            return Answer(_spoken(labels[0]), probability)
        return self._voted(line)

    def _voted(self, line: str) -> Answer:
        votes: list[str | None] = []
        given: list[float] = []
        for model in self._models:
            labels, probabilities = model.predict(line)
            given.append(float(probabilities[0]))
            votes.append(_spoken(labels[0]) if given[-1] >= self._threshold else None)
        named = {language for language in votes if language is not None}
        if not named:
            return Answer(None, max(given), LOW_CONFIDENCE)
        standing = [language for language in named if self._stands(language, votes)]
        if len(standing) != 1:
            return Answer(None, max(given), DISPUTED)
        return Answer(standing[0], min(p for p, vote in zip(given, votes, strict=True) if vote == standing[0]))

    def _stands(self, language: str, votes: Sequence[str | None]) -> bool:
        voters = zip(self._models, votes, strict=True)
        return all(vote == language or language not in model.languages for model, vote in voters)


@cache
def _spoken(label: str) -> str:
    """The language of a label: its code, with both scripts of Chinese as one."""
    code = code_of(label)
    return "zh" if code in CHINESE else code


def _loaded(path: Path) -> Model:
    try:
        import fasttext  # type: ignore[import-untyped, unused-ignore]
    except ImportError as e:
        raise UsageError("identifying languages needs fastText: pip install 'xlmr_bench[corpus]'.") from e
    languages = frozenset(map(_spoken, labels_of(path)))
    try:
        with redirect_stderr(io.StringIO()):  # other packages of the same name print a warning
            model = fasttext.load_model(str(path))
    except (ValueError, MemoryError) as e:
        raise DataError(f"{path}: fastText cannot load it ({e}). Download it again.") from e
    return Model(model.predict, languages)
