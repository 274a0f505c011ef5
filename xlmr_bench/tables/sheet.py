"""A table as a value: what stands in it, before any format. Scores are fractions; formats make per cent of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Column:
    """`key` names the column in JSON and CSV. Neighbours of equal `title` are printed as one column, "80.6 / 67.8".

    `decimals` are the paper's: of per cent for a score, of the number itself for a number (None: as many as it has).
    `average` marks the columns that are printed with their spread.
    """

    key: str
    title: str
    kind: Literal["fact", "number", "score"] = "fact"
    decimals: int | None = None
    group: str = ""
    average: bool = False


@dataclass(frozen=True)
class Cell:
    """`value` is None where there is none, which is not 0.

    `spread` is of the same unit: the sample standard deviation over seeds (`sd`), or half the 95 % interval over the
    examples of a single seed (`ci`). `flags` say what is wrong with a printed value.
    """

    value: str | float | None = None
    spread: float | None = None
    spread_of: Literal["sd", "ci"] | None = None
    flags: tuple[str, ...] = ()


@dataclass(frozen=True)
class Row:
    """`cells` follow the sheet's columns. `seeds` is None where it is not known, `records` are the files it is from.

    `standing` are the words that a reader must see at once, such as "collapsed"; `notes` stand below the table.
    `printed_label` is the paper's own label where it prints a citation instead of a model's name.
    """

    id: str
    cells: tuple[Cell, ...]
    origin: Literal["paper", "run"]
    seeds: int | None = None
    standing: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    records: tuple[str, ...] = ()
    printed_label: str | None = None


@dataclass(frozen=True)
class Section:
    """Rows under one heading; `key` names it in JSON and CSV, `title` is empty where a table has no headings."""

    key: str
    title: str
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class LeftOut:
    """Results that have no place in a table, and the reason."""

    results: str
    reason: str
    records: tuple[str, ...]


@dataclass(frozen=True)
class Sheet:
    """A whole table, by the paper's `number`. `remarks` hold for all of it."""

    number: int
    title: str
    caption: str
    columns: tuple[Column, ...]
    sections: tuple[Section, ...]
    remarks: tuple[str, ...] = ()
    left_out: tuple[LeftOut, ...] = ()

    @property
    def heading(self) -> str:
        """Number and title, for formats that do not number tables themselves."""
        return f"Table {self.number}: {self.title}"

    @property
    def rows(self) -> tuple[Row, ...]:
        """All rows, section by section."""
        return tuple(row for section in self.sections for row in section.rows)

    def cell(self, row: Row, key: str) -> Cell:
        """The cell of a row in the column `key`; raises KeyError where there is no such column."""
        for column, cell in zip(self.columns, row.cells, strict=True):
            if column.key == key:
                return cell
        raise KeyError(key)
