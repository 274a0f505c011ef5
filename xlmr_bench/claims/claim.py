"""What a claim is: a sentence of the paper, and the linear combinations of published cells that it speaks of.

A claim is declared over the paper's own rows and says nothing of ours: `printed` reads what the paper printed in these
cells, `ours` puts our runs of the same models in their place, and `verdict` holds both against the claim. Values are
in points (accuracy or F1 in percent).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, Literal

# What the cheapest test of a claim takes.
CHECKPOINTS: Final = "public checkpoints"
BASELINES: Final = "public checkpoints and published baselines"
PRETRAINING: Final = "pretraining (scaled down)"
STATISTICS: Final = "data statistics"
Needs = Literal[
    "public checkpoints", "public checkpoints and published baselines", "pretraining (scaled down)", "data statistics"
]

# Languages that the paper sums up as low-resource and high-resource (section 5.1).
LOW = ("sw", "ur")
HIGH = ("en", "fr")

Relation = Literal["=", ">", "<", "~"]


@dataclass(frozen=True)
class Cell:
    """A weighted cell of a published row, by the name of the row (`provenance.row`, or `row` in figures.tsv).

    `columns` are averaged; without them it is the row's own average. `place` chooses the metric (MLQA: 0 is F1, 1 is
    exact match).
    """

    weight: float
    row: str
    columns: tuple[str, ...] = ()
    place: int = 0


Terms = tuple[Cell, ...]


@dataclass(frozen=True)
class Part:
    """A linear combination of cells and what the claim says of it.

    `=`: it is `expected`. `>` and `<`: it is above or below `bound`; `expected` is the size that the paper gives.
    `~`: it is no further from 0 than `bound`. `again` is the same quantity from another place of the paper.
    """

    label: str
    terms: Terms
    relation: Relation
    expected: float | None = None
    bound: float = 0.0
    again: Terms = ()


@dataclass(frozen=True)
class Ordering:
    """Several quantities in order: `rising` or `falling` as listed, or each of `best` above all that are not in it."""

    label: str
    options: Mapping[str, Terms]
    kind: Literal["rising", "falling", "largest", "argmax"]
    best: tuple[str, ...] = ()

    def steps(self) -> tuple[Part, ...]:
        """The differences that all have to be positive."""
        names = tuple(self.options)
        if self.kind == "rising":
            pairs = [(b, a) for a, b in pairwise(names)]
        elif self.kind == "falling":
            pairs = list(pairwise(names))
        else:
            pairs = [(a, b) for a in self.best for b in names if b not in self.best]
        return tuple(Part(f"{a} - {b}", (*self.options[a], *negative(self.options[b])), ">") for a, b in pairs)


@dataclass(frozen=True)
class SizeRatio:
    """CommonCrawl's size over Wikipedia's, averaged over the languages of which Wikipedia has at most `wiki_gib`.

    It holds where it is within a factor of 1.5 of `about`.
    """

    label: str
    wiki_gib: float
    about: float


@dataclass(frozen=True)
class Claim:
    """A sentence of the paper. `flag` tells what is wrong with the printed evidence, `remark` what a reader must know.

    A claim without parts is a matter of judgement. `stand_ins` are other models of the paper on which the claim can be
    tested where its own was not run.
    """

    id: str
    statement: str
    where: str
    needs: Needs
    parts: tuple[Part | Ordering | SizeRatio, ...]
    flag: str = ""
    remark: str = ""
    stand_ins: tuple[str, ...] = ()

    @property
    def expected(self) -> tuple[float, ...]:
        """The numbers that the claim names, part by part."""
        return tuple(p.expected for p in self.parts if isinstance(p, Part) and p.expected is not None)


def value(row: str, columns: tuple[str, ...] = (), place: int = 0) -> Terms:
    """One cell."""
    return (Cell(1.0, row, columns, place),)


def minus(a: str, b: str, columns: tuple[str, ...] = (), place: int = 0) -> Terms:
    """The cell of row a minus the same cell of row b."""
    return (Cell(1.0, a, columns, place), Cell(-1.0, b, columns, place))


def negative(terms: Terms) -> Terms:
    """The combination with its sign turned."""
    return tuple(Cell(-t.weight, t.row, t.columns, t.place) for t in terms)


def rows_of(claim: Claim) -> tuple[str, ...]:
    """The published rows that a claim is about, in order, each once."""
    return tuple(dict.fromkeys(t.row for p in steps_of(claim) for t in (*p.terms, *p.again)))


def steps_of(claim: Claim) -> tuple[Part, ...]:
    """All linear combinations of a claim; an ordering has several."""
    found: list[Part] = []
    for part in claim.parts:
        if isinstance(part, Part):
            found.append(part)
        elif isinstance(part, Ordering):
            found += part.steps()
    return tuple(found)
