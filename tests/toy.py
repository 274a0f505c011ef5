"""Small stand-ins that tests share: a model of two layers and data without text."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from xlmr_bench.encode import Encoded, flat
from xlmr_bench.modeling.config import EncoderConfig
from xlmr_bench.modeling.encoder import Encoder, initialise
from xlmr_bench.modeling.heads import SequenceHead, TokenHead
from xlmr_bench.modeling.model import Model

VOCABULARY = 120
REPOSITORY = Path(__file__).resolve().parents[1]


def toy_model(seed: int = 0, *, dropout: float = 0.1, outputs: int = 0) -> Model:
    """Two layers of 24 units over 120 ids, three classes; with `outputs` as many at each position that is read."""
    config = EncoderConfig(
        vocab_size=VOCABULARY, hidden_size=24, num_hidden_layers=2, num_attention_heads=3, intermediate_size=48,
        hidden_dropout_prob=dropout, attention_probs_dropout_prob=dropout,
    )  # fmt: skip
    one = SequenceHead(24, 3, dense=True, dropout=dropout)
    model = Model(Encoder(config), TokenHead(24, outputs, dropout=dropout) if outputs else one)
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


def toy_words(n: int, seed: int) -> Encoded:
    """Inputs of 1 to 8 words of 1 to 3 pieces; the class of a word is told by its first piece."""
    rng = np.random.default_rng(seed)
    rows, reads = [], []
    for _ in range(n):
        pieces = rng.integers(1, 4, int(rng.integers(1, 9)))
        rows.append([0, *rng.integers(4, 60, int(pieces.sum())).tolist(), 2])
        reads.append([1, *(1 + np.cumsum(pieces)[:-1]).tolist()])
    tokens, offsets = flat(rows)
    read, read_offsets = flat(reads)
    firsts = [row[place] for row, places in zip(rows, reads, strict=True) for place in places]
    return Encoded(tokens, offsets, np.array(firsts, dtype=np.int64) % 4, 0, read, read_offsets)


def toy_answers(n: int, seed: int) -> Encoded:
    """Questions of 1 to 4 tokens on contexts of 2 to 12; the answer are the tokens 100 and 101, if they are there.

    The head reads the beginning and the context.
    """
    rng = np.random.default_rng(seed)
    rows, reads, targets = [], [], []
    for i in range(n):
        question = rng.integers(4, 60, int(rng.integers(1, 5))).tolist()
        context = rng.integers(4, 60, int(rng.integers(2, 13)))
        place = int(rng.integers(len(context) - 1)) if i % 4 else -1
        if place >= 0:
            context[place : place + 2] = 100, 101
        rows.append([0, *question, 2, 2, *context.tolist(), 2])
        start = len(question) + 3
        reads.append([0, *range(start, start + len(context))])
        targets.append((place + 1, place + 2) if place >= 0 else (0, 0))
    tokens, offsets = flat(rows)
    read, read_offsets = flat(reads)
    return Encoded(tokens, offsets, np.array(targets, dtype=np.int64), 0, read, read_offsets)
