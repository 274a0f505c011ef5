"""The miniature's tokenizer, and a cache of encoded data that every test begins empty."""

from __future__ import annotations

from pathlib import Path

import pytest

from xlmr_bench.miniature import miniature_folder
from xlmr_bench.modeling.tokenizer import SentencePieceTokenizer, load_sentencepiece


@pytest.fixture(scope="session")
def tokenizer() -> SentencePieceTokenizer:
    """Real pieces: common words are one, names several, a zero-width character none."""
    return load_sentencepiece(miniature_folder() / "sentencepiece.bpe.model")


@pytest.fixture(autouse=True)
def cache(tokenizer: SentencePieceTokenizer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where encoded arrays go; the miniature itself was found before, in the usual cache."""
    monkeypatch.setenv("XLMR_BENCH_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "encoded"
