"""Text to token ids and back, with exact character offsets into the text as it was given.

XLM-R's ids are those of fairseq: piece i of the SentencePiece model is id i + 1, except that `<unk>` (piece 0) is 3;
`<s>` 0, `<pad>` 1, `</s>` 2 stand before the pieces and `<mask>` after them.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Protocol

from sentencepiece import SentencePieceProcessor

from ..errors import DataError
from .config import BOS_ID, EOS_ID, PAD_ID, UNK_ID

WORD_MARK = "▁"
# A batch call starts threads, which costs more than encoding a few words does.
_SMALL_BATCH = 64
_SURROGATES = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True)
class Pieces:
    """The pieces of one text: ids, and the characters [start, end) of the original text that each came from.

    Starts and ends never decrease. A piece that is only a word mark is empty (start == end). Pieces made from one
    character (`㎏` -> `k`, `g`) all carry that character's span.
    """

    ids: list[int]
    starts: list[int]
    ends: list[int]


class Tokenizer(Protocol):
    """What the rest of the package asks of a tokenizer. An input is `prefix a suffix` or `prefix a middle b suffix`.

    `digest` is the hex SHA-256 of whatever determines the output; `vocab_size` counts special tokens too. Special
    tokens never come out of text: a literal `<mask>` is encoded as the characters it is written with.
    """

    @property
    def digest(self) -> str: ...
    @property
    def vocab_size(self) -> int: ...
    @property
    def pad_id(self) -> int: ...
    @property
    def mask_id(self) -> int | None: ...
    @property
    def prefix(self) -> tuple[int, ...]: ...
    @property
    def middle(self) -> tuple[int, ...]: ...
    @property
    def suffix(self) -> tuple[int, ...]: ...

    def encode_batch(self, texts: Sequence[str]) -> list[list[int]]:
        """Ids of each text, without special tokens."""
        ...

    def encode_with_offsets(self, text: str) -> Pieces:
        """Ids of one text with the characters each came from, without special tokens."""
        ...

    def encode_words(self, words: Sequence[str]) -> tuple[list[int], list[int]]:
        """Ids of words encoded one by one, and for each id the index of its word; every word has at least one id."""
        ...


class SentencePieceTokenizer:
    """XLM-R's tokenizer; build it with `load_sentencepiece`.

    A lone surrogate (half of a character, as broken JSON escapes leave behind) counts as U+FFFD, which SentencePiece's
    default normalisation turns into a space: one damaged line must not stop a corpus, and offsets stay exact.
    """

    pad_id = PAD_ID
    prefix, middle, suffix = (BOS_ID,), (EOS_ID, EOS_ID), (EOS_ID,)

    def __init__(self, processor: SentencePieceProcessor, digest: str, num_threads: int) -> None:
        self.digest = digest
        self.vocab_size: int = processor.get_piece_size()
        self.mask_id: int = self.vocab_size - 1
        self._processor = processor
        self._num_threads = num_threads
        self._vanishing: dict[str, bool] = {}

    def encode_batch(self, texts: Sequence[str]) -> list[list[int]]:
        """Ids of each text, without special tokens; in parallel over the texts."""
        batch = list(texts)
        try:
            return self._encode(batch)
        except (TypeError, RuntimeError, UnicodeError):  # what SentencePiece raises at a lone surrogate
            return self._encode([without_surrogates(t) for t in batch])

    def encode_with_offsets(self, text: str) -> Pieces:
        """Ids of one text with the characters each came from, without special tokens.

        SentencePiece's own offsets count the space before a word as part of it, and give the first pieces of an
        expanded character an empty span; these do neither. `▁` written in the text is a space, as it is to the model.
        """
        text = without_surrogates(text)
        normalised, origins = self._processor.normalize(text, with_offsets=True)
        lengths = map(len, self._processor.encode(text, out_type=str))
        bounds = list(accumulate(lengths, initial=0))
        if bounds[-1] != len(normalised):
            raise DataError(
                "the SentencePiece model's pieces do not add up to its normalised text; offsets are unknown"
            )
        starts: list[int] = []
        ends: list[int] = []
        for first, stop in pairwise(bounds):
            start, end = self._source(text, normalised, origins, first, stop)
            starts.append(start)
            ends.append(max(end, ends[-1]) if ends else end)
        return Pieces(self._processor.encode(text), starts, ends)

    def encode_words(self, words: Sequence[str]) -> tuple[list[int], list[int]]:
        """Ids of words encoded one by one, as in the authors' tagging code, and for each id the index of its word.

        The first piece of word w is the first id whose index is w. A word without pieces (a zero-width character)
        gets `<unk>`, so that no gold tag loses its place.
        """
        return join_words(self.encode_batch(words), UNK_ID)

    def decode(self, ids: Sequence[int]) -> str:
        """The normalised text of ids; special tokens vanish and `<unk>` reads ` ⁇ `."""
        wrong = next((i for i in ids if not 0 <= i < self.vocab_size), None)
        if wrong is not None:
            raise DataError(f"token id {wrong} is not in the vocabulary: ids run from 0 to {self.vocab_size - 1}")
        text: str = self._processor.decode([int(i) for i in ids])
        return text

    def _encode(self, texts: list[str]) -> list[list[int]]:
        if len(texts) < _SMALL_BATCH:
            return [self._processor.encode(t) for t in texts]
        ids: list[list[int]] = self._processor.encode(texts, num_threads=self._num_threads)
        return ids

    def _source(self, text: str, normalised: str, origins: list[int], first: int, stop: int) -> tuple[int, int]:
        """The span of `text` behind `normalised[first:stop]`; `origins` maps normalised to original positions."""
        while first < stop and normalised[first] == WORD_MARK:
            first += 1
        start = origins[first]
        if first == stop:
            return start, start
        # All characters of an expansion have the origin of the expanded one: its end is the next larger origin.
        after = stop
        while after + 1 < len(origins) and origins[after] == origins[stop - 1]:
            after += 1
        end = origins[after]
        while end - 1 > start and self._vanishes(text[end - 1]):
            end -= 1
        return start, end

    def _vanishes(self, character: str) -> bool:
        """Whether the normaliser leaves nothing of a character: spaces, control and zero-width characters."""
        known = self._vanishing.get(character)
        if known is None:
            known = self._vanishing[character] = not self._processor.normalize(character)
        return known


def load_sentencepiece(path: Path, num_threads: int = -1) -> SentencePieceTokenizer:
    """Load an XLM-R SentencePiece model; `num_threads` encode a batch (-1: one a core).

    Raises DataError where the file is missing, damaged, or numbers its pieces differently from XLM-R's.
    """
    try:
        content = path.read_bytes()
    except OSError as e:
        raise DataError(f"{path}: cannot read the SentencePiece model: {e.strerror or e}. Check the path.") from e
    try:
        processor = SentencePieceProcessor(model_proto=_with_xlmr_ids(content))
        named = [processor.id_to_piece(i) for i in (UNK_ID, BOS_ID, EOS_ID)] == ["<unk>", "<s>", "</s>"]
    except (ValueError, RuntimeError, LookupError) as e:
        raise _refusal(path, content) from e
    if not (named and processor.is_unknown(UNK_ID) and processor.is_control(BOS_ID) and processor.is_control(EOS_ID)):
        raise _refusal(path, content)
    if processor.is_byte(UNK_ID + 1):
        raise DataError(
            f"{path}: the model falls back to bytes, which XLM-R's does not. Train it without byte_fallback."
        )
    return SentencePieceTokenizer(processor, hashlib.sha256(content).hexdigest(), num_threads)


def join_words(encoded: Sequence[list[int]], unk_id: int) -> tuple[list[int], list[int]]:
    """Concatenate the ids of words, with the index of its word beside each id; an empty word becomes `unk_id`."""
    ids: list[int] = []
    word_index: list[int] = []
    for word, pieces in enumerate(encoded):
        ids += pieces or [unk_id]
        word_index += [word] * max(len(pieces), 1)
    return ids, word_index


def without_surrogates(text: str) -> str:
    """The text with lone surrogates as U+FFFD, character for character."""
    return _SURROGATES.sub("\ufffd", text)


def _refusal(path: Path, content: bytes) -> DataError:
    """Why a model cannot be given XLM-R's ids."""
    try:
        if not content:
            raise ValueError("empty")
        raw = SentencePieceProcessor(model_proto=content)
        pieces = ", ".join(repr(raw.id_to_piece(i)) for i in range(3))
    except (ValueError, RuntimeError, LookupError):
        return DataError(f"{path}: not a SentencePiece model, or a damaged one. Fetch or train it again.")
    return DataError(
        f"{path}: pieces 0, 1, 2 are {pieces}; XLM-R's layout has '<unk>', '<s>', '</s>' and no '<pad>' or '<mask>'. "
        "Train it with unk_id=0, bos_id=1, eos_id=2, pad_id=-1, or give another model as hf:FOLDER."
    )


