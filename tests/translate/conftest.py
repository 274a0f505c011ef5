"""Tiny random translation models of three families, saved as their makers do, and small originals."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from translation_originals import write_squad

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


@pytest.fixture(scope="session")
def nllb(vocabulary: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """NLLB: M2M-100's architecture with FLORES-200's language tokens."""
    folder = tmp_path_factory.mktemp("models") / "nllb-tiny"
    names = ["<s>", "<pad>", "</s>", "<unk>", *dict.fromkeys("".join(pieces(vocabulary)))]
    tokenizer = transformers.NllbTokenizer(vocab={piece: i for i, piece in enumerate(names)}, merges=[])
    tokenizer.save_pretrained(folder)
    config = transformers.M2M100Config(
        vocab_size=len(tokenizer), max_position_embeddings=200, decoder_start_token_id=2, **SIZE
    )
    return save(transformers.M2M100ForConditionalGeneration, config, folder)


@pytest.fixture
def squad(tmp_path: Path) -> Path:
    """Train and dev of SQuAD."""
    return write_squad(tmp_path / "originals")


Run = Callable[..., list[Path]]


@pytest.fixture
def run(m2m: Path, tmp_path: Path) -> Run:
    """Translate with the tiny M2M-100 into `tmp_path/out`, a few tokens a text."""
    from xlmr_bench.benchmarks.base import Where
    from xlmr_bench.translate import TranslateRequest, translate

    def run(benchmark: str, role: str, languages: str, data: Path, **changed: Any) -> list[Path]:
        wanted = {"model": str(m2m), "out": tmp_path / "out", "beams": 2, "max_new_tokens": 8} | changed
        return translate(TranslateRequest(benchmark, role, tuple(languages.split(",")), Where((data,)), **wanted))

    return run


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """The models are too small for two."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
