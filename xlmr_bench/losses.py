"""What is minimised, by kind of task. Shapes: B inputs, K positions read, C outputs a position."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from .batches import NO_TARGET, Batch


def loss_sum(kind: str, outputs_BKC: Tensor, batch: Batch) -> Tensor:
    """The loss summed over the targets of a batch, in fp32; `kind` is a task's `loss`.

    `classes`: cross-entropy over C at each position. `positions`: for each of C = 2 (start, end), cross-entropy over
    the positions of an input. `value`: squared error.
    """
    outputs = outputs_BKC.float()
    targets = batch.targets.to(outputs.device)
    if kind == "classes":
        return F.cross_entropy(outputs.flatten(0, 1), targets.flatten(), ignore_index=NO_TARGET, reduction="sum")
    if kind == "value":
        return F.mse_loss(outputs[..., 0], targets.to(outputs.dtype), reduction="sum")
    if kind != "positions":
        raise ValueError(f"no loss {kind!r}")
    padded_BK = torch.arange(outputs.shape[1], device=outputs.device) >= batch.counts_B.to(outputs.device)[:, None]
    outputs = outputs.masked_fill(padded_BK[..., None], float("-inf"))
    return F.cross_entropy(outputs.transpose(1, 2).flatten(0, 1), targets.flatten(), reduction="sum")
