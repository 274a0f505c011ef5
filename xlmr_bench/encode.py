"""Examples to token ids, once: encoded splits are memory-mapped files keyed by what decides their content.

The key is made of digests of texts, tokenizer and maximum length, never of paths: two folders of the same name
cannot be confused, and the same data found elsewhere need not be encoded again.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from .cache import cache_folder
from .errors import UsageError
from .examples import PairExample, Split
from .files import atomic_path, digest_of
from .modeling.tokenizer import Tokenizer
from .progress import Progress

# Raise when the layout of the arrays or the way in which pairs are cut changes.
_VERSION = 1
_CHUNK = 16_384


@dataclass(frozen=True)
class Encoded:
    """A split as arrays. `tokens` holds all inputs one after the other; input i is offsets[i]:offsets[i+1].

    `labels` are indices into the task's labels. `truncated` counts the inputs that did not fit.
    """

    tokens: npt.NDArray[np.int32]
    offsets: npt.NDArray[np.int64]
    labels: npt.NDArray[np.int64]
    truncated: int

    @property
    def lengths(self) -> npt.NDArray[np.int64]:
        """Tokens of each input, special tokens included."""
        return np.diff(self.offsets)

    def __len__(self) -> int:
        return len(self.labels)


def encode_pairs(split: Split[PairExample], labels: Sequence[str], tokenizer: Tokenizer, max_length: int) -> Encoded:
    """Encode a split's sentence pairs as `prefix a middle b suffix`, at most `max_length` tokens each."""
    specials = len(tokenizer.prefix) + len(tokenizer.middle) + len(tokenizer.suffix)
    if max_length <= specials + 1:
        raise UsageError(f"max_length={max_length} leaves no room beside {specials} special tokens.")
    key = digest_of([_VERSION, split.digest, tokenizer.digest, max_length])
    folder = cache_folder() / "encoded" / key[:32]
    if not (folder / "meta.json").is_file():
        with atomic_path(folder) as part:
            _write(part, split, tokenizer, max_length - specials)
    index = {label: i for i, label in enumerate(labels)}
    return Encoded(
        tokens=np.load(folder / "tokens.npy", mmap_mode="r"),
        offsets=np.load(folder / "offsets.npy"),
        labels=np.array([index[e.label] for e in split.examples], dtype=np.int64),
        truncated=json.loads((folder / "meta.json").read_text())["truncated"],
    )


def join(parts: Sequence[Encoded]) -> Encoded:
    """Several encoded splits as one, in order: the training set of translate-train-all."""
    if len(parts) == 1:
        return parts[0]
    starts = np.cumsum([0] + [len(p.tokens) for p in parts])
    return Encoded(
        tokens=np.concatenate([p.tokens for p in parts]),
        offsets=np.concatenate([p.offsets[:-1] + s for p, s in zip(parts, starts, strict=False)] + [starts[-1:]]),
        labels=np.concatenate([p.labels for p in parts]),
        truncated=sum(p.truncated for p in parts),
    )


def cut_pair(a: int, b: int, room: int) -> tuple[int, int]:
    """Lengths to which two texts of a and b tokens are cut to fit `room`: the longer one loses first.

    The same as Hugging Face's `longest_first`: on equal lengths the second text loses.
    """
    if a + b <= room:
        return a, b
    half = room // 2
    if b <= half:
        return room - b, b
    if a <= room - half:
        return a, room - a
    return room - half, half


def _write(folder: Path, split: Split[PairExample], tokenizer: Tokenizer, room: int) -> None:
    """Encode each distinct text once (XNLI repeats premises three times), chunk by chunk."""
    texts = list(dict.fromkeys(t for e in split.examples for t in (e.premise, e.hypothesis)))
    ids: dict[str, list[int]] = {}
    with Progress(len(texts), "texts", f"encoding {split.language} {split.role}") as progress:
        for start in range(0, len(texts), _CHUNK):
            chunk = texts[start : start + _CHUNK]
            ids.update(zip(chunk, tokenizer.encode_batch(chunk), strict=True))
            progress.update(len(chunk))
    tokens: list[npt.NDArray[np.int32]] = []
    lengths = np.empty(len(split.examples), dtype=np.int64)
    truncated = 0
    prefix, middle, suffix = list(tokenizer.prefix), list(tokenizer.middle), list(tokenizer.suffix)
    for i, example in enumerate(split.examples):
        a, b = ids[example.premise], ids[example.hypothesis]
        keep_a, keep_b = cut_pair(len(a), len(b), room)
        truncated += keep_a + keep_b < len(a) + len(b)
        tokens.append(np.array(prefix + a[:keep_a] + middle + b[:keep_b] + suffix, dtype=np.int32))
        lengths[i] = len(tokens[-1])
    folder.mkdir()
    np.save(folder / "tokens.npy", np.concatenate(tokens))
    np.save(folder / "offsets.npy", np.concatenate([[0], np.cumsum(lengths)]))
    (folder / "meta.json").write_text(json.dumps({"truncated": int(truncated)}))
