"""What the page shows, as plain values: `dataclasses.asdict` of a Page is JSON. Scores are fractions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Seed:
    """One record of ours: its headline average, and where its file is as seen from the page (a quoted URL)."""

    seed: int | None
    average: float | None
    collapsed: bool
    link: str


@dataclass(frozen=True)
class Row:
    """One line of a section.

    `values` and `average` hold a number a metric that the benchmark shows. `spread` is the standard deviation over
    seeds (`spread_of` is `sd`) or half the 95 % interval of a single seed (`ci`). `columns_ci` are the same by column,
    as low and high. `mark` qualifies the rank: `*` by printed value alone, `~` by overlapping intervals. `foreign`
    names the data of a result that is not of the published data. `link` is that of a published row's record.
    """

    model: str
    detail: str
    origin: str
    protocol: str
    selection: str
    n: int | None
    rank: int | None
    mark: str
    values: Mapping[str, tuple[float, ...]]
    average: tuple[float, ...]
    spread: float | None
    spread_of: str
    ci95: tuple[float, float] | None
    columns_ci: Mapping[str, tuple[float, float]]
    foreign: str | None
    seeds: tuple[Seed, ...]
    link: str | None
    notes: tuple[str, ...]

    @property
    def collapsed(self) -> int:
        """How many seeds are not in the mean because they collapsed."""
        return sum(seed.collapsed for seed in self.seeds)


@dataclass(frozen=True)
class LeftOut:
    """A record that is in no row, and why."""

    model: str
    selection: str
    seed: int | None
    reason: str
    link: str


@dataclass(frozen=True)
class Standard:
    """What the rows of one protocol share: metric, data, scorer; and what was said and left out in ranking them.

    `over` are the columns that averages are of where they are not all of the published table's.
    """

    protocol: str
    metric: str
    data: str
    signature: str
    over: tuple[str, ...]
    remarks: tuple[str, ...]
    left_out: tuple[LeftOut, ...]


@dataclass(frozen=True)
class Point:
    """One column of a comparison; `low` and `high` are the uncertainty of ours, None where it is unknown."""

    column: str
    ours: float
    paper: float
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Comparison:
    """A row of ours beside a published one; `same` tells whether that is of the same model."""

    row: Row
    paper: str
    same: bool
    points: tuple[Point, ...]


@dataclass(frozen=True)
class Section:
    """One benchmark. `metrics` are those of a cell, in order."""

    name: str
    title: str
    reference: str
    columns: tuple[str, ...]
    metrics: tuple[str, ...]
    median: bool
    standards: tuple[Standard, ...]
    rows: tuple[Row, ...]
    comparisons: tuple[Comparison, ...]


@dataclass(frozen=True)
class Page:
    """Everything; `digest` is that of the records, so that an unchanged page can be told from an old one."""

    version: str
    digest: str
    ours: int
    published: int
    sections: tuple[Section, ...]
