"""A sheet as it is printed: columns put together, per cents, footnotes numbered. Formats only add their markup."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby

from .sheet import Cell, Column, Row, Sheet

ABSENT = "-"


@dataclass(frozen=True)
class Printed:
    """One printed cell; `spread` such as "0.3 sd" is empty where there is none, `notes` are numbers of footnotes."""

    text: str
    spread: str = ""
    notes: tuple[int, ...] = ()


@dataclass(frozen=True)
class PrintedRow:
    cells: tuple[Printed, ...]
    ours: bool
    records: tuple[str, ...]


@dataclass(frozen=True)
class Grid:
    """`groups` are headings above the columns with the number that each spans; empty ones span what has none."""

    titles: tuple[str, ...]
    numeric: tuple[bool, ...]
    groups: tuple[tuple[str, int], ...]
    sections: tuple[tuple[str, tuple[PrintedRow, ...]], ...]
    footnotes: tuple[str, ...]


def shown(cell: Cell, column: Column) -> str:
    """A value as the paper prints it: scores in per cent, what is absent as a dash."""
    value = cell.value
    if value is None:
        return ABSENT
    if isinstance(value, str):
        return " ".join(value.split())
    if column.kind == "score":
        return f"{100 * value:.{column.decimals}f}"
    return f"{value:.10g}" if column.decimals is None else f"{value:.{column.decimals}f}"


def lay_out(sheet: Sheet) -> Grid:
    """Put columns of one title together and number the footnotes in the order in which they are met."""
    spans = [list(places) for _, places in groupby(range(len(sheet.columns)), lambda i: sheet.columns[i].title)]
    first = [sheet.columns[span[0]] for span in spans]
    numbers: dict[str, int] = {}
    sections = tuple(
        (section.title, tuple(_row(sheet, row, spans, numbers) for row in section.rows)) for section in sheet.sections
    )
    return Grid(
        titles=tuple(column.title for column in first),
        numeric=tuple(column.kind != "fact" for column in first),
        groups=tuple((name, len(list(columns))) for name, columns in groupby(first, lambda column: column.group)),
        sections=sections,
        footnotes=tuple(numbers),
    )


def below(sheet: Sheet) -> list[str]:
    """Lines that stand below the table, after its footnotes."""
    return [*sheet.remarks, *(f"left out: {entry.results}: {entry.reason}" for entry in sheet.left_out)]


def _row(sheet: Sheet, row: Row, spans: list[list[int]], numbers: dict[str, int]) -> PrintedRow:
    notes = tuple(_number(note, numbers) for note in row.notes)
    cells = [_put_together([sheet.columns[i] for i in span], [row.cells[i] for i in span], numbers) for span in spans]
    label = cells[0]
    cells[0] = Printed(label.text + _standing(row), label.spread, (*notes, *label.notes))
    return PrintedRow(tuple(cells), row.origin == "run", row.records)


def _standing(row: Row) -> str:
    """Our rows are marked as ours, with the number of seeds."""
    if row.origin == "paper":
        return ""
    seeds = f"{row.seeds} seed" + ("" if row.seeds == 1 else "s")
    return f" ({', '.join(('ours', seeds, *row.standing))})"


def _put_together(columns: list[Column], cells: list[Cell], numbers: dict[str, int]) -> Printed:
    texts = [shown(cell, column) for cell, column in zip(cells, columns, strict=True)]
    spread = ""
    if columns[0].average and cells[0].spread is not None:
        parts = (shown(Cell(cell.spread), column) for cell, column in zip(cells, columns, strict=True))
        spread = f"{' / '.join(parts)} {cells[0].spread_of}"
    text = ABSENT if all(t == ABSENT for t in texts) else " / ".join(texts)
    return Printed(text, spread, tuple(_number(flag, numbers) for cell in cells for flag in cell.flags))


def _number(note: str, numbers: dict[str, int]) -> int:
    """The number of a footnote, a new one for new words."""
    return numbers.setdefault(note, len(numbers) + 1)
