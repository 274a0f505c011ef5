"""How well a language model predicts a document: cc_net's perplexity, by SentencePiece pieces and KenLM 5-grams.

Lines are normalised, cut into pieces and scored one by one. Perplexity is 10 to the power of minus the sum of their
log10 probabilities by the number of pieces, where a line's end counts as one. Low means text like the model's.

The code that cc_net released deletes line feeds when it normalises, so that a document is one line there and words at
the ends of lines are joined; a folder opened with `whole_documents` is scored so, for its published cut-offs.
"""

from __future__ import annotations

import sys
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xlmr_bench.errors import DataError, MissingData, UsageError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

PIECES, MODEL = ".sp.model", ".arpa.bin"  # cc_net's names
# Longer lines are scored in parts, so that memory does not grow with them.
LONGEST_PART = 20_000
_SPACE_WITHIN = 1000
_TRAIN = "Train both with `python -m pretrain corpus models`, or fetch cc_net's"
_EXTRA = "perplexity needs KenLM: pip install 'xlmr_bench[corpus]'."
_PUNCTUATION = {
    **dict.fromkeys("„”“«»」「《》", '"'),
    **dict.fromkeys("，、", ","), **dict.fromkeys("´’", "'"), **dict.fromkeys("∶：", ":"), **dict.fromkeys("–━►", "-"),
    "。": ".", "．": ". ", "…": "...", "—": " - ", "？": "?", "！": "!", "（": "(", "）": ")", "；": ";", "～": "~",
    "〈": "<", "〉": ">", "【": "[", "】": "]", "％": "%",
}  # fmt: skip


# What becomes several characters, which a table cannot hold: also two vowel signs of parts, one of which counts as an
# accent.
_LONGER = {**{character: text for character, text in _PUNCTUATION.items() if len(text) > 1},
           "\N{KANNADA VOWEL SIGN OO}": "\u0cc2\u0cd5",
           "\N{SINHALA VOWEL SIGN KOMBUVA HAA DIGA AELA-PILLA}": "\u0dd9\u0dcf"}  # fmt: skip


def normalised_for_lm(line: str) -> str:
    """In lower case, without accents and control characters, digits as 0, Unicode's punctuation as ASCII's.

    cc_net leaves what had no accent, such as Hangul, decomposed (NFD). Here it stays composed: SentencePiece's own
    normalisation (`nmt_nfkc`) composes it again, so that the pieces are the same.
    """
    return _normalised(line.strip()).replace("\n", "")


def _normalised(text: str) -> str:
    """The text of several lines, as `normalised_for_lm` each of them."""
    import numpy as np

    text = text.lower()
    if text.isascii():
        return text.translate(_ascii())
    for character, longer in _LONGER.items():
        text = text.replace(character, longer)
    # `str.translate` looks every character up in a dictionary; this takes a fifth of its time.
    mapped = _characters()[np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.dtype("<u4"))]
    kept: bytes = mapped[mapped != 0].tobytes()
    return kept.decode("utf-32-le", "surrogatepass")


@cache
def _characters() -> NDArray[np.uint32]:
    """What becomes of a lower-case character, by code point; 0 where it goes."""
    import numpy as np

    return np.array([_plain(chr(point)) for point in range(sys.maxunicode + 1)], np.dtype("<u4"))


@cache
def _ascii() -> dict[int, int | None]:
    return {point: _plain(chr(point)) or None for point in range(128)}


def _plain(character: str) -> int:
    if character == "\n":
        return ord(character)
    if unicodedata.decomposition(character):
        kept = [c for c in unicodedata.normalize("NFD", character) if unicodedata.category(c) != "Mn"]
        if len(kept) != 1:  # compositions without accents, or accents alone
            return ord(character) if kept else 0
        (character,) = kept
    category = unicodedata.category(character)
    if category in ("Mn", "Cc"):
        return 0
    return ord("0") if category == "Nd" else ord(_PUNCTUATION.get(character, character)[0])


