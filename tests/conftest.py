"""Shared fixtures. Real benchmark data may not be redistributed: tests that read it skip where it is missing."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real benchmark data: $XLMR_BENCH_SHARED, else ../shared beside the repository."""
    folder = Path(os.environ.get("XLMR_BENCH_SHARED", REPOSITORY.parent / "shared")) / "data"
    if not folder.is_dir():
        pytest.skip(f"real benchmark data are not at {folder}; set XLMR_BENCH_SHARED to test on them")
    return folder


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two layers of 32 units with the miniature's vocabulary, written as a checkpoint folder."""
    import torch

    from xlmr_bench.miniature import miniature_folder
    from xlmr_bench.modeling.checkpoint import save_checkpoint
    from xlmr_bench.modeling.config import EncoderConfig
    from xlmr_bench.modeling.encoder import Encoder, initialise
    from xlmr_bench.modeling.heads import MlmHead
    from xlmr_bench.modeling.tokenizer import load_sentencepiece

    tokenizer = miniature_folder() / "sentencepiece.bpe.model"
    config = EncoderConfig(
        vocab_size=load_sentencepiece(tokenizer).vocab_size, hidden_size=32, num_hidden_layers=2,
        num_attention_heads=2, intermediate_size=64, max_position_embeddings=130, initializer_range=0.1,
    )  # fmt: skip
    body = torch.nn.ModuleDict({"encoder": Encoder(config), "head": MlmHead(config)})
    for part in body.values():
        initialise(part, 0.1, torch.Generator().manual_seed(3))
    folder = tmp_path_factory.mktemp("models") / "small"
    save_checkpoint(folder, config, body.state_dict(), tokenizer, kind="mlm", labels=None, provenance={})
    return folder


@pytest.fixture(scope="session")
def unbroken(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The output of a short run that nothing disturbed."""
    from short_run import command, environment

    output = tmp_path_factory.mktemp("unbroken") / "out"
    subprocess.run(command(model, output), check=True, capture_output=True, env=environment(), timeout=120)
    return output
