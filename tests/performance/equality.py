"""Do both sides compute the same? `python -m performance.equality MODE OURS PEER` compares what they wrote.

Outputs: an input of ours is looked up among the peer's by its token ids, and compared at the positions that ours has.
Tokens: one stream a language, in which only ours has `</s>` between documents.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float32]
_EOS, _FAIRSEQ_OFFSET, _UNKNOWN = 2, 1, 3


def inputs(file: str) -> Iterator[tuple[bytes, dict[int, Array]]]:
    """Each input's token ids, and its outputs by position."""
    found = np.load(file)
    bounds = zip(pairwise(found["offsets"].tolist()), pairwise(found["output_offsets"].tolist()), strict=True)
    for (start, stop), (first, last) in bounds:
        ids = found["tokens"][start:stop].astype(np.int64).tobytes()
        positions = found["positions"][first:last].tolist()
        yield ids, dict(zip(positions, found["outputs"][first:last], strict=True))


def outputs(ours: str, peer: str) -> dict[str, float]:
    """Inputs of ours, those that the peer has too, the largest difference of their outputs, and their largest value."""
    theirs = dict(inputs(peer))
    total = same = 0
    difference = largest = 0.0
    for ids, values in inputs(ours):
        total += 1
        if ids in theirs:
            same += 1
            for position, row in values.items():
                difference = max(difference, float(np.abs(row - theirs[ids][position]).max()))
                largest = max(largest, float(np.abs(row).max()))
    return {"inputs": total, "same_inputs": same, "difference": difference, "largest": largest}


def tokens(ours: str, peer: str) -> dict[str, float]:
    """Tokens of ours but `</s>`, and how many of them the peer's streams hold too, in order.

    SentencePiece counts pieces from another number than XLM-R: <unk> is 0 there, and all others are one less.
    """
    mine, theirs = np.load(ours), np.load(peer)
    total = same = 0
    for code in mine.files:
        a, b = mine[code][mine[code] != _EOS].astype(np.int64), theirs[code].astype(np.int64)
        bare = np.where(b == 0, _UNKNOWN, b + _FAIRSEQ_OFFSET)
        total += len(a)
        same += max(_in_common(a, b), _in_common(a, bare))
    return {"tokens": total, "same": same}


def _in_common(a: npt.NDArray[np.int64], b: npt.NDArray[np.int64]) -> int:
    """Tokens of `a` in blocks of 8 that `b` holds somewhere too: a difference costs its own block, not what follows."""
    if len(a) == len(b):
        return int((a == b).sum())
    width = 8
    grams = set(map(bytes, np.lib.stride_tricks.sliding_window_view(b, width).copy())) if len(b) >= width else set()
    whole = len(a) // width * width
    return width * sum(bytes(block) in grams for block in a[:whole].reshape(-1, width)) + (len(a) - whole)


if __name__ == "__main__":
    mode, *files = sys.argv[1:]
    print(json.dumps(tokens(*files) if mode == "tokens" else outputs(*files)))