@dataclass(frozen=True)
class _Pair:
    """A language's SentencePiece model and KenLM model."""

    language: str
    pieces: Any
    model: Any
    space: bytes | str  # of the kind in which SentencePiece hands out pieces

    def log10(self, lines: Iterable[str]) -> tuple[float, int]:
        """The logarithm of the probability of lines and their ends, and how many pieces and ends they are."""
        encode, score, space, kind = self.pieces.encode, self.model.score, self.space, type(self.space)
        total, count = 0.0, 0
        for line in lines:
            pieces = encode(line, out_type=kind)
            total += score(space.join(pieces))
            count += len(pieces) + 1
        return total, count


class LanguageModels:
    """The models of a folder, `LANG.sp.model` and `LANG.arpa.bin`; those of the language in use are in memory.

    Raises DataError for a folder that is not there, holds no models, or lacks one of a pair.
    """

    def __init__(self, folder: Path, whole_documents: bool = False) -> None:
        self._folder = folder
        self._whole_documents = whole_documents
        self.languages = _languages(folder)
        self._pair: _Pair | None = None

    def perplexity(self, language: str, text: str) -> float:
        """Of a document in a language among `languages`; raises DataError where its models are damaged."""
        pair = self._of(language)
        normalised = _normalised(text)
        lines = [normalised.replace("\n", "")] if self._whole_documents else normalised.split("\n")
        if len(text) > LONGEST_PART:
            lines = list(_parts(lines))
        # Blank lines have nothing to predict. A document of nothing else is one empty line.
        log10, pieces = pair.log10([line for line in lines if line and not line.isspace()] or [""])
        return float(10.0 ** (-log10 / pieces))

    def _of(self, language: str) -> _Pair:
        if self._pair is None or self._pair.language != language:
            self._pair = None  # before the next is read
            self._pair = _loaded(self._folder, language)
        return self._pair


def _parts(lines: list[str]) -> Iterator[str]:
    for line in lines:
        while len(line) > LONGEST_PART:
            space = line.rfind(" ", LONGEST_PART - _SPACE_WITHIN, LONGEST_PART)
            cut = space + 1 if space >= 0 else LONGEST_PART
            yield line[:cut]
            line = line[cut:]
        yield line


def _languages(folder: Path) -> frozenset[str]:
    try:
        names = {path.name for path in folder.iterdir()}
    except FileNotFoundError as e:
        raise MissingData(f"no folder of language models at {folder}. {_TRAIN} into it.") from e
    except OSError as e:
        raise DataError(f"cannot read the language models in {folder}: {e.strerror or e}. Check the path.") from e
    found = {half: {n.removesuffix(half) for n in names if n.endswith(half)} for half in (PIECES, MODEL)}
    for half, other in ((PIECES, MODEL), (MODEL, PIECES)):
        for language in sorted(found[other] - found[half]):
            raise MissingData(f"{folder} holds {language}{other} without {language}{half}. {_TRAIN}, or remove it.")
    if not found[MODEL]:
        raise MissingData(f"{folder} holds no language models (LANG{PIECES}, LANG{MODEL}). {_TRAIN} into it.")
    return frozenset(found[MODEL])


def _loaded(folder: Path, language: str) -> _Pair:
    import sentencepiece

    try:
        import kenlm  # type: ignore[import-not-found, import-untyped, unused-ignore]
    except ImportError as e:
        raise UsageError(_EXTRA) from e
    config = kenlm.Config()
    config.load_method = kenlm.LoadMethod.LAZY  # mapped: pages that are not needed are not read, others are shared
    config.show_progress = False
    config.arpa_complain = kenlm.ARPALoadComplain.NONE
    path = folder / f"{language}{PIECES}"
    try:
        content = path.read_bytes()
        if not content:
            raise ValueError("the file is empty")
        pieces = sentencepiece.SentencePieceProcessor(model_proto=content)
        path = folder / f"{language}{MODEL}"
        model = kenlm.Model(str(path), config)
    except (OSError, RuntimeError, ValueError) as e:
        reason = " ".join(str(e).split())
        raise DataError(f"{path} cannot be loaded: damaged or cut short ({reason}). {_TRAIN} again.") from e
    return _Pair(language, pieces, model, _space(pieces))


def _space(pieces: Any) -> bytes | str:
    """KenLM wants bytes: text would be decoded for nothing. SentencePiece before 0.2.3 has only text."""
    try:
        pieces.encode("", out_type=bytes)
    except (RuntimeError, ValueError):
        return " "
    return b" "
