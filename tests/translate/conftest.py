"""Tiny random translation models of three families, saved as their makers do, and small originals."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

transformers = pytest.importorskip("transformers", reason="needs the extra `transformers`")

SIZE: dict[str, Any] = {
    "d_model": 32, "encoder_layers": 1, "decoder_layers": 1, "encoder_attention_heads": 2,
    "decoder_attention_heads": 2, "encoder_ffn_dim": 48, "decoder_ffn_dim": 48, "init_std": 0.4,
}  # fmt: skip


@pytest.fixture(scope="session")
def vocabulary() -> Path:
    """The SentencePiece model of the miniature world."""
    from xlmr_bench.miniature import miniature_folder

    return miniature_folder() / "sentencepiece.bpe.model"


@pytest.fixture(scope="session")
def m2m(vocabulary: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """M2M-100: all languages by tokens; sentences of at most 48 tokens."""
    folder = tmp_path_factory.mktemp("models") / "m2m-tiny"
    folder.mkdir()
    ids = {piece: i for i, piece in enumerate(["<s>", "<pad>", "</s>", "<unk>", *pieces(vocabulary)])}
    (folder / "vocab.json").write_text(json.dumps(ids))
    tokenizer = transformers.M2M100Tokenizer(str(folder / "vocab.json"), str(vocabulary))
    tokenizer.save_pretrained(folder)
    config = transformers.M2M100Config(
        vocab_size=len(ids) + 108, max_position_embeddings=48, decoder_start_token_id=2, **SIZE
    )
    return save(transformers.M2M100ForConditionalGeneration, config, folder)


@pytest.fixture(scope="session")
def marian(vocabulary: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """OPUS-MT from English into German, told by its tokenizer's settings."""
    return save_marian(tmp_path_factory.mktemp("models") / "own-en-de", vocabulary, [], "en", "de")


@pytest.fixture(scope="session")
def marian_group(vocabulary: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """OPUS-MT from English into French or Romanian, chosen by a token before the text."""
    return save_marian(
        tmp_path_factory.mktemp("models") / "opus-mt-en-ROMANCE", vocabulary, [">>fr<<", ">>ron<<"], None, None
    )


def save_marian(folder: Path, vocabulary: Path, targets: list[str], source: str | None, target: str | None) -> Path:
    folder.mkdir()
    for name in ("source.spm", "target.spm"):
        (folder / name).write_bytes(vocabulary.read_bytes())
    names = ["</s>", "<unk>", *targets, *pieces(vocabulary), "<pad>"]
    ids = {piece: i for i, piece in enumerate(names)}
    (folder / "vocab.json").write_text(json.dumps(ids))
    settings = {"tokenizer_class": "MarianTokenizer", "source_lang": source, "target_lang": target}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    config = transformers.MarianConfig(
        vocab_size=len(ids), max_position_embeddings=48, pad_token_id=len(ids) - 1, eos_token_id=0,
        decoder_start_token_id=len(ids) - 1, forced_eos_token_id=0, **SIZE,
    )  # fmt: skip
    return save(transformers.MarianMTModel, config, folder)


def save(model_class: Any, config: Any, folder: Path) -> Path:
    import torch

    with torch.random.fork_rng():
        torch.manual_seed(5)
        model = model_class(config)
    model.save_pretrained(folder)
    return folder


def pieces(vocabulary: Path) -> list[str]:
    from sentencepiece import SentencePieceProcessor

    processor = SentencePieceProcessor(model_file=str(vocabulary))
    return [processor.id_to_piece(i) for i in range(3, processor.get_piece_size())]
