"""From shards to the micro-batches of a step: what each process computes, prepared ahead in a thread.

A block is `<s>`, `block_tokens - 2` tokens of one language's stream, `</s>`; the last block of a stream ends at its end
and may overlap the one before. The last `validation_blocks` of each stream are never trained on.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from xlmr_bench.errors import DataError
from xlmr_bench.modeling.config import BOS_ID, EOS_ID
from xlmr_bench.modeling.dropout import example_keys

from .languages import resolve_languages
from .masking import IGNORED, mask_blocks
from .sampling import Draws, Integers, Sampler, mix
from .settings import Settings
from .shards import Manifest, TokenStream

# A language gives at most this share of its blocks to validation.
_VALIDATION_SHARE = 0.05


@dataclass(frozen=True)
class MicroBatch:
    """Blocks to compute at once (B, T), their masked positions and targets (B, K), their dropout keys (B,)."""

    ids: Tensor
    positions: Tensor
    targets: Tensor
    keys: Tensor

    def to(self, device: torch.device) -> MicroBatch:
        """The same on `device`; the copy to a GPU does not wait."""
        if device.type == "cpu":
            return self

        def moved(tensor: Tensor) -> Tensor:
            return tensor.pin_memory().to(device, non_blocking=True)

        return MicroBatch(moved(self.ids), moved(self.positions), moved(self.targets), moved(self.keys))


@dataclass(frozen=True)
class StepBatch:
    """One process's part of a step, and how many masked tokens it holds."""

    step: int
    micro_batches: list[MicroBatch]
    masked: int


class Corpus:
    """The languages of a run as blocks, and the sampler over them."""

    def __init__(self, manifest: Manifest, settings: Settings) -> None:
        data = settings.data
        self.manifest, self.settings = manifest, settings
        self.languages = resolve_languages(data.languages, manifest.languages)
        self.streams = [TokenStream(manifest, code) for code in self.languages]
        self.inside = data.block_tokens - 2
        for code, stream in zip(self.languages, self.streams, strict=True):
            if len(stream) < self.inside:
                raise DataError(
                    f"language {code!r} has {len(stream):,} tokens in {manifest.folder}, less than one block of "
                    f"{self.inside:,}. Add text, drop it from data.languages, or lower data.block_tokens."
                )
        self.validation = [self._held_out(len(s)) for s in self.streams]
        self.train_tokens = [len(s) - v * self.inside for s, v in zip(self.streams, self.validation, strict=True)]
        self.blocks = [-(-n // self.inside) for n in self.train_tokens]
        known = [manifest.languages[code] for code in self.languages]
        weights = [(k.sentences if data.sampling_unit == "sentences" else k.tokens) for k in known]
        self.sampler = Sampler(self.languages, weights, self.blocks, data.alpha, settings.training.seed)

    def _held_out(self, tokens: int) -> int:
        """Blocks of a language that are kept for validation."""
        return min(self.settings.data.validation_blocks, int(tokens // self.inside * _VALIDATION_SHARE))

    def batch(self, draws: Draws, slots: Integers, step: int) -> MicroBatch:
        """The blocks of some of a step's draws, masked. `slots` are their places in the step."""
        ids = np.empty((len(slots), self.inside + 2), dtype=np.int64)
        ids[:, 0], ids[:, -1] = BOS_ID, EOS_ID
        for row, slot in enumerate(slots):
            language = int(draws.language[slot])
            start = min(int(draws.block[slot]) * self.inside, self.train_tokens[language] - self.inside)
            ids[row, 1:-1] = self.streams[language].read(start, start + self.inside)
        keys = mix(self.sampler.keys[draws.language[slots]] ^ mix(draws.number[slots].astype(np.uint64)))
        seed = self.settings.training.seed
        return self._masked(ids, keys, example_keys(seed, step, 0, int(slots.max()) + 1)[torch.from_numpy(slots)])

    def validation_batches(self, language: int, size: int) -> Iterator[MicroBatch]:
        """The held-out blocks of a language, with masks that never change."""
        total, count = len(self.streams[language]), self.validation[language]
        for first in range(0, count, size):
            numbers = range(first, min(first + size, count))
            ids = np.empty((len(numbers), self.inside + 2), dtype=np.int64)
            ids[:, 0], ids[:, -1] = BOS_ID, EOS_ID
            for row, number in enumerate(numbers):
                stop = total - number * self.inside
                ids[row, 1:-1] = self.streams[language].read(stop - self.inside, stop)
            keys = mix(np.array(numbers, dtype=np.uint64) + np.uint64(1))
            yield self._masked(ids, keys, torch.zeros(len(numbers), dtype=torch.int32))

    def _masked(self, ids: Integers, keys: np.ndarray, dropout_keys: Tensor) -> MicroBatch:
        masked = mask_blocks(ids, keys, self.settings.masked_per_block, self.manifest.vocab_size)
        ids_BT, positions_BK, targets_BK = map(torch.from_numpy, (masked.ids, masked.positions, masked.targets))
        return MicroBatch(ids_BT, positions_BK, targets_BK, dropout_keys)


def step_batch(corpus: Corpus, step: int, rank: int, world: int) -> StepBatch:
    """Process `rank`'s micro-batches of optimizer step `step` (counted from 1): every world size, one global batch."""
    size, micro = corpus.settings.training.batch_size, corpus.settings.parallel.micro_batch
    draws = corpus.sampler.draws((step - 1) * size, size)
    own = np.arange(rank, size, world)
    parts = [corpus.batch(draws, own[i : i + micro], step) for i in range(0, len(own), micro)]
    return StepBatch(step, parts, sum(int((p.targets != IGNORED).sum()) for p in parts))


class Ahead:
    """Prepares the batches of the coming steps in a thread while the model computes; use it as a context manager."""

    def __init__(self, corpus: Corpus, steps: Sequence[int], rank: int, world: int) -> None:
        self._queue: queue.Queue[StepBatch | BaseException] = queue.Queue(maxsize=2)
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._fill, args=(corpus, steps, rank, world), daemon=True)

    def __enter__(self) -> Ahead:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._thread.join()

    def next(self) -> StepBatch:
        """The next step's batch; raises what went wrong while preparing it."""
        found = self._queue.get()
        if isinstance(found, BaseException):
            raise found
        return found

    def _fill(self, corpus: Corpus, steps: Sequence[int], rank: int, world: int) -> None:
        try:
            for step in steps:
                self._put(step_batch(corpus, step, rank, world))
                if self._stopped.is_set():
                    return
        except BaseException as e:  # raised again where the batch was to be used
            self._put(e)

    def _put(self, item: StepBatch | BaseException) -> None:
        while not self._stopped.is_set():
            try:
                self._queue.put(item, timeout=0.1)
                return
            except queue.Full:
                continue
