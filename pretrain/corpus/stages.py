"""The stages of a corpus: each is a list of items, and an item is done exactly when its target exists.

Items may be carried out by any process in any order, twice even: their targets are written whole or not at all, and
hold the same bytes each time.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from .dumps import fetch_wet
from .folder import Corpus
from .lines import line_hashes
from .problems import Problems
from .repeats import find_repeats, write_hashes
from .wet import long_enough, read_wet

# Memory of a bucket is that of the lines of so many WET files, a few million each.
_FILES_A_BUCKET = 2


class Stage(Protocol):
    """A list of items, numbered from 0."""

    @property
    def name(self) -> str: ...

    def __len__(self) -> int: ...

    def target(self, item: int) -> Path:
        """What is there once the item is done."""
        ...

    def describe(self, item: int) -> str:
        """The item in words, for progress and errors."""
        ...

    def carry_out(self, item: int) -> int:
        """Do it; returns the bytes that it read."""
        ...


@dataclass(frozen=True)
class Hashing:
    """A WET file, downloaded if need be, to the sorted hashes of its lines (cc_net's first pass)."""

    corpus: Corpus
    name: str = "hashes"

    def __len__(self) -> int:
        return len(self.corpus.wet)

    def target(self, item: int) -> Path:
        return self.corpus.hashes(item)

    def describe(self, item: int) -> str:
        return f"hashing the lines of {self.corpus.wet[item]}"

    def carry_out(self, item: int) -> int:
        path = fetch_wet(self.corpus.wet[item], self.corpus.downloads)
        # What is wrong with the file is counted where its documents are.
        hashes = [line_hashes(page.text) for page in read_wet(path, Problems()) if long_enough(page)]
        write_hashes(np.concatenate([np.zeros(0, np.uint64), *hashes]), self.target(item))
        return path.stat().st_size


@dataclass(frozen=True)
class Repeats:
    """A range of hash values, over the WET files of a group: which of them occur more than once."""

    corpus: Corpus
    name: str = "repeats"

    def __len__(self) -> int:
        return sum(buckets_of(self.corpus, group) for group in range(len(self.corpus.groups)))

    def target(self, item: int) -> Path:
        return self.corpus.repeats(*self._place(item))

    def describe(self, item: int) -> str:
        group, bucket = self._place(item)
        return f"looking for repeated lines, group {group}, range {bucket} of {buckets_of(self.corpus, group)}"

    def carry_out(self, item: int) -> int:
        group, bucket = self._place(item)
        files = [self.corpus.hashes(wet) for wet in self.corpus.groups[group]]
        buckets = buckets_of(self.corpus, group)
        find_repeats(files, bucket, buckets, self.target(item))
        return sum(path.stat().st_size for path in files) // buckets

    def _place(self, item: int) -> tuple[int, int]:
        """(group, bucket) of an item."""
        for group in range(len(self.corpus.groups)):
            buckets = buckets_of(self.corpus, group)
            if item < buckets:
                return group, item
            item -= buckets
        raise IndexError(item)


def buckets_of(corpus: Corpus, group: int) -> int:
    """Ranges into which the hashes of a group are divided; known before any line is read."""
    return max(1, -(-len(corpus.groups[group]) // _FILES_A_BUCKET))


def bucket_files(corpus: Corpus, group: int) -> list[Path]:
    """What the ranges of a group came to, in their order."""
    return [corpus.repeats(group, bucket) for bucket in range(buckets_of(corpus, group))]
