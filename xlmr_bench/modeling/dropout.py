"""Dropout whose masks are a pure function of (seed, step, example, site, element).

Ordinary dropout draws from one stream, so its masks change with the micro-batch, the number of processes
and whatever ran before. Here each example of an optimizer step has a key, and each mask element is an integer
hash of that key and the element's own index (one hash serves two neighbours, 16 bits each). The same examples
therefore get the same masks however a step is split, and a resumed run needs no generator state. On a CPU it is
also several times as fast as drawing.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

# Indices of attention elements are laid out on a fixed grid, so that they do not depend on the padded length.
_GRID = 1024
_GOLDEN, _MIX = -1640531527, 0x7FEB352D  # 2^32 / golden ratio as int32; multiplier of the lowbias32 hash


class ExampleDropout:
    """The masks of one forward pass: call it once at each dropout site, in order.

    `keys_B` is one int32 key an example, see `example_keys`. With `fused_attention`, attention on a GPU takes the
    fused kernel with that kernel's own dropout: several times faster, but those masks come from torch's generator.
    """

    def __init__(self, keys_B: Tensor, *, fused_attention: bool = False) -> None:
        self.keys_B = keys_B
        self.fused_attention = fused_attention
        self.site = 0
        self._grids: dict[tuple[int, ...], Tensor] = {}

    def after(self, sites: int) -> ExampleDropout:
        """The masks that follow the first `sites` ones, for a part of the model that counts its own sites from 0."""
        later = ExampleDropout(self.keys_B + sites * _GOLDEN, fused_attention=self.fused_attention)
        later._grids = self._grids
        return later

    def __call__(self, x: Tensor, p: float) -> Tensor:
        """Drop elements of `x` (batch first; 2 to 4 dimensions) with probability `p`, scaling up the rest."""
        self.site += 1
        if p == 0.0:
            return x
        shape = tuple(x.shape[1:])
        pairs = (*shape[:-1], (shape[-1] + 1) // 2)
        keys = _hash(self.keys_B + self.site * _GOLDEN).view(-1, *([1] * len(shape)))
        bits = _hash(self._grid(pairs) ^ keys).view(torch.int16)[..., : shape[-1]]
        threshold = math.floor(-(2**15) + p * 2**16)
        # Compared right into the type of x: a cast of the comparison would cost more than all the rest.
        kept = torch.ge(bits, threshold, out=torch.empty(bits.shape, dtype=x.dtype, device=x.device))
        return x * kept.mul_(1.0 / (1.0 - p))

    def _grid(self, shape: tuple[int, ...]) -> Tensor:
        """Scrambled indices of the pairs of one example: (..., T / 2) counted with strides that ignore T."""
        if shape not in self._grids:
            axes = [torch.arange(n, dtype=torch.int32, device=self.keys_B.device) for n in shape]
            index = axes[0]
            for axis in axes[1:]:
                stride = _GRID if len(shape) == 3 else shape[-1]
                index = index.unsqueeze(-1) * stride + axis
            self._grids[shape] = index * _GOLDEN
        return self._grids[shape]


def example_keys(seed: int, step: int, first: int, count: int, device: torch.device | str = "cpu") -> Tensor:
    """Keys of the examples `first` ... `first + count - 1` of a global optimizer step, int32 (count,)."""
    index = torch.arange(first, first + count, dtype=torch.int32, device=device)
    word = (seed * 0x9E3779B1 + step * 0x85EBCA6B) & 0xFFFFFFFF
    return _hash(_hash(index * _MIX) ^ (word - 2**32 if word >= 2**31 else word))


def _hash(z: Tensor) -> Tensor:
    """An integer finaliser; of each half the high bits, which the threshold reads, are the well-mixed ones."""
    z = z ^ (z >> 16)
    z *= _MIX
    z ^= z >> 15
    z *= _GOLDEN
    return z
