"""One labelled input, and a split of them in one language: what readers make and everything else takes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path


@dataclass(frozen=True, slots=True)
class PairExample:
    """A pair of sentences with its label, as XNLI has them.

    `id` is the 1-based row of the example within its split and language in the official order; XNLI's
    languages are parallel, so the same id is the same pair in all of them.
    """

    id: str
    premise: str
    hypothesis: str
    label: str


@dataclass(frozen=True)
class Split:
    """The examples of one split in one language.

    `role` tells what they are for (`train`, `dev`, `test`, `translate-dev`, `translate-test`), `language` whose
    they are (also for text translated into English), `files` where they were read, `source` the data set's name.
    `official` tells whether they are the published data unaltered (None: a data set of its own, to which nothing
    published compares), `deviation` how they differ.
    """

    role: str
    language: str
    examples: tuple[PairExample, ...]
    files: tuple[Path, ...]
    source: str = "files"
    official: bool | None = None
    deviation: str | None = None

    @cached_property
    def digest(self) -> str:
        """SHA-256 of ids, texts and labels in order: equal digests mean equal data, wherever they were read."""
        return digest_rows((e.id, e.premise, e.hypothesis, e.label) for e in self.examples)

    @cached_property
    def gold_digest(self) -> str:
        """SHA-256 of ids and labels alone: what a score depends on."""
        return digest_rows((e.id, e.label) for e in self.examples)


def limited(split: Split, limit: int | None) -> Split:
    """The first `limit` examples of a split."""
    return split if limit is None else replace(split, examples=split.examples[:limit])


def digest_rows(rows: Iterable[tuple[str, ...]]) -> str:
    """SHA-256 over rows of strings; the separators are control characters that no text file line holds."""
    h = hashlib.sha256()
    for row in rows:
        h.update("\x1f".join(row).encode("utf-8", "surrogatepass"))
        h.update(b"\x1e")
    return h.hexdigest()
