"""Batches without fixed padding: examples of similar length together, micro-batches cut by a budget of tokens.

Everything here is a pure function of its arguments, so that a resumed run draws the same batches.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from .encode import Encoded

Indices = npt.NDArray[np.int64]
NO_TARGET = -100
_WIDTHS = 8


@dataclass(frozen=True)
class Batch:
    """Right-padded inputs: ids (B, T), lengths (B,); positions that the head reads (B, K), `counts_B` of them real.

    `targets` are (B, K), filled up with NO_TARGET, or (B, 2); see `Encoded`.
    """

    ids_BT: Tensor
    lengths_B: Tensor
    reads_BK: Tensor
    counts_B: Tensor
    targets: Tensor


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
    """The inputs at `indices` as tensors; with `rows`, token ids are replaced by their embedding row."""
    most_tokens, most_reads = data.longest
    ids, lengths = _padded(data.tokens, data.offsets, indices, pad_id, most_tokens)
    if rows is not None:
        ids = rows[ids]
    outputs = data.output_offsets
    if data.reads is None:
        reads, counts = np.zeros((len(indices), 1), dtype=np.int64), np.ones(len(indices), dtype=np.int64)
    else:
        reads, counts = _padded(data.reads, outputs, indices, 0, most_reads)
    if data.targets.ndim == 2:
        targets = data.targets[indices]
    elif data.reads is None:
        targets = data.targets[indices][:, None]
    else:
        targets = _padded(data.targets, outputs, indices, NO_TARGET, most_reads)[0]
    return Batch(*(torch.from_numpy(np.ascontiguousarray(a)) for a in (ids, lengths, reads, counts, targets)))


def _padded(
    values: npt.NDArray[Any], offsets: npt.NDArray[np.int64], indices: Indices, filler: int, longest: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Rows of `values` (cut by `offsets`) at `indices`, filled up on the right, and their lengths.

    Widths are multiples of 8, but never above `longest`, which the model is known to take: kernels are prepared anew
    for every shape that they meet, which costs short sentences a fifth of their speed, and half as much memory again.
    """
    starts, ends = offsets[indices], offsets[indices + 1]
    lengths = ends - starts
    width = min(-(-int(lengths.max()) // _WIDTHS) * _WIDTHS, longest)
    padded = np.full((len(indices), width), filler, dtype=np.int64)
    for i, (start, end) in enumerate(zip(starts.tolist(), ends.tolist(), strict=True)):
        padded[i, : end - start] = values[start:end]
    return padded, lengths


def schedule(lengths: npt.NDArray[np.int64], batch_size: int, window: int, seed: int, first: int) -> Iterator[Indices]:
    """Optimizer batches from step `first` (0-based) on, epoch after epoch without end."""
    per_epoch = -(-len(lengths) // batch_size)
    epoch, skip = divmod(first, per_epoch)
    while True:
        yield from epoch_batches(lengths, batch_size, window, seed, epoch)[skip:]
        epoch, skip = epoch + 1, 0
