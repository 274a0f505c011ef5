"""Blocks with the same masks for both sides, where logits and training steps are compared."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from .clock import Job

MASKED = 0.15
_PAD = 1


def masked_blocks(job: Job, rows: slice) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Blocks (B, T) with `<mask>` at positions (B, K), and what stood there (B, K); no token is kept or replaced."""
    blocks = np.load(Path(job["folder"]) / "blocks.npy")
    ids = torch.from_numpy(blocks[rows].copy())
    count, length = len(ids), ids.shape[1]
    rng = np.random.default_rng([7, rows.start])
    k = round(MASKED * (length - 2))
    chosen = np.stack([np.sort(rng.choice(np.arange(1, length - 1), k, replace=False)) for _ in range(count)])
    positions = torch.from_numpy(chosen)
    targets = ids.gather(1, positions)
    ids.scatter_(1, positions, job["mask_id"])
    return ids, positions, targets


def compared_columns(job: Job, logits: torch.Tensor) -> np.ndarray:
    """Logits (K, V) as they are compared: after training without `<pad>`, whose row ours never trains, as fairseq's."""
    values: np.ndarray = logits.float().numpy()
    return np.delete(values, _PAD, axis=1) if job["mode"] == "steps" else values
