"""Training on the embedding rows that occur equals training the whole matrix."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from toy import VOCABULARY, toy_data, toy_model

from xlmr_bench.batches import Batch, collate
from xlmr_bench.modeling.model import Model
from xlmr_bench.optim import Master
from xlmr_bench.settings import Settings


def settings(precision: str = "fp32", **changes: float) -> Settings:
    # A large epsilon: gradients that are zero but for rounding (the biases of keys) would be scaled up to full steps.
    return Settings(
        learning_rate=0.01, batch_size=8, max_length=16, steps=5, adam_eps=1e-3, precision=precision, **changes
    )  # type: ignore[arg-type]


def loss_of(model: Model, batch: Batch) -> torch.Tensor:
    return F.cross_entropy(model(batch.ids_BT, batch.lengths_B)[:, 0].float(), batch.targets[:, 0])


def train(model: Model, master: Master, steps: int, clip: float) -> None:
    data = toy_data(40, seed=1)
    for step in range(steps):
        batch = collate(data, np.arange(8 * step, 8 * step + 8), 1, master.row_of)
        loss_of(model, batch).backward()
        master.collect()
        master.step(0.01, clip)


def reference(model: Model, steps: int, weight_decay: float, clip: float) -> dict[str, torch.Tensor]:
    """The same by torch alone on the whole vocabulary."""
    matrices = [p for p in model.parameters() if p.ndim > 1]
    vectors = [p for p in model.parameters() if p.ndim == 1]
    groups = [{"params": matrices, "weight_decay": weight_decay}, {"params": vectors, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=0.01, eps=1e-3)
    data = toy_data(40, seed=1)
    for step in range(steps):
        batch = collate(data, np.arange(8 * step, 8 * step + 8), 1)
        loss_of(model, batch).backward()
        if clip:
            torch.nn.utils.clip_grad_norm_(model.parameters(), clip)
        optimizer.step()
        optimizer.zero_grad()
    return model.state_dict()


@pytest.mark.parametrize(("weight_decay", "clip"), [(0.0, 0.0), (0.3, 0.0), (0.1, 0.5)])
def test_compact_rows_give_the_weights_of_the_whole_vocabulary(weight_decay: float, clip: float) -> None:
    model = toy_model(dropout=0.0)
    ids = np.unique(np.append(toy_data(40, seed=1).tokens, 1)).astype(np.int64)
    assert len(ids) < VOCABULARY / 1.5
    master = Master(model, ids, settings(weight_decay=weight_decay))
    train(model, master, 5, clip)
    expected = reference(toy_model(dropout=0.0), 5, weight_decay, clip)
    for name, value in master.whole_state().items():
        torch.testing.assert_close(value, expected[name], rtol=1e-4, atol=2e-6, msg=name)


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_the_whole_vocabulary_is_there_during_evaluation_and_gone_afterwards(precision: str) -> None:
    model = toy_model(dropout=0.0)
    master = Master(model, np.array([1, 5, 9]), settings(precision, weight_decay=0.3))
    everything = torch.arange(VOCABULARY).view(2, -1)
    for step in range(3):  # rows change: the trained ones by Adam, the others by weight decay
        with master.whole_vocabulary():
            found = [model.encoder.word_embeddings(ids) for ids in (everything[:1], everything, everything[:, :3])]
        expected = master.whole_state()["encoder.word_embeddings.weight"].to(found[0].dtype)
        for ids, rows in zip((everything[:1], everything, everything[:, :3]), found, strict=True):
            torch.testing.assert_close(rows, expected[ids], rtol=0, atol=0, msg=f"step {step}")
        assert model.encoder.word_embeddings.weight.shape[0] == 3
        master.gradient.fill_(float(step + 1))
        master.step(0.1, 0.0)


def test_bf16_training_keeps_fp32_masters_that_small_updates_reach() -> None:
    model = toy_model(dropout=0.0)
    master = Master(model, np.arange(VOCABULARY), settings("bf16"))
    before = master.flat.clone()
    master.gradient.fill_(1.0)
    master.step(1e-6, 0.0)
    moved = before - master.flat
    torch.testing.assert_close(moved, torch.full_like(moved, 1e-6), rtol=0.2, atol=0)
    assert next(model.parameters()).dtype == torch.bfloat16


def test_a_saved_state_continues_with_the_same_weights() -> None:
    ids = np.arange(VOCABULARY)
    uninterrupted, first = toy_model(dropout=0.0), toy_model(dropout=0.0)
    whole, half = (Master(m, ids, settings(weight_decay=0.1)) for m in (uninterrupted, first))
    train(uninterrupted, whole, 2, 0.0)
    train(uninterrupted, whole, 2, 0.0)
    train(first, half, 2, 0.0)
    second = toy_model(seed=9, dropout=0.0)
    resumed = Master(second, ids, settings(weight_decay=0.1))
    resumed.load_weights(half.flat, half.frozen_scale)
    resumed.load_optimizer_state(half.optimizer_state())
    train(second, resumed, 2, 0.0)
    assert torch.equal(resumed.flat, whole.flat)
    assert resumed.frozen_scale == whole.frozen_scale
