"""The kinds of task a benchmark can declare: what a model reads and puts out, how it is trained, how it is scored.

Declarations alone; each kind has a module beside this one that encodes its examples and decodes a model's outputs
(`coders.py` maps one to the other). A model puts out `outputs` numbers at each position that its head reads.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True)
class Classification:
    """One or two texts to one of `labels`, in the order of the outputs; read at `<s>`.

    `metrics` are names of `scoring.METRICS`; the first one is what dev selects by, here and in the other kinds.
    """

    labels: tuple[str, ...]
    metrics: tuple[str, ...] = ("accuracy",)

    head: ClassVar[str] = "sequence"
    loss: ClassVar[str] = "classes"

    @property
    def outputs(self) -> int:
        """One a label."""
        return len(self.labels)


@dataclass(frozen=True)
class Regression:
    """One or two texts to a score from 0 to `maximum`, trained as score / maximum with squared error; read at `<s>`."""

    maximum: float
    metrics: tuple[str, ...] = ("pearson", "spearman")

    labels: ClassVar[tuple[str, ...]] = ()
    head: ClassVar[str] = "sequence"
    loss: ClassVar[str] = "value"
    outputs: ClassVar[int] = 1


@dataclass(frozen=True)
class Tagging:
    """A tag for each word, read at the word's first piece, without CRF (paper section 4; the authors' PyText code).

    Sentences that are longer than the model's input are split between words, never cut.
    """

    labels: tuple[str, ...]
    metrics: tuple[str, ...] = ("entity_f1", "entity_precision", "entity_recall")

    head: ClassVar[str] = "token"
    loss: ClassVar[str] = "classes"

    @property
    def outputs(self) -> int:
        """One a tag."""
        return len(self.labels)


@dataclass(frozen=True)
class Extraction:
    """A question on a context to a stretch of the context, read in overlapping windows of it.

    The head reads `<s>`, which stands for "not in this window", and the context's pieces; not the question's.
    """

    metrics: tuple[str, ...]

    labels: ClassVar[tuple[str, ...]] = ()
    head: ClassVar[str] = "span"
    loss: ClassVar[str] = "positions"
    outputs: ClassVar[int] = 2


Task = Classification | Regression | Tagging | Extraction
