"""Dynamic masking: 15 % of a block's tokens, of which 80 % become `<mask>`, 10 % a random token, 10 % stay (BERT).

A block's mask depends on (seed, language, draw) alone: a block that is drawn again gets a new one, a continued run
the same one. Every block has the same number of masked positions, so shapes are static.

Shapes: B blocks, T tokens, K masked positions.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from xlmr_bench.modeling.config import UNK_ID

from .sampling import Integers, Words, mix

# Targets that do not count: of blocks with fewer than K tokens that may be masked.
IGNORED = -100
_REPLACED_BY_MASK, _REPLACED_AT_RANDOM = 0.8, 0.1
_FIRST_PIECE = UNK_ID + 1


@dataclass(frozen=True)
class Masked:
    """Blocks as the model sees them (B, T), and what to predict where (B, K): positions ascend in each row."""

    ids: Integers
    positions: Integers
    targets: Integers


def mask_blocks(ids_BT: npt.NDArray[np.integer], keys_B: Words, count: int, vocab_size: int) -> Masked:
    """Choose `count` tokens in each block and replace most of them.

    Special tokens (ids below 4, `<mask>` at `vocab_size - 1`) are neither chosen nor drawn as replacements.
    """
    ids = ids_BT.astype(np.int64)
    mask_id = vocab_size - 1
    with np.errstate(over="ignore"):
        lots = mix(keys_B[:, None] + np.arange(ids.shape[1], dtype=np.uint64) * np.uint64(0xD1B54A32D192ED03))
    special = (ids < _FIRST_PIECE) | (ids == mask_id)
    lots[special] = np.iinfo(np.uint64).max
    positions = np.sort(np.argpartition(lots, count - 1, axis=1)[:, :count], axis=1)
    chosen = np.take_along_axis(ids, positions, axis=1)
    maskable = ~np.take_along_axis(special, positions, axis=1)
    second = mix(np.take_along_axis(lots, positions, axis=1))
    action = (second >> np.uint64(40)).astype(np.float64) / 2**24
    pieces = np.uint64(mask_id - _FIRST_PIECE)
    random_ids = _FIRST_PIECE + (mix(second) % pieces).astype(np.int64)
    seen = np.where(action < _REPLACED_BY_MASK + _REPLACED_AT_RANDOM, random_ids, chosen)
    seen = np.where(action < _REPLACED_BY_MASK, mask_id, seen)
    np.put_along_axis(ids, positions, np.where(maskable, seen, chosen), axis=1)
    return Masked(ids, positions, np.where(maskable, chosen, IGNORED))
