"""A Hugging Face tokenizer behind the interface of our own; see `transformers_backbone.py`."""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Sequence
from itertools import accumulate, groupby, repeat
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from ..errors import DataError, UsageError
from ..files import digest_of, sha256_of
from .tokenizer import WORD_MARK, Pieces, join_words, without_surrogates


class TransformersTokenizer:
    """A Hugging Face tokenizer as our `Tokenizer`: special tokens are framed by us and never come out of text."""

    def __init__(self, tokenizer: Any, where: str) -> None:
        if len(tokenizer) <= len(tokenizer.all_special_ids):  # what transformers makes of a folder without one
            raise DataError(f"{where}: no tokenizer there. Save it beside the weights: tokenizer.save_pretrained(...).")
        if tokenizer.pad_token_id is None or tokenizer.unk_token_id is None:
            raise DataError(f"{where}: its tokenizer lacks a padding or an unknown token; encoders have both.")
        self.vocab_size = len(tokenizer)
        self.pad_id: int = tokenizer.pad_token_id
        self.mask_id: int | None = tokenizer.mask_token_id
        self._unk_id: int = tokenizer.unk_token_id
        self.prefix, self.middle, self.suffix = _frame(tokenizer, where)
        self._tokenizer = tokenizer
        # The backend alone: the Python layer around it costs time, warns of long texts, and cuts or pads at will.
        self._backend = tokenizer.backend_tokenizer if tokenizer.is_fast else None
        if self._backend is not None:
            self._backend.no_truncation()
            self._backend.no_padding()
            self._backend.encode_special_tokens = True  # a written "[SEP]" is text
        self.digest = self._digest()

    def encode_batch(self, texts: Sequence[str]) -> list[list[int]]:
        """Ids of each text, without special tokens."""
        clean = [without_surrogates(t) for t in texts]
        if self._backend is not None:
            return [e.ids for e in self._backend.encode_batch_fast(clean, add_special_tokens=False)]
        tokens = (self._tokenizer.tokenize(t, split_special_tokens=True) for t in clean)
        return [self._tokenizer.convert_tokens_to_ids(t) for t in tokens]

    def encode_with_offsets(self, text: str) -> Pieces:
        """Ids of one text with the characters each came from; spaces and lone word marks belong to no piece.

        Raises UsageError where the tokenizer is written in Python and keeps no offsets (XLM's).
        """
        if self._backend is None:
            raise UsageError(
                f"{type(self._tokenizer).__name__} does not say which characters a token came from, so it cannot find "
                "answers in a text. Use a model with a fast tokenizer for this benchmark."
            )
        encoding = self._backend.encode(without_surrogates(text), add_special_tokens=False)
        following = [start for start, _ in encoding.offsets[1:]] + [len(text)]
        spans = map(_tight, repeat(text), encoding.tokens, encoding.offsets, following)
        starts, ends = zip(*spans, strict=True) if encoding.ids else ((), ())
        return Pieces(encoding.ids, list(starts), list(accumulate(ends, max)))

    def encode_words(self, words: Sequence[str]) -> tuple[list[int], list[int]]:
        """Ids of words encoded one by one, and for each id the index of its word; a word without pieces gets unk.

        Each word stands after a space, as in running text: byte-level vocabularies (RoBERTa's) tell that apart.
        """
        return join_words(self.encode_batch([" " + word for word in words]), self._unk_id)

    def _digest(self) -> str:
        if self._backend is not None:
            return hashlib.sha256(self._backend.to_str().encode()).hexdigest()
        options = {k: v for k, v in self._tokenizer.init_kwargs.items() if isinstance(v, bool | int)}
        with TemporaryDirectory() as folder:
            files = [sha256_of(Path(f)) for f in sorted(self._tokenizer.save_vocabulary(folder))]
        return digest_of([type(self._tokenizer).__name__, files, self._tokenizer.get_vocab(), options])


def _frame(tokenizer: Any, where: str) -> tuple[tuple[int, ...], ...]:
    """The special tokens before, between and after a pair of texts, read off an encoded pair."""
    pair = tokenizer("a", "b", return_special_tokens_mask=True)
    marked = zip(pair["special_tokens_mask"], pair["input_ids"], strict=True)
    runs = [(bool(special), tuple(i for _, i in run)) for special, run in groupby(marked, key=lambda m: m[0])]
    if [special for special, _ in runs] != [True, False, True, False, True]:
        raise DataError(
            f"{where}: its tokenizer does not write special tokens before, between and after two texts; "
            "classification reads the first of them. Use an encoder of the BERT family."
        )
    return runs[0][1], runs[2][1], runs[4][1]


def _tight(text: str, token: str, span: tuple[int, int], following: int) -> tuple[int, int]:
    """The exact span of a token: without the space before it, with the accents that normalisation composed into it.

    The library gives a lone word mark the first character of the word, and `e` + accent only the `e`.
    """
    start, end = span
    while start < end and text[start].isspace():
        start += 1
    if token == WORD_MARK and text[start:end] != WORD_MARK:
        return start, start
    while start < end < following and unicodedata.combining(text[end]):
        end += 1
    return start, end
