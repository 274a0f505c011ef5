"""Weights under training: fp32 masters in one flat buffer, AdamW on it, and only the embedding rows that occur.

Fine-tuning on a few thousand sentences meets a small part of a 250,002-row vocabulary. Rows that the training
set does not contain have zero gradient in every step, so Adam never moves them and weight decay multiplies all
of them by the same factor. Training therefore runs on a compact embedding of the rows that occur; the result is
that of training the whole matrix.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .modeling.encoder import Encoder
from .settings import Settings

DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16}


class Master:
    """Owns a model's weights while it is trained.

    The model computes in `settings.precision`; gradients are summed, clipped and applied in fp32. `row_of` maps
    token ids to rows of the compact embedding (None where the encoder keeps its own embedding).
    """

    def __init__(self, model: nn.Module, occurring_ids: npt.NDArray[np.int64], settings: Settings) -> None:
        self.model = model
        self.dtype = DTYPES[settings.precision]
        self.row_of: npt.NDArray[np.int64] | None = None
        self.frozen_scale = 1.0
        self._weight_decay = settings.weight_decay
        self._begun = False  # whether `gradient` holds something of this step
        if isinstance(model.encoder, Encoder):
            self._use_rows(model.encoder, occurring_ids)
        self._flatten(settings)

    def _use_rows(self, encoder: Encoder, ids: npt.NDArray[np.int64]) -> None:
        """Replace the embedding by the rows that occur; the whole table stays beside it for evaluation."""
        self._table = encoder.word_embeddings.weight.detach()
        self._ids = torch.from_numpy(ids).to(self._table.device)
        self._whole = _AllRows(self._table, self.dtype)
        self.row_of = np.full(len(self._table), -1, dtype=np.int64)
        self.row_of[ids] = np.arange(len(ids))
        encoder.word_embeddings = nn.Embedding.from_pretrained(self._table[self._ids], freeze=False)  # type: ignore[no-untyped-call]

    def _flatten(self, settings: Settings) -> None:
        """Lay all weights out in one buffer, matrices before vectors: biases and norms are not decayed."""
        named = sorted(self.model.named_parameters(), key=lambda item: item[1].ndim == 1)
        self.names = [name for name, _ in named]
        self._working = [p for _, p in named]
        device = self._working[0].device
        self.flat = torch.cat([p.detach().reshape(-1).float() for p in self._working])
        self.gradient = torch.zeros_like(self.flat)
        self._copy = self.flat if self.dtype == torch.float32 else self.flat.to(self.dtype)
        self._gradients: list[Tensor] = []
        start = 0
        for p in self._working:
            end = start + p.numel()
            p.data = self._copy[start:end].view(p.shape)
            self._gradients.append(self.gradient[start:end].view(p.shape))
            start = end
        matrices = sum(p.numel() for p in self._working if p.ndim > 1)
        parts = [nn.Parameter(self.flat[:matrices]), nn.Parameter(self.flat[matrices:])]
        for part, gradient in zip(parts, (self.gradient[:matrices], self.gradient[matrices:]), strict=True):
            part.grad = gradient
        decays = (settings.weight_decay, 0.0)
        self._optimizer = torch.optim.AdamW(
            [{"params": [p], "weight_decay": d} for p, d in zip(parts, decays, strict=True)],
            lr=settings.learning_rate,
            betas=(settings.adam_beta1, settings.adam_beta2),
            eps=settings.adam_eps,
            fused=device.type in ("cpu", "cuda"),
        )

    def collect(self) -> None:
        """Add the gradients of the last backward pass to the fp32 sum; a step's first ones replace it."""
        for p, gradient in zip(self._working, self._gradients, strict=True):
            if p.grad is not None:
                if self._begun:
                    gradient.add_(p.grad)
                else:
                    gradient.copy_(p.grad)
                p.grad = None
            elif not self._begun:
                gradient.zero_()
        self._begun = True

    def summed(self) -> Tensor:
        """The gradient of this step, one flat buffer; zeros where this process had nothing to do in it."""
        if not self._begun:
            self.gradient.zero_()
            self._begun = True
        return self.gradient

    def discard(self) -> None:
        """Forget all gradients of this step."""
        self._begun = False
        for p in self._working:
            p.grad = None

    def step(self, learning_rate: float, clip_norm: float) -> None:
        """Clip, apply one AdamW update, refresh the working copy and forget the gradients."""
        if clip_norm > 0:
            norm = self.gradient.norm()
            self.gradient.mul_((clip_norm / (norm + 1e-6)).clamp(max=1.0))
        for group in self._optimizer.param_groups:
            group["lr"] = learning_rate
        self._optimizer.step()
        self.frozen_scale *= 1.0 - learning_rate * self._weight_decay
        if self._copy is not self.flat:
            self._copy.copy_(self.flat)
        self._begun = False

    @contextmanager
    def whole_vocabulary(self) -> Iterator[None]:
        """Inside, the model takes all token ids, for evaluation."""
        encoder = self.model.encoder
        if self.row_of is None or not isinstance(encoder, Encoder):
            yield
            return
        compact = encoder.word_embeddings
        self._whole.update(self.frozen_scale, self._ids, compact.weight.detach())
        encoder.word_embeddings = self._whole  # type: ignore[assignment]  # takes ids as it does
        try:
            yield
        finally:
            encoder.word_embeddings = compact

    def whole_state(self) -> dict[str, Tensor]:
        """All weights in fp32 under the model's names, the whole vocabulary included."""
        state, start = {}, 0
        for name, p in zip(self.names, self._working, strict=True):
            state[name] = self.flat[start : start + p.numel()].view(p.shape).clone()
            start += p.numel()
        if self.row_of is not None:
            table = self._table * self.frozen_scale
            table[self._ids] = state["encoder.word_embeddings.weight"]
            state["encoder.word_embeddings.weight"] = table
        return state

    def load_weights(self, flat: Tensor, frozen_scale: float) -> None:
        """Take weights saved from `flat` of a master of the same model and training set."""
        self.flat.copy_(flat)
        self.frozen_scale = frozen_scale
        if self._copy is not self.flat:
            self._copy.copy_(self.flat)

    def optimizer_state(self) -> dict[str, Tensor]:
        """The optimizer's tensors; empty before the first step."""
        state: dict[int, dict[str, Any]] = self._optimizer.state_dict()["state"]
        return {f"{i}.{key}": value for i, entry in state.items() for key, value in entry.items()}

    def load_optimizer_state(self, tensors: dict[str, Tensor]) -> None:
        """The inverse of `optimizer_state`."""
        state: dict[int, dict[str, Any]] = {}
        for name, value in tensors.items():
            index, key = name.split(".")
            state.setdefault(int(index), {})[key] = value
        groups = self._optimizer.state_dict()["param_groups"]
        self._optimizer.load_state_dict({"state": state, "param_groups": groups})


class _AllRows(nn.Module):
    """Embeddings of all ids for evaluation: a row that was not trained is scaled and cast when it is first met.

    Dev and test meet a few thousand of 250,002 rows; to scale and cast all of them takes as long as 150 sentences.
    """

    def __init__(self, table: Tensor, dtype: torch.dtype) -> None:
        super().__init__()
        self._table, self._scale = table, 1.0
        self._rows = torch.empty(table.shape, dtype=dtype, device=table.device)
        self._ready = torch.zeros(len(table), dtype=torch.bool, device=table.device)

    def update(self, scale: float, ids: Tensor, trained: Tensor) -> None:
        """Take the rows `trained` of `ids`, and the scale of all others."""
        if scale != self._scale:
            self._ready.zero_()
            self._scale = scale
        self._rows[ids] = trained
        self._ready[ids] = True

    def forward(self, ids_BT: Tensor) -> Tensor:
        """Rows of the ids, (B, T, H)."""
        missing: Tensor = torch.unique(ids_BT[~self._ready[ids_BT]])
        if len(missing):
            self._rows[missing] = (self._table[missing] * self._scale).to(self._rows.dtype)
            self._ready[missing] = True
        return F.embedding(ids_BT, self._rows)
