"""Rows from records: the paper's as printed, ours as means (or medians) over seeds with their spread."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from statistics import fmean, mean, median, stdev
from typing import Any

from ..benchmarks import find_benchmark
from ..errors import DataError
from ..published import published_folder, published_rows
from ..report import column_values, headlines, tested_split
from ..results import Record
from .layout import Part, ResultTable
from .runs import RULES, Seeds, on_published_data
from .sheet import Cell, Row, Section


def sections(table: ResultTable, groups: Sequence[Seeds]) -> tuple[Section, ...]:
    """The table's sections: the paper's rows in their printed order, then ours."""
    printed = published_rows(table.number)
    return tuple(
        Section(
            part.key,
            part.title,
            (
                *(_paper_row(table, row, printed) for row in part.rows),
                *(_our_row(table, group) for group in groups if part.takes(group.records[0])),
            ),
        )
        for part in table.parts
    )


def has_place(parts: Sequence[Part], record: Record) -> bool:
    """Whether a section takes the result."""
    return any(part.takes(record) for part in parts)


def summed_up(table: ResultTable) -> str:
    """How the seeds of our rows are brought together, in words."""
    middle = "medians" if find_benchmark(table.benchmark).median else "means"
    return (
        f"ours: {middle} over seeds; sd: standard deviation over seeds; ci: half the 95 % interval over the examples "
        "of a single seed"
    )


def _paper_row(table: ResultTable, row: str, printed: dict[str, tuple[Path, Record]]) -> Row:
    if row not in printed:
        raise DataError(f"the published row {row} is missing in {published_folder() or 'leaderboards/paper'}.")
    path, record = printed[row]
    folder, source = published_folder(), record["provenance"]
    assert folder is not None
    reported = [f"as reported by {source['reported_by']}"] if source["reported_by"] else []
    cells = [_score([record], code, place) for code in table.columns for place in range(len(table.metrics))]
    averages = [_printed_average(table, record, place) for place in range(len(table.metrics))]
    return Row(
        id=row,
        cells=(*_facts(table, record), *cells, *averages),
        origin="paper",
        seeds=record["config"]["seeds"],
        notes=(*reported, *record["notes"]),
        records=(f"leaderboards/paper/{path.relative_to(folder).as_posix()}",),
        printed_label=source.get("printed_label"),
    )


def _our_row(table: ResultTable, group: Seeds) -> Row:
    first, n = group.records[0], len(group.records)
    cells = [_score(group.records, code, place) for code in table.columns for place in range(len(table.metrics))]
    averages = [_average(table, group.records, place) for place in range(len(table.metrics))]
    fate = ".collapsed" if group.collapsed else ""
    return Row(
        id=f"run.{first['model']['name']}.{first['protocol']}.{first['selection']}.{group.digest}{fate}",
        cells=(*_facts(table, first), *cells, *averages),
        origin="run",
        seeds=n,
        standing=_standing(table, group),
        notes=_notes(table, group),
        records=tuple(map(str, group.files)),
    )


def _standing(table: ResultTable, group: Seeds) -> tuple[str, ...]:
    first = group.records[0]
    rules = find_benchmark(table.benchmark).selections
    # Where the table has a column for the number of models, that column tells the rule.
    told = len(rules) == 1 or any(fact.key == "n_models" for fact in table.facts)
    words = [] if told else [RULES[first["selection"]]]
    words += [] if on_published_data(first) else ["other data"]
    return (*words, *(["collapsed"] if group.collapsed else []))


def _notes(table: ResultTable, group: Seeds) -> tuple[str, ...]:
    first = group.records[0]
    notes = [] if on_published_data(first) else [f"not on the published data: {first['data']['name']}"]
    present = sum(code in column_values(first) for code in table.columns)
    if present < len(table.columns):
        notes.append(f"no average over {present} of {len(table.columns)} columns")
    if group.others and not group.collapsed:
        notes.append(
            f"seeds that collapsed are not in this mean: {group.others} of {len(group.records) + group.others}"
        )
    if group.collapsed:
        notes += dict.fromkeys(f"seed {r['seed']} collapsed: {note}" for r in group.records for note in r["notes"])
    return tuple(notes)


def _facts(table: ResultTable, record: Record) -> tuple[Cell, ...]:
    return (Cell(record["model"]["name"]), *(Cell(fact.read(record)) for fact in table.facts))


def _score(records: Sequence[Record], column: str, place: int) -> Cell:
    """One score; a column that some seed lacks is absent."""
    values = [column_values(r, place).get(column) for r in records]
    found = [v for v in values if v is not None]
    if len(found) < len(values):
        return Cell()
    return _cell(records, found, _entries(records[0], column)[place]["ci95"])


def _average(table: ResultTable, records: Sequence[Record], place: int) -> Cell:
    """The benchmark's headline average, where every column of the table is there."""
    if any(code not in column_values(r, place) for r in records for code in table.columns):
        return Cell()
    found = [headlines(r)[place] for r in records]
    return _cell(records, [a["value"] for a in found], found[0]["ci95"])


def _cell(records: Sequence[Record], values: Sequence[float], interval: Sequence[float] | None) -> Cell:
    middle = median if find_benchmark(records[0]["benchmark"]).median else mean
    if len(values) > 1:
        return Cell(middle(values), stdev(values), "sd")
    if interval is not None:
        return Cell(values[0], (interval[1] - interval[0]) / 2, "ci")
    return Cell(values[0])


def _printed_average(table: ResultTable, record: Record, place: int) -> Cell:
    """The average as printed, flagged where the printed scores do not give it within what rounding can do."""
    printed = headlines(record)[place]["value"]
    if printed is None:
        return Cell()
    values = column_values(record, place)
    present = tuple(code for code in table.columns if code in values)
    weights = next(iter(find_benchmark(table.benchmark).averages(present).values()))
    follows = fmean([values[code] for code in weights], weights=list(weights.values()))
    # Scores and average are each rounded to half a unit of the last decimal.
    if abs(follows - printed) <= 10 ** -(table.decimals + 2) + 1e-9:
        return Cell(printed)
    mean_ = f"{100 * follows:.{table.decimals + 1}f}"
    return Cell(printed, flags=(f"the printed average disagrees with its cells, whose mean is {mean_}",))


def _entries(record: Record, column: str) -> list[dict[str, Any]]:
    """The score entries of one column, metric by metric."""
    return [s for s in record["scores"] if s["split"] == tested_split(record) and s["language"] == column]
