"""A sheet in a format that people or programs read."""

from __future__ import annotations

import csv
import io
import json
import textwrap
from collections.abc import Callable
from typing import Any

from tabulate import tabulate

from .grid import Grid, Printed, below, lay_out, shown
from .latex import latex
from .markup import html
from .sheet import Cell, Column, Row, Section, Sheet


def text(sheet: Sheet) -> str:
    """For the terminal."""
    grid = lay_out(sheet)
    table = _tabulated(grid, "simple", str, str)
    notes = [f"[{n}] {note}" for n, note in enumerate(grid.footnotes, 1)]
    lines = [_wrapped(line) for line in (*notes, *below(sheet))]
    return "\n".join([sheet.heading, _wrapped(sheet.caption), "", table, *lines])


def markdown(sheet: Sheet) -> str:
    """A pipe table, as GitHub and Jupyter read it."""
    grid = lay_out(sheet)
    table = _tabulated(grid, "pipe", _markdown_escaped, lambda title: f"**{_markdown_escaped(title)}**")
    # Two spaces at the end of a line keep it a line of its own.
    notes = [f"\\[{n}\\] {_markdown_escaped(note)}  " for n, note in enumerate(grid.footnotes, 1)]
    lines = [f"{_markdown_escaped(line)}  " for line in below(sheet)]
    head = [f"**{_markdown_escaped(sheet.heading)}.** {_markdown_escaped(sheet.caption)}", "", table]
    return "\n".join([*head, *([""] if notes or lines else []), *notes, *lines])


def csv_text(sheet: Sheet) -> str:
    """One line a row, per cents as printed, each score with its spread; what is left out is not in it."""
    scores = [c for c in sheet.columns if c.kind == "score"]
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    spreads = [f"{c.key} spread" for c in scores]
    writer.writerow(
        [
            "id",
            "section",
            "origin",
            "seeds",
            *(c.key for c in sheet.columns),
            *spreads,
            *(["spread of"] if scores else []),
        ]
    )
    for section in sheet.sections:
        for row in section.rows:
            cells = list(zip(row.cells, sheet.columns, strict=True))
            widths = [shown(Cell(cell.spread), column) for cell, column in cells if column.kind == "score"]
            kinds = [cell.spread_of for cell in row.cells if cell.spread_of]
            start = [row.id, section.key, row.origin, "-" if row.seeds is None else row.seeds]
            end = [*widths, kinds[0] if kinds else "-"] if scores else []
            writer.writerow([*start, *(shown(cell, column) for cell, column in cells), *end])
    return buffer.getvalue().rstrip("\n")


def json_text(sheet: Sheet) -> str:
    """Everything that a sheet holds: scores as fractions (`value`) and as printed (`shown`)."""
    content = {
        "table": sheet.number,
        "title": sheet.title,
        "caption": sheet.caption,
        "columns": [
            {"key": c.key, "title": c.title, "kind": c.kind, **({"group": c.group} if c.group else {})}
            for c in sheet.columns
        ],
        "rows": [_row(section, row, sheet.columns) for section in sheet.sections for row in section.rows],
        "remarks": list(sheet.remarks),
        "left_out": [{"results": e.results, "reason": e.reason, "records": list(e.records)} for e in sheet.left_out],
    }
    return json.dumps(content, indent=1, ensure_ascii=False)


FORMATS: dict[str, Callable[[Sheet], str]] = {
    "text": text,
    "markdown": markdown,
    "latex": latex,
    "html": html,
    "csv": csv_text,
    "json": json_text,
}


def render(sheet: Sheet, style: str) -> str:
    """The sheet in one of FORMATS, without a newline at its end."""
    return FORMATS[style](sheet)


def _tabulated(grid: Grid, style: str, escaped: Callable[[str], str], heading: Callable[[str], str]) -> str:
    rows: list[list[str]] = []
    empty = [""] * (len(grid.titles) - 1)
    for title, printed in grid.sections:
        rows += [[heading(title), *empty]] if title else []
        rows += [[_plain(cell, escaped) for cell in row.cells] for row in printed]
    align = ["right" if numeric else "left" for numeric in grid.numeric]
    titles = [escaped(title) for title in grid.titles]
    table: str = tabulate(rows, titles, tablefmt=style, disable_numparse=True, colalign=align)
    return table


def _plain(cell: Printed, escaped: Callable[[str], str]) -> str:
    spread = f" ± {cell.spread}" if cell.spread else ""
    notes = "".join(f" [{n}]" for n in cell.notes)
    return escaped(f"{cell.text}{spread}{notes}")


def _wrapped(line: str) -> str:
    """Long lines are broken for the terminal; the rest of a line stands under its beginning."""
    return textwrap.fill(line, 120, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False)


def _markdown_escaped(words: str) -> str:
    """Escape what Markdown or the HTML inside it would take for markup."""
    for mark in "\\`*_[]|#~":
        words = words.replace(mark, f"\\{mark}")
    return words.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _row(section: Section, row: Row, columns: tuple[Column, ...]) -> dict[str, Any]:
    label = {} if row.printed_label is None else {"printed_label": row.printed_label}
    return {
        "id": row.id,
        "section": section.key,
        "origin": row.origin,
        "seeds": row.seeds,
        **label,
        "standing": list(row.standing),
        "notes": list(row.notes),
        "records": list(row.records),
        "cells": {column.key: _cell(cell, column) for cell, column in zip(row.cells, columns, strict=True)},
    }


def _cell(cell: Cell, column: Column) -> dict[str, Any]:
    spread = {} if cell.spread is None else {"spread": cell.spread, "spread_of": cell.spread_of}
    flags = {"flags": list(cell.flags)} if cell.flags else {}
    return {"value": cell.value, "shown": shown(cell, column), **spread, **flags}
