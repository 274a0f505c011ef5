"""Logits of a whole split, the same whatever the batching and however many processes share the work."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from .batches import collate, micro_batches
from .device import Ranks, token_budget
from .encode import Encoded
from .errors import XlmrBenchError
from .progress import Progress


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an exception means that the device's memory did not suffice (a CPU reports it as RuntimeError)."""
    return isinstance(error, torch.OutOfMemoryError | MemoryError) or "can't allocate memory" in str(error)


def predict_all(
    model: nn.Module, splits: Mapping[str, Encoded], pad_id: int, ranks: Ranks, label: str
) -> dict[str, npt.NDArray[np.float32]]:
    """Logits of several splits by name; one line of progress for all of them."""
    with Progress(sum(map(len, splits.values())), "examples", label, quiet=not ranks.first) as progress:
        return {name: predict_logits(model, data, pad_id, ranks, progress=progress) for name, data in splits.items()}


def predict_logits(
    model: nn.Module,
    data: Encoded,
    pad_id: int,
    ranks: Ranks,
    budget: int | None = None,
    progress: Progress | None = None,
) -> npt.NDArray[np.float32]:
    """Logits (N, C) in fp32, in the order of `data`, on every process. A batch that does not fit is halved."""
    budget = budget or token_budget(ranks.device, training=False)
    lengths = data.lengths
    batches = micro_batches(lengths, budget)[ranks.rank :: ranks.world]
    done: list[tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]] = []
    model.eval()
    with torch.inference_mode():
        while batches:
            indices = batches.pop()
            batch = collate(data, indices, pad_id)
            try:
                logits = model(batch.ids_BT.to(ranks.device), batch.lengths_B.to(ranks.device))
            except (RuntimeError, MemoryError) as e:
                if not is_out_of_memory(e):
                    raise
                if len(indices) == 1:
                    raise XlmrBenchError(f"out of memory on one input of {int(lengths[indices[0]])} tokens.") from e
                half = len(indices) // 2
                batches += [indices[:half], indices[half:]]
                continue
            done.append((indices, logits.float().cpu().numpy()))
            if progress is not None:
                progress.update(len(indices) * ranks.world)
    parts = [part for share in ranks.gather(done) for part in share]
    result = np.empty((len(data), parts[0][1].shape[1]), dtype=np.float32)
    for indices, values in parts:
        result[indices] = values
    return result


def accuracy_of(logits: npt.NDArray[np.float32], labels: npt.NDArray[np.int64]) -> float:
    """Share of examples whose largest logit is the label's."""
    return float((logits.argmax(axis=1) == labels).mean())
