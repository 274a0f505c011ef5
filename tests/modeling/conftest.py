"""A small SentencePiece model, small XLM-R weights with nothing left at its initial value, and folders of them."""

from __future__ import annotations

import io
import itertools
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from fairseq_release import names_of_2019, settings, write
from torch import Tensor

from xlmr_bench.modeling.checkpoint import save_checkpoint
from xlmr_bench.modeling.config import EncoderConfig
from xlmr_bench.modeling.hf_tokenizer import read_pieces
from xlmr_bench.modeling.names import shapes

RandomState = Callable[..., dict[str, Tensor]]
os.environ["HF_HUB_OFFLINE"] = "1"  # before transformers is imported: these tests never need the network

_SYLLABLES = ("ba", "do", "ki", "lu", "mé", "no", "ra", "shi", "tü", "ve", "中", "文", "щи", "жё", "ة", "ك")


@pytest.fixture(scope="session")
def spm_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A unigram SentencePiece model of 200 pieces with XLM-R's ids, named as in a checkpoint folder."""
    import sentencepiece

    words = ["".join(parts) for parts in itertools.product(_SYLLABLES, repeat=3)]
    # A fixed stride visits every word in an order that mixes the syllables.
    lines = [" ".join(words[(7 * i + 331 * j) % len(words)] for j in range(6)) for i in range(len(words))]
    content = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(lines),
        model_writer=content,
        model_type="unigram",
        vocab_size=200,
        unk_id=0,
        bos_id=1,
        eos_id=2,
        pad_id=-1,
        character_coverage=1.0,
        num_threads=1,
        minloglevel=2,
    )
    path = tmp_path_factory.mktemp("spm") / "sentencepiece.bpe.model"
    path.write_bytes(content.getvalue())
    return path


@pytest.fixture(scope="session")
def tiny() -> EncoderConfig:
    """A configuration whose every value differs from the default, for a vocabulary of 200 pieces."""
    return EncoderConfig(
        vocab_size=202,
        hidden_size=48,
        num_hidden_layers=2,
        num_attention_heads=3,
        intermediate_size=80,
        max_position_embeddings=66,
        layer_norm_eps=1e-6,
        hidden_dropout_prob=0.05,
        attention_probs_dropout_prob=0.15,
        initializer_range=0.03,
    )


@pytest.fixture(scope="session")
def random_state() -> RandomState:
    """`random_state(config, head, classes=3, dense=True)`: a state dict of ours, every number of it drawn."""

    def make(config: EncoderConfig, head: str | None, classes: int = 3, dense: bool = True) -> dict[str, Tensor]:
        generator = torch.Generator().manual_seed(11)
        expected = shapes(config, head, classes=classes, dense=dense)
        return {name: torch.randn(shape, generator=generator) * 0.2 for name, shape in expected.items()}

    return make


@pytest.fixture
def mlm_folder(tmp_path: Path, tiny: EncoderConfig, random_state: RandomState, spm_file: Path) -> Path:
    """A saved MLM checkpoint that a test may damage."""
    out = tmp_path / "model"
    state = random_state(tiny, "mlm")
    save_checkpoint(out, tiny, state, spm_file, kind="mlm", labels=None, provenance={"run": "test"})
    return out


@pytest.fixture
def loose_folder(mlm_folder: Path) -> Path:
    """The same folder without provenance: as Hugging Face leaves one."""
    (mlm_folder / "provenance.json").unlink()
    return mlm_folder


@pytest.fixture
def fairseq_config(tiny: EncoderConfig) -> EncoderConfig:
    """`tiny` with the one epsilon that fairseq has, and 64 dimensions a head for the fallback."""
    return replace(tiny, layer_norm_eps=1e-5, hidden_size=128, num_attention_heads=2, initializer_range=0.02)


@pytest.fixture
def fairseq_state(fairseq_config: EncoderConfig, random_state: RandomState) -> dict[str, Tensor]:
    return random_state(fairseq_config, "mlm")


@pytest.fixture
def released(tmp_path: Path, fairseq_state: dict[str, Tensor], spm_file: Path) -> Path:
    """`fairseq_state` as fairseq wrote XLM-R, with its vocabulary."""
    folder = tmp_path / "released"
    folder.mkdir()
    (folder / "sentencepiece.bpe.model").write_bytes(spm_file.read_bytes())
    pieces = [piece for piece, _ in read_pieces(spm_file)]
    (folder / "dict.txt").write_text("".join(f"{piece} 1\n" for piece in pieces[4:-1]), encoding="utf-8")
    write(folder, names_of_2019(fairseq_state), settings())
    return folder


@pytest.fixture(scope="session")
def hf_folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A random small model of each kind with its tokenizer, as `save_pretrained` leaves them."""
    from transformers_models import save_models  # skips where transformers is missing

    return save_models(tmp_path_factory.mktemp("hf"))


@pytest.fixture
def bert(hf_folders: dict[str, Path], tmp_path: Path) -> Path:
    """A copy of the BERT folder to break."""
    for file in hf_folders["bert"].iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    return tmp_path
