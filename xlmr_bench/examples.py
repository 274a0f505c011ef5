"""Labelled inputs of each kind of task, and a split of them in one language: what readers make and all else takes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Generic, Protocol, TypeVar


class Example(Protocol):
    """What every kind of example has; `row` holds all of it as strings, `gold_row` what a score depends on."""

    @property
    def id(self) -> str: ...
    def row(self) -> tuple[str, ...]: ...
    def gold_row(self) -> tuple[str, ...]: ...


class TextExample(Example, Protocol):
    """An example of one or two texts with a label."""

    @property
    def label(self) -> str: ...
    def texts(self) -> tuple[str, ...]: ...


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

    def row(self) -> tuple[str, ...]:
        """All of it."""
        return self.id, self.premise, self.hypothesis, self.label

    def texts(self) -> tuple[str, ...]:
        """Premise and hypothesis."""
        return self.premise, self.hypothesis

    def gold_row(self) -> tuple[str, ...]:
        """The label."""
        return self.id, self.label


@dataclass(frozen=True, slots=True)
class TaggedSentence:
    """Words with one IOB2 tag each, as CoNLL has them; `id` is the 1-based sentence of its split."""

    id: str
    words: tuple[str, ...]
    tags: tuple[str, ...]

    def row(self) -> tuple[str, ...]:
        """All of it."""
        return self.id, *self.words, *self.tags

    def gold_row(self) -> tuple[str, ...]:
        """The tags."""
        return self.id, *self.tags


@dataclass(frozen=True, slots=True)
class Question:
    """A question on a context, with the answers that count as right, as SQuAD has them.

    `starts` are the answers' first characters in the context; all of them are gold. A start is -1 where a dev or test
    answer does not stand where the file says.
    """

    id: str
    question: str
    context: str
    answers: tuple[str, ...]
    starts: tuple[int, ...]

    def row(self) -> tuple[str, ...]:
        """All of it."""
        return self.id, self.question, self.context, *self.answers, *map(str, self.starts)

    def texts(self) -> tuple[str, ...]:
        """The question: contexts of other languages are not translations of each other."""
        return (self.question,)

    def gold_row(self) -> tuple[str, ...]:
        """The answers."""
        return self.id, *self.answers


@dataclass(frozen=True, slots=True)
class LabelledText:
    """One or two sentences (`second` is None for one) with a label, or a score in digits where the task is a scale."""

    id: str
    first: str
    second: str | None
    label: str

    def row(self) -> tuple[str, ...]:
        """All of it."""
        return self.id, *self.texts(), self.label

    def texts(self) -> tuple[str, ...]:
        """The first and, where there is one, the second."""
        return (self.first,) if self.second is None else (self.first, self.second)

    def gold_row(self) -> tuple[str, ...]:
        """The label."""
        return self.id, self.label


E_co = TypeVar("E_co", bound=Example, covariant=True)


@dataclass(frozen=True)
class Split(Generic[E_co]):
    """The examples of one split in one language.

    `role` tells what they are for (`train`, `dev`, `test`, `translate-dev`, `translate-test`), `language` whose
    they are (also for text translated into English), `files` where they were read, `source` the data set's name.
    `official` tells whether they are the published data unaltered (None: a data set of its own, to which nothing
    published compares), `deviation` how they differ, `note` what else is worth knowing of this copy (its encoding, its
    annotation, broken lines left out).
    """

    role: str
    language: str
    examples: tuple[E_co, ...]
    files: tuple[Path, ...]
    source: str = "files"
    official: bool | None = None
    deviation: str | None = None
    note: str | None = None

    @cached_property
    def digest(self) -> str:
        """SHA-256 of ids, texts and labels in order: equal digests mean equal data, wherever they were read."""
        return digest_rows(e.row() for e in self.examples)

    @cached_property
    def gold_digest(self) -> str:
        """SHA-256 of ids and labels alone: what a score depends on."""
        return digest_rows(e.gold_row() for e in self.examples)


def limited(split: Split[E_co], limit: int | None) -> Split[E_co]:
    """The first `limit` examples of a split."""
    return split if limit is None else replace(split, examples=split.examples[:limit])


def digest_rows(rows: Iterable[tuple[str, ...]]) -> str:
    """SHA-256 over rows of strings; the separators are control characters that no text file line holds."""
    h = hashlib.sha256()
    for row in rows:
        h.update("\x1f".join(row).encode("utf-8", "surrogatepass"))
        h.update(b"\x1e")
    return h.hexdigest()
