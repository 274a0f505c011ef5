"""Vocabularies of a wanted size: trained on real text, XLM-R's own, or the miniature's filled up with unused pieces."""

from __future__ import annotations

import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from xlmr_bench.cache import cache_folder
from xlmr_bench.files import atomic_path
from xlmr_bench.miniature import miniature_folder
from xlmr_bench.modeling.tokenizer import load_sentencepiece

from .machine import REPOSITORY

XLMR_PIECES = 250_000
_CONLL = "en,de,es,nl"
# Codes of the private use area: no text holds them, so the pieces are never used.
_PRIVATE, _CODES = 0xE000, 6400
_UNUSED_SCORE = -1e6


def vocabulary(size: int, data: Path | None) -> tuple[Path, str]:
    """A SentencePiece model whose embedding has about `size` rows, and in words what it is."""
    if data is None:
        return _kept(
            f"filled-{size}-{miniature_folder().name}", lambda path: _fill(path, size)
        ), f"the miniature's, filled up to {size:,}"
    if size == XLMR_PIECES:
        return data / "tokenizer" / "xlmr.sentencepiece.bpe.model", "XLM-R's"
    languages = _CONLL if size <= 8_000 else "all"
    path = _kept(f"bpe-{size}", lambda target: _train(data, target, size, languages))
    described = "the four languages of CoNLL" if languages == _CONLL else "79 languages"
    return path, f"BPE of {size:,} pieces trained on sentences in {described}"


def _kept(name: str, make: Callable[[Path], None]) -> Path:
    path = cache_folder() / "performance" / "vocabularies" / name / "sentencepiece.bpe.model"
    if not path.is_file():
        with atomic_path(path.parent) as folder:
            folder.mkdir()
            make(folder / path.name)
    return path


def _train(data: Path, target: Path, size: int, languages: str) -> None:
    words = [sys.executable, "-m", "pretrain", "vocab", str(data / "text" / "lingua_sentences"), str(target)]
    options = ["--type", "bpe", "--size", str(size), "--threads", "1"]
    if languages != "all":
        options += ["--languages", languages]
    done = subprocess.run([*words, *options], cwd=REPOSITORY, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"training a vocabulary of {size:,} failed:\n{done.stderr[-2000:]}")


def _fill(target: Path, size: int) -> None:
    """The miniature's model with unused pieces behind its own; a repeated field is lengthened by appending to it."""
    model = (miniature_folder() / "sentencepiece.bpe.model").read_bytes()
    target.write_bytes(model)
    missing = size - load_sentencepiece(target).vocab_size
    target.write_bytes(model + b"".join(_piece(i) for i in range(missing)))


def _piece(number: int) -> bytes:
    """Field 1 of SentencePiece's ModelProto: the piece (1) and its score (2)."""
    text = (chr(_PRIVATE + number // _CODES) + chr(_PRIVATE + number % _CODES)).encode()
    content = b"\x0a" + bytes([len(text)]) + text + b"\x15" + struct.pack("<f", _UNUSED_SCORE)
    return b"\x0a" + bytes([len(content)]) + content
