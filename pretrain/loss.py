"""Cross-entropy over a large vocabulary without ever keeping its logits.

The logits of a chunk of rows are made, turned into their own gradient in place, multiplied into the gradients of
the hidden vectors and of the embeddings, and dropped. Multiplications run in the working precision, everything
between them in fp32. The backward pass then only hands over what is there.

Shapes: N rows (masked tokens), H hidden size, V vocabulary.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from xlmr_bench.modeling.config import PAD_ID

from .masking import IGNORED

# Logits made at once (in the working precision), and how many of them are in fp32 at a time. Multiplications want many
# rows; the softmax on a CPU wants what its cache holds (seven times faster than over the whole chunk).
_CHUNK = {"cpu": 2**28, "cuda": 2**30}
_SOFTMAX = {"cpu": 2**20, "cuda": 2**28}
# Tensor cores want the vocabulary in multiples of this; padding exists inside the multiplication only.
_CUDA_MULTIPLE = 128
_TINY = torch.finfo(torch.float32).tiny


def summed_loss(hidden_NH: Tensor, weight_VH: Tensor, bias_V: Tensor, targets_N: Tensor, scale: float) -> Tensor:
    """`scale` x the sum of cross-entropies, fp32; rows whose target is `IGNORED` count nothing.

    Its gradients are computed here and now: `backward()` must start at the returned value itself. The embedding of
    `<pad>`, which no text contains, gets no gradient.
    """
    loss: Tensor = _LinearCrossEntropy.apply(hidden_NH, weight_VH, bias_V, targets_N, scale)  # type: ignore[no-untyped-call]
    return loss


def row_losses(hidden_NH: Tensor, weight_VH: Tensor, bias_V: Tensor, targets_N: Tensor) -> Tensor:
    """The cross-entropy of each row, fp32 (N,), without gradients; 0 where the target is `IGNORED`."""
    rows = max(1, _CHUNK[hidden_NH.device.type] // len(weight_VH))
    parts = [
        F.cross_entropy(F.linear(h, weight_VH, bias_V).float(), t, ignore_index=IGNORED, reduction="none")
        for h, t in zip(torch.split(hidden_NH, rows), torch.split(targets_N, rows), strict=True)
    ]
    return torch.cat(parts)


class _LinearCrossEntropy(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, hidden_NH: Tensor, weight_VH: Tensor, bias_V: Tensor, targets_N: Tensor, scale: float
    ) -> Tensor:
        device = hidden_NH.device.type
        weight, bias = _padded(weight_VH, bias_V, _CUDA_MULTIPLE) if device == "cuda" else (weight_VH, bias_V)
        rows = max(1, _CHUNK[device] // len(weight))
        several = len(hidden_NH) > rows
        grad_hidden = torch.empty_like(hidden_NH)
        # One chunk is multiplied once; several add up in fp32.
        grad_weight = torch.zeros_like(weight, dtype=torch.float32) if several else torch.empty_like(weight)
        grad_bias = torch.zeros_like(bias, dtype=torch.float32)
        total = torch.zeros((), dtype=torch.float32, device=hidden_NH.device)
        for start in range(0, len(hidden_NH), rows):
            h = hidden_NH[start : start + rows]
            logits = F.linear(h, weight, bias)
            total += _into_gradient(logits, targets_N[start : start + rows], scale, grad_bias)
            torch.mm(logits, weight, out=grad_hidden[start : start + rows])
            if several:
                grad_weight += logits.t() @ h
            else:
                torch.mm(logits.t(), h, out=grad_weight)
            del logits
        vocabulary = len(weight_VH)
        grad_weight, grad_bias = grad_weight[:vocabulary], grad_bias[:vocabulary]
        grad_weight[PAD_ID] = 0.0
        ctx.save_for_backward(grad_hidden, grad_weight.to(weight_VH.dtype), grad_bias.to(bias_V.dtype))
        return total * scale

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        if not gradient.is_cuda and float(gradient) != 1.0:  # asking a GPU would stall it
            raise ValueError("backward() must start at the value of summed_loss itself; put factors into its scale")
        grad_hidden, grad_weight, grad_bias = ctx.saved_tensors
        return grad_hidden, grad_weight, grad_bias, None, None


def _into_gradient(logits_NV: Tensor, targets_N: Tensor, scale: float, grad_bias_V: Tensor) -> Tensor:
    """Overwrite logits by the gradient of `scale` x their summed loss, add its bias part, and return the plain sum."""
    total = torch.zeros((), dtype=torch.float32, device=logits_NV.device)
    rows = max(1, _SOFTMAX[logits_NV.device.type] // logits_NV.shape[1])
    for logits, targets in zip(torch.split(logits_NV, rows), torch.split(targets_N, rows), strict=True):
        counted = (targets != IGNORED).float().unsqueeze(-1)
        index = targets.clamp(min=0).unsqueeze(-1)
        p = torch.softmax(logits.float(), dim=-1)
        total -= (p.gather(-1, index).clamp_min(_TINY).log_() * counted).sum()
        p.scatter_add_(-1, index, -torch.ones_like(counted)).mul_(counted * scale)
        grad_bias_V += p.sum(0)
        logits.copy_(p)
    return total


def _padded(weight_VH: Tensor, bias_V: Tensor, multiple: int) -> tuple[Tensor, Tensor]:
    """Weight and bias with rows added that no softmax sees."""
    extra = -len(weight_VH) % multiple
    return F.pad(weight_VH, (0, 0, 0, extra)), F.pad(bias_V, (0, extra), value=-1e4)
