"""Examples as arrays of token ids, made once: memory-mapped files keyed by what decides their content.

The key is made of digests of texts, tokenizer and settings, never of paths: two folders of the same name cannot be
confused, and the same data found elsewhere need not be encoded again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from .cache import cache_folder
from .errors import DataError
from .files import atomic_path, digest_of

# Raise when the layout of the arrays or the way in which inputs are cut changes.
_VERSION = 2

Array = npt.NDArray[Any]
Ints = npt.NDArray[np.int64]
Arrays = dict[str, Array]


@dataclass(frozen=True)
class Encoded:
    """A split as arrays. `tokens` holds all inputs one after the other; input i is offsets[i]:offsets[i+1].

    An example is one input or several (`coders.py`). The head reads input i at the positions
    reads[read_offsets[i]:read_offsets[i+1]], at `<s>` alone where `reads` is None; R counts them over all inputs.
    `targets` are what is learned: (R,) class numbers or values, one a position read, or (N, 2) places of start and
    end among the positions read. `truncated` counts the examples that lost text. `extra` is what decoding needs.
    """

    tokens: npt.NDArray[np.int32]
    offsets: Ints
    targets: Array
    truncated: int
    reads: npt.NDArray[np.int32] | None = None
    read_offsets: Ints | None = None
    extra: Mapping[str, Array] = field(default_factory=dict)

    # All are asked for at every step, and a training set may have millions of inputs.
    @cached_property
    def lengths(self) -> Ints:
        """Tokens of each input, special tokens included."""
        return np.diff(self.offsets)

    @cached_property
    def output_offsets(self) -> Ints:
        """Where the outputs of each input begin among those of all: (N + 1,)."""
        return np.arange(len(self) + 1) if self.read_offsets is None else self.read_offsets

    @cached_property
    def longest(self) -> tuple[int, int]:
        """The most tokens, and the most positions read, of any input."""
        return int(self.lengths.max(initial=0)), int(np.diff(self.output_offsets).max(initial=0))

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def targets_of(self, indices: Ints) -> int:
        """How many targets the inputs have: what the loss of a batch is divided by."""
        if self.targets.ndim == 2:
            return 2 * len(indices)
        offsets = self.output_offsets
        return int((offsets[indices + 1] - offsets[indices]).sum())


def stored(identity: Sequence[Any], make: Callable[[], Arrays]) -> Arrays:
    """The arrays that `make` gives, kept in the cache under `identity`; those in the cache are memory-mapped."""
    folder = cache_folder() / "encoded" / digest_of([_VERSION, *identity])[:32]
    if not folder.is_dir():
        with atomic_path(folder) as part:
            arrays = make()
            part.mkdir()
            for name, array in arrays.items():
                np.save(part / f"{name}.npy", array)
    return {path.stem: np.load(path, mmap_mode="r") for path in sorted(folder.glob("*.npy"))}


def join(parts: Sequence[Encoded]) -> Encoded:
    """Several encoded training sets as one, in order: for translate-train-all. `extra` is not kept."""
    if len(parts) == 1:
        return parts[0]
    reads = [p.reads for p in parts if p.reads is not None]
    return Encoded(
        tokens=np.concatenate([p.tokens for p in parts]),
        offsets=_joined_offsets([p.offsets for p in parts]),
        targets=np.concatenate([p.targets for p in parts]),
        truncated=sum(p.truncated for p in parts),
        reads=np.concatenate(reads) if reads else None,
        read_offsets=_joined_offsets([p.output_offsets for p in parts]) if reads else None,
    )


def flat(rows: Sequence[Sequence[int]], dtype: Any = np.int32) -> tuple[Array, Ints]:
    """Rows of different lengths one after the other, and their offsets."""
    offsets = np.concatenate([[0], np.cumsum([len(r) for r in rows], dtype=np.int64)])
    return np.fromiter((x for r in rows for x in r), dtype=dtype, count=int(offsets[-1])), offsets


def class_numbers(labels: Sequence[str], given: Iterable[tuple[str, str]], where: str) -> Ints:
    """The place among `labels` of each label in `given` (example id, label); DataError for one that is not there."""
    index = {label: i for i, label in enumerate(labels)}
    numbers = []
    for example, label in given:
        if label not in index:
            raise DataError(f"{where}: label {label!r} of example {example} is none of {', '.join(labels)}.")
        numbers.append(index[label])
    return np.array(numbers, dtype=np.int64)


def _joined_offsets(parts: Sequence[Ints]) -> Ints:
    starts = np.cumsum([0] + [int(p[-1]) for p in parts])
    return np.concatenate([p[:-1] + s for p, s in zip(parts, starts, strict=False)] + [starts[-1:]])
