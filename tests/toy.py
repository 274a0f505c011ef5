"""Small stand-ins that tests share: a model of two layers and data without text."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from xlmr_bench.encode import Encoded
from xlmr_bench.modeling.config import EncoderConfig
from xlmr_bench.modeling.encoder import Encoder, initialise
from xlmr_bench.modeling.heads import SequenceHead
from xlmr_bench.modeling.model import Model

VOCABULARY = 120
REPOSITORY = Path(__file__).resolve().parents[1]


def toy_model(seed: int = 0, *, dropout: float = 0.1) -> Model:
    """Two layers of 24 units over 120 ids, three classes."""
    config = EncoderConfig(
        vocab_size=VOCABULARY, hidden_size=24, num_hidden_layers=2, num_attention_heads=3, intermediate_size=48,
        hidden_dropout_prob=dropout, attention_probs_dropout_prob=dropout,
    )  # fmt: skip
    model = Model(Encoder(config), SequenceHead(24, 3, dense=True, dropout=dropout))
    generator = torch.Generator().manual_seed(seed)
    initialise(model.encoder, 0.1, generator)
    initialise(model.head, 0.1, generator)
    return model


def toy_data(n: int, seed: int, *, low: int = 4, high: int = 60) -> Encoded:
    """Inputs of 4 to 12 tokens whose class is told by their second token: learnable in a few steps."""
    rng = np.random.default_rng(seed)
    lengths = rng.integers(4, 13, n)
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    tokens = rng.integers(low, high, int(offsets[-1])).astype(np.int32)
    tokens[offsets[:-1]] = 0
    return Encoded(tokens, offsets, (tokens[offsets[:-1] + 1] % 3).astype(np.int64), 0)
