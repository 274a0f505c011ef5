"""What the paper printed for a claim, recomputed from the published records and from the bars of its figures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from statistics import fmean

from ..benchmarks import find_benchmark
from ..errors import DataError
from ..pairing import headline_weights
from ..published import published_rows
from ..report import column_values, tested_split
from ..results import Record
from ..tables.facts import read_facts
from .claim import HIGH, LOW, Cell, SizeRatio, Terms

TABLES = (1, 2, 3, 4, 5)
# Half of the last digit that a table prints, in points; Table 2 has two decimals, the others one.
ROUNDING = {2: 0.005}
ONE_DECIMAL = 0.05
_ABLATION = 5  # its models of one name differ by their pretraining data
_BARS = {LOW: "low_res", HIGH: "high_res", (): "all"}


@dataclass(frozen=True)
class Printed:
    """A number of the paper in points, with how far it may be off by rounding or by reading a bar."""

    value: float
    error: float


@dataclass(frozen=True)
class Row:
    """A row of a table, or the bars of one model. `columns` are the languages (or tasks) of its average, with weights.

    `cells` are by (columns, place); `()` is the average as printed. `model` is told apart by pretraining data where the
    paper's name is not: `XLM-7 Wiki`.
    """

    name: str
    model: str
    benchmark: str
    protocol: str
    selection: str
    columns: Mapping[str, float]
    cells: Mapping[tuple[tuple[str, ...], int], float]
    error: float

    def printed(self, cell: Cell) -> Printed | None:
        """The cell as printed, or the mean of the cells it averages; None where the paper prints none."""
        whole = self.cells.get((cell.columns, cell.place))
        if whole is not None:
            return Printed(whole, self.error)
        parts = [self.cells.get(((c,), cell.place)) for c in cell.columns]
        known = [p for p in parts if p is not None]
        return Printed(fmean(known), self.error) if known and len(known) == len(parts) else None

    def recomputed(self, cell: Cell) -> Printed | None:
        """The same, but an average is that of the row's cells and not the printed one."""
        if cell.columns:
            return self.printed(cell)
        values = [self.cells.get(((c,), cell.place)) for c in self.columns]
        known = [v for v in values if v is not None]
        if len(known) < len(values) or not known:
            return None
        return Printed(fmean(known, weights=list(self.columns.values())), self.error)


Book = Mapping[str, Row]


def read_book() -> Book:
    """All rows of Tables 1 to 5 and of the figures, by name."""
    tables = {table: published_rows(table) for table in TABLES}
    missing = [table for table, rows in tables.items() if not rows]
    if missing:
        raise DataError(
            f"the published records of Table {missing[0]} are missing. Restore leaderboards/paper, or install "
            "xlmr_bench again."
        )
    found = {name: _table_row(name, r, table) for table, rows in tables.items() for name, (_, r) in rows.items()}
    seven = found[next(iter(tables[_ABLATION]))].columns
    return {**found, **{row.name: row for row in _figure_rows(seven)}}


def total(book: Book, terms: Terms, *, recomputed: bool = False) -> Printed | None:
    """A linear combination of printed cells; None where one of them is not printed."""
    value = error = 0.0
    for cell in terms:
        row = book[cell.row]
        found = row.recomputed(cell) if recomputed else row.printed(cell)
        if found is None:
            return None
        value += cell.weight * found.value
        error += abs(cell.weight) * found.error
    return Printed(value, error)


def mean_ratio(part: SizeRatio) -> float:
    """The mean over languages of CommonCrawl's size over Wikipedia's, where Figure 1 shows a bar of both."""
    ratios = []
    for line in read_facts("figure1_sizes.tsv"):
        if line["cc_gib"] and line["wiki_gib"] and float(line["wiki_gib"]) <= part.wiki_gib:
            ratios.append(float(line["cc_gib"]) / float(line["wiki_gib"]))
    return fmean(ratios)


def _table_row(name: str, record: Record, table: int) -> Row:
    values = [column_values(record, place) for place in range(2)]
    cells: dict[tuple[tuple[str, ...], int], float]
    cells = {((code,), place): 100 * v for place, found in enumerate(values) for code, v in found.items()}
    averages = [a["value"] for a in record["aggregate"] if a["split"] == tested_split(record)]
    cells |= {((), place): 100 * v for place, v in enumerate(averages) if v is not None}
    return Row(
        name=name,
        model=_model(record, table),
        benchmark=record["benchmark"],
        protocol=record["protocol"],
        selection=record["selection"],
        columns=headline_weights(find_benchmark(record["benchmark"]), tuple(values[0])),
        cells=cells,
        error=ROUNDING.get(table, ONE_DECIMAL),
    )


def _model(record: Record, table: int) -> str:
    about = record["model"]
    return f"{about['name']} {about['pretraining_data']}" if table == _ABLATION else str(about["name"])


def _figure_rows(columns: Mapping[str, float]) -> Iterator[Row]:
    for line in read_facts("figures.tsv"):
        bars = {(group, 0): float(line[column]) for group, column in _BARS.items() if line[column]}
        yield Row(
            name=line["row"],
            model=line["model"],
            benchmark="xnli",
            protocol=line["protocol"],
            selection=line["selection"],
            columns=columns,
            cells=bars,
            error=float(line["error"] or 0),
        )