def _with_xlmr_ids(model: bytes) -> bytes:
    """The model with its pieces in the order of XLM-R's ids, so that SentencePiece itself counts like XLM-R.

    Renumbering afterwards would cost up to half as much as encoding. The pieces are the entries of field 1 of the
    ModelProto message, in order: the first three are moved, `<pad>` and `<mask>` are added as control pieces.
    https://github.com/google/sentencepiece/blob/master/src/sentencepiece_model.proto
    """
    entries, position = [], 0
    for _ in range(3):
        stop = _end_of_field(model, position)
        entries.append(model[position:stop])
        position = stop
    unk, bos, eos = entries
    return b"".join((bos, _control_piece("<pad>"), eos, unk, model[position:], _control_piece("<mask>")))


def _end_of_field(model: bytes, position: int) -> int:
    """Where the length-prefixed entry of field 1 that begins at `position` ends."""
    if model[position] != 0x0A:  # field 1, length-prefixed
        raise ValueError("not a piece")
    length, shift, byte = 0, 0, 0x80
    while byte & 0x80:
        position += 1
        byte = model[position]
        length |= (byte & 0x7F) << shift
        shift += 7
    return position + 1 + length


def _control_piece(text: str) -> bytes:
    """A ModelProto piece that text never yields (type CONTROL = 3), with score 0."""
    name = text.encode()
    body = bytes([0x0A, len(name)]) + name + bytes([0x18, 3])
    return bytes([0x0A, len(body)]) + body
