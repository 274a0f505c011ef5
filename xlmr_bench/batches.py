"""Batches without fixed padding: examples of similar length together, micro-batches cut by a budget of tokens.

Everything here is a pure function of its arguments, so that a resumed run draws the same batches.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from .encode import Encoded

Indices = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Batch:
    """Right-padded inputs: ids (B, T), lengths (B,), labels (B,)."""

    ids_BT: Tensor
    lengths_B: Tensor
    labels_B: Tensor


def epoch_batches(lengths: npt.NDArray[np.int64], batch_size: int, window: int, seed: int, epoch: int) -> list[Indices]:
    """The optimizer batches of one epoch: every example once, `batch_size` at a time (the last one may be smaller).

    Examples are shuffled, then sorted by length within windows of `window` batches, and the batches shuffled
    again: batches stay random, padding almost vanishes. `window=1` leaves the batches purely random.
    """
    rng = np.random.default_rng([seed, epoch])
    order = rng.permutation(len(lengths))
    span = batch_size * window
    if window > 1:
        order = np.concatenate(
            [
                w[np.argsort(lengths[w], kind="stable")]
                for w in (order[i : i + span] for i in range(0, len(order), span))
            ]
        )
    batches = [order[i : i + batch_size] for i in range(0, len(order), batch_size)]
    return [batches[i] for i in rng.permutation(len(batches))]


def micro_batches(lengths: npt.NDArray[np.int64], budget: int) -> list[Indices]:
    """Positions 0..n-1 cut into groups of similar length whose padded size is at most `budget` tokens.

    A single example longer than the budget is a group of its own.
    """
    order = np.argsort(lengths, kind="stable")
    groups, start = [], 0
    for end in range(1, len(order) + 1):
        if end == len(order) or lengths[order[end]] * (end + 1 - start) > budget:
            groups.append(order[start:end])
            start = end
    return groups


def collate(data: Encoded, indices: Indices, pad_id: int, rows: npt.NDArray[np.int64] | None = None) -> Batch:
    """The examples at `indices` as tensors; with `rows`, token ids are replaced by their embedding row."""
    starts, ends = data.offsets[indices], data.offsets[indices + 1]
    lengths = ends - starts
    ids = np.full((len(indices), int(lengths.max())), pad_id, dtype=np.int64)
    for i, (start, end) in enumerate(zip(starts, ends, strict=True)):
        ids[i, : end - start] = data.tokens[start:end]
    if rows is not None:
        ids = rows[ids]
    return Batch(torch.from_numpy(ids), torch.from_numpy(lengths), torch.from_numpy(data.labels[indices]))


def schedule(lengths: npt.NDArray[np.int64], batch_size: int, window: int, seed: int, first: int) -> Iterator[Indices]:
    """Optimizer batches from step `first` (0-based) on, epoch after epoch without end."""
    per_epoch = -(-len(lengths) // batch_size)
    epoch, skip = divmod(first, per_epoch)
    while True:
        yield from epoch_batches(lengths, batch_size, window, seed, epoch)[skip:]
        epoch, skip = epoch + 1, 0
