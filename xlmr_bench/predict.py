"""Outputs for a whole split, the same whatever the batching and however many processes share the work."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from .batches import Indices, collate, micro_batches
from .device import Ranks, token_budget
from .encode import Encoded
from .errors import XlmrBenchError
from .progress import Progress

Outputs = npt.NDArray[np.float32]


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an exception means that the device's memory did not suffice (a CPU reports it as RuntimeError)."""
    return isinstance(error, torch.OutOfMemoryError | MemoryError) or "can't allocate memory" in str(error)


def predict_all(
    model: nn.Module, splits: Mapping[str, Encoded], pad_id: int, ranks: Ranks, label: str
) -> dict[str, Outputs]:
    """Outputs for several splits by name; one line of progress for all of them."""
    with Progress(sum(map(len, splits.values())), "inputs", label, quiet=not ranks.first) as progress:
        return {name: predict_outputs(model, data, pad_id, ranks, progress=progress) for name, data in splits.items()}


def predict_outputs(
    model: nn.Module,
    data: Encoded,
    pad_id: int,
    ranks: Ranks,
    budget: int | None = None,
    progress: Progress | None = None,
) -> Outputs:
    """Outputs (R, C) in fp32, a row a position read, in the order of `data` (`output_offsets`), on every process.

    A batch that does not fit into memory is halved.
    """
    budget = budget or token_budget(ranks.device, training=False)
    lengths = data.lengths
    batches = micro_batches(lengths, budget)[ranks.rank :: ranks.world]
    done: list[tuple[Indices, Outputs]] = []
    model.eval()
    with torch.inference_mode():
        while batches:
            indices = batches.pop()
            batch = collate(data, indices, pad_id)
            try:
                outputs = model(
                    batch.ids_BT.to(ranks.device),
                    batch.lengths_B.to(ranks.device),
                    None,
                    batch.reads_BK.to(ranks.device),
                )
            except (RuntimeError, MemoryError) as e:
                if not is_out_of_memory(e):
                    raise
                if len(indices) == 1:
                    raise XlmrBenchError(f"out of memory on one input of {int(lengths[indices[0]])} tokens.") from e
                half = len(indices) // 2
                batches += [indices[:half], indices[half:]]
                continue
            real_BK = torch.arange(outputs.shape[1]) < batch.counts_B[:, None]
            done.append((indices, outputs.float().cpu()[real_BK].numpy()))
            if progress is not None:
                progress.update(len(indices) * ranks.world)
    return _in_order(data, [part for share in ranks.gather(done) for part in share])


def _in_order(data: Encoded, parts: list[tuple[Indices, Outputs]]) -> Outputs:
    """The rows of all batches where they belong."""
    offsets = data.output_offsets
    result = np.empty((int(offsets[-1]), parts[0][1].shape[1]), dtype=np.float32)
    for indices, values in parts:
        counts = offsets[indices + 1] - offsets[indices]
        ends = np.cumsum(counts)
        result[np.arange(ends[-1]) + np.repeat(offsets[indices] - (ends - counts), counts)] = values
    return result
