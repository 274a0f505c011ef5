"""The tokenizer files that Hugging Face reads beside `sentencepiece.bpe.model`.

Transformers 5 builds its XLM-R tokenizer from the SentencePiece model only where protobuf is installed;
`tokenizer.json` spares users that. It says the same: the same pieces, scores and normalisation, even where the model
was trained as BPE, which XLM-R's was not.
"""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

from ..errors import DataError
from .config import BOS_ID, EOS_ID
from .tokenizer import WORD_MARK, load_sentencepiece

# Fields of ModelProto and NormalizerSpec:
# https://github.com/google/sentencepiece/blob/master/src/sentencepiece_model.proto
_NORMALIZER_SPEC, _PRECOMPILED_CHARSMAP = 3, 2
_TRAINER_SPEC, _MODEL_TYPE, _BPE = 2, 3, 2
_NAMED = {
    **{f"{name}_token": token for name, token in (("bos", "<s>"), ("cls", "<s>"), ("eos", "</s>"), ("sep", "</s>"))},
    **{f"{name}_token": f"<{name}>" for name in ("unk", "pad", "mask")},
}
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


def read_pieces(tokenizer_file: Path) -> list[tuple[str, float]]:
    """Pieces and scores in the order of XLM-R's ids, from `<s>` (0) to `<mask>`; raises DataError."""
    from sentencepiece import SentencePieceProcessor

    load_sentencepiece(tokenizer_file)  # refuses what is not laid out like XLM-R's
    processor = SentencePieceProcessor(model_file=str(tokenizer_file))
    pieces = [(processor.id_to_piece(i), processor.get_score(i)) for i in range(3, processor.get_piece_size())]
    return [("<s>", 0.0), ("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), *pieces, ("<mask>", 0.0)]


def write_hf_tokenizer(folder: Path, tokenizer_file: Path, max_tokens: int) -> None:
    """Write `tokenizer.json` and `tokenizer_config.json` for a model of at most `max_tokens` tokens."""
    model = tokenizer_file.read_bytes()
    bpe = _number(_field(model, _TRAINER_SPEC), _MODEL_TYPE) == _BPE
    content = tokenizer_json(read_pieces(tokenizer_file), _charsmap(model), bpe=bpe)
    # The class of XLM-R makes a unigram model of whatever it finds; the general one takes the file as it is.
    general = {"tokenizer_class": "PreTrainedTokenizerFast", **_NAMED}
    config = {**(general if bpe else {"tokenizer_class": "XLMRobertaTokenizer"}), "model_max_length": max_tokens}
    for name, value in (("tokenizer.json", content), ("tokenizer_config.json", config)):
        (folder / name).write_text(json.dumps(value, ensure_ascii=False), encoding="utf-8", newline="\n")


def tokenizer_json(pieces: list[tuple[str, float]], charsmap: bytes, *, bpe: bool = False) -> dict[str, Any]:
    """The `tokenizer.json` of an XLM-R vocabulary; `charsmap` is SentencePiece's compiled normalisation."""
    ids = {piece: i for i, (piece, _) in enumerate(pieces)}
    word_mark = {"type": "Metaspace", "replacement": WORD_MARK, "prepend_scheme": "always", "split": True}
    begin, end = ({"SpecialToken": {"id": token, "type_id": 0}} for token in ("<s>", "</s>"))
    a, b = ({"Sequence": {"id": letter, "type_id": 0}} for letter in "AB")
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [_special(token, ids[token]) for token in ("<s>", "<pad>", "</s>", "<unk>", "<mask>")],
        "normalizer": {"type": "Precompiled", "precompiled_charsmap": base64.b64encode(charsmap).decode()}
        if charsmap
        else None,
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": [{"type": "WhitespaceSplit"}, word_mark]},
        "post_processor": {
            "type": "TemplateProcessing",
            "single": [begin, a, end],
            "pair": [begin, a, end, end, b, end],
            "special_tokens": {
                token: {"id": token, "ids": [i], "tokens": [token]} for token, i in (("<s>", BOS_ID), ("</s>", EOS_ID))
            },
        },
        "decoder": word_mark,
        "model": _bpe(ids, pieces)
        if bpe
        else {"type": "Unigram", "unk_id": ids["<unk>"], "vocab": pieces, "byte_fallback": False},
    }


def _bpe(ids: dict[str, int], pieces: list[tuple[str, float]]) -> dict[str, Any]:
    """The BPE model whose merges give SentencePiece's pieces: the best score first, of equal ones the leftmost."""
    merges = [
        (-score, ids[piece[:i]], ids[piece[i:]], [piece[:i], piece[i:]])
        for piece, score in pieces
        for i in range(1, len(piece))
        if piece[:i] in ids and piece[i:] in ids
    ]
    ordered = [pair for *_, pair in sorted(merges)]
    return {"type": "BPE", "vocab": ids, "merges": ordered, "unk_token": "<unk>", "fuse_unk": True}


def _special(token: str, token_id: int) -> dict[str, Any]:
    flags = {"single_word": False, "lstrip": token == "<mask>", "rstrip": False, "normalized": False, "special": True}
    return {"id": token_id, "content": token, **flags}


def _charsmap(model: bytes) -> bytes:
    """The compiled normalisation inside a SentencePiece model; empty where it has none."""
    return _field(_field(model, _NORMALIZER_SPEC), _PRECOMPILED_CHARSMAP)


def _field(message: bytes, wanted: int) -> bytes:
    """The first bytes field numbered `wanted` of a protobuf message."""
    found = _first(message, wanted, _BYTES)
    return found if isinstance(found, bytes) else b""


def _number(message: bytes, wanted: int) -> int:
    """The first integer field numbered `wanted` of a protobuf message; 0 where there is none."""
    found = _first(message, wanted, _VARINT)
    return found if isinstance(found, int) else 0


def _first(message: bytes, wanted: int, wanted_kind: int) -> bytes | int | None:
    position = 0
    while position < len(message):
        key, position = _varint(message, position)
        number, kind = key >> 3, key & 7
        if kind == _BYTES:
            length, position = _varint(message, position)
            if (number, kind) == (wanted, wanted_kind):
                return message[position : position + length]
            position += length
        elif kind == _VARINT:
            value, position = _varint(message, position)
            if (number, kind) == (wanted, wanted_kind):
                return value
        elif kind in (_FIXED64, _FIXED32):
            position += 8 if kind == _FIXED64 else 4
        else:
            raise DataError(f"the SentencePiece model holds a field of unknown kind {kind}. Fetch or train it again.")
    return None


def _varint(message: bytes, position: int) -> tuple[int, int]:
    """A variable-length integer and the position after it."""
    value = shift = 0
    while True:
        byte = message[position]
        value |= (byte & 0x7F) << shift
        position, shift = position + 1, shift + 7
        if byte < 0x80:
            return value, position
