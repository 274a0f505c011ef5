"""Records -> the value that both the page and the README are made of."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from statistics import stdev
from typing import Any
from urllib.parse import quote

from .. import __version__
from ..benchmarks import all_benchmarks, find_benchmark
from ..benchmarks.base import Benchmark, Where
from ..errors import DataError
from ..files import digest_of
from ..leaderboard import Board, boards, load
from ..pairing import Run, middle
from ..published import published_folder, published_records
from ..ranking import Standing
from ..report import column_values, headline, tested_split
from ..results import Record, find_records
from .beside import comparisons
from .values import LeftOut, Page, Row, Section, Seed, Standard

WhereOf = Callable[[Record], Where | None]
Link = Callable[[Path], str]


def gather(runs: Path | None, out: Path, where_of: WhereOf) -> Page:
    """Read, rank and put in order the records below `runs` and the paper's; links are as seen from the folder `out`.

    The rows of Table 5 stay out: ablations of other models, which the paper does not set beside these.
    Raises DataError for a record that cannot be read, and where there is nothing to show.
    """
    ours = [] if runs is None else [run for run in load([runs], {}) if run[1]["origin"] == "run"]
    known = _known(ours)
    paper = [(Path("paper"), record) for b in known for record in published_records(b.name)]
    if not ours and not paper:
        raise DataError("there are no results and no published records to show. Make some with `run`.")
    found = boards([*ours, *paper], where_of)
    files = _published_files(out)

    def link(path: Path) -> str:
        return quote(Path(os.path.relpath(path.resolve(), out.resolve())).as_posix())

    selections = {path: record["selection"] for path, record in ours}
    sections = (
        _section(b, [board for board in found if board.benchmark == b.name], selections, link, files) for b in known
    )
    return Page(
        version=__version__,
        digest=digest_of(sorted(digest_of(record) for _, record in [*ours, *paper]))[:16],
        ours=len(ours),
        published=len(paper),
        sections=tuple(section for section in sections if section.standards),
    )


def _known(ours: Iterable[Run]) -> tuple[Benchmark, ...]:
    """The benchmarks; a record of one that is not known here must not be dropped in silence."""
    known = all_benchmarks()
    for path, record in ours:
        if record["benchmark"] not in {b.name for b in known}:
            raise DataError(f"{path} is of the unknown benchmark {record['benchmark']!r}. Name its file with --plugin.")
    return known


def _published_files(out: Path) -> Mapping[str, str]:
    """Links to the published records by their rows, where they lie below `out`; an installed copy is not linked."""
    folder = published_folder()
    if folder is None or not folder.resolve().is_relative_to(out.resolve()):
        return {}
    return {
        record["provenance"]["row"]: quote(path.resolve().relative_to(out.resolve()).as_posix())
        for path, record in find_records(folder)
    }


def _section(
    benchmark: Benchmark,
    found: Sequence[Board],
    selections: Mapping[Path, str],
    link: Link,
    files: Mapping[str, str],
) -> Section:
    """One benchmark from its boards; `selections` are the rules of our records, `files` links to published rows."""
    # Protocols in the order in which the benchmark declares them; what it does not declare comes last.
    order = {protocol: place for place, protocol in enumerate(benchmark.protocols)}
    found = sorted(found, key=lambda board: order.get(board.protocol, len(order)))
    rows = [
        _row(benchmark, board, standing, link, files.get(standing.about["provenance"].get("row", "")))
        for board in found
        for standing in board.rows
    ]
    present = {code for board in found for code in board.columns} | {code for row in rows for code in row.values}
    return Section(
        name=benchmark.name,
        title=benchmark.title,
        reference=benchmark.reference,
        columns=tuple(dict.fromkeys([*(c for c in benchmark.languages if c in present), *sorted(present)])),
        metrics=_metrics(benchmark, [row.about for board in found for row in board.rows]),
        median=benchmark.median,
        standards=tuple(_standard(board, selections, link) for board in found),
        rows=tuple(rows),
        comparisons=tuple(comparisons(rows)),
    )


def _standard(board: Board, selections: Mapping[Path, str], link: Link) -> Standard:
    out = (LeftOut(x.model, selections[x.path], x.seed, x.reason, link(x.path)) for x in board.excluded)
    benchmark = find_benchmark(board.benchmark)
    whole = set(board.columns) == set(benchmark.chosen or benchmark.languages)
    return Standard(
        protocol=board.protocol,
        metric=board.metric,
        data=board.data,
        signature=board.signature,
        over=() if whole else board.columns,
        remarks=board.remarks,
        left_out=tuple(out),
    )


def _metrics(benchmark: Benchmark, records: Iterable[Record]) -> tuple[str, ...]:
    """The metrics of a cell; those of the average, where columns differ in theirs."""
    longest = max((_headlines(record) for record in records), key=len, default=[])
    return tuple(str(a["metric"]) for a in longest[: benchmark.shown])


def _row(benchmark: Benchmark, board: Board, standing: Standing, link: Link, file: str | None) -> Row:
    ours = standing.origin == "run"
    records = [record for _, record in standing.runs]
    spread, spread_of = _spread(standing, records)
    official = standing.about["data"]["official"]
    reported = standing.about["provenance"].get("reported_by")
    return Row(
        model=standing.model,
        detail=standing.detail,
        origin=standing.origin,
        protocol=board.protocol,
        selection=standing.selection,
        n=standing.n,
        rank=standing.rank,
        mark="" if standing.rank is None else "*" if not ours else "~" if standing.ranked_by == "intervals" else "",
        values=_by_metric(benchmark, standing, records),
        average=_averages(benchmark, standing, records),
        spread=spread,
        spread_of=spread_of,
        ci95=standing.ci95,
        columns_ci=_column_intervals(records),
        foreign=standing.about["data"]["name"] if ours and official is not True else None,
        seeds=tuple(_seed(run, link) for run in (*standing.runs, *standing.collapsed)),
        link=file,
        notes=() if ours else (*([f"as reported by {reported}"] if reported else []), *standing.about["notes"]),
    )


def _seed(run: Run, link: Link) -> Seed:
    path, record = run
    return Seed(record["seed"], headline(record)["value"], record["status"] != "ok", link(path))


def _by_metric(benchmark: Benchmark, standing: Standing, records: Sequence[Record]) -> dict[str, tuple[float, ...]]:
    """Values by column: the first metric as ranked, the others summed up over seeds in the same way.

    A published row is shown whole, with the columns that the results beside it lack.
    """
    sources = list(records) or [standing.about]
    first = column_values(standing.about) if standing.origin == "paper" else standing.values
    further = [[column_values(r, place) for r in sources] for place in range(1, benchmark.shown)]
    return {
        code: (value, *(middle(benchmark, [v[code] for v in values]) for values in further if _all_have(values, code)))
        for code, value in first.items()
    }


def _averages(benchmark: Benchmark, standing: Standing, records: Sequence[Record]) -> tuple[float, ...]:
    """The average by metric, of the first alone where a published row is ranked by other columns than its table's.

    A published row that has no rank beside ours keeps its printed average.
    """
    sources = list(records) or [standing.about]
    printed = standing.origin == "paper" and standing.rank is None
    value = headline(standing.about)["value"] if printed else standing.value
    if value is None:
        return ()
    if not records and headline(standing.about)["value"] != value:
        return (value,)
    found = [[a["value"] for a in _headlines(r)] for r in sources]
    further = [[values[place] for values in found if place < len(values)] for place in range(1, benchmark.shown)]
    return (value, *(middle(benchmark, v) for v in further if len(v) == len(found) and None not in v))


def _headlines(record: Record) -> list[dict[str, Any]]:
    """The headline average, metric by metric."""
    name = headline(record).get("average")
    return [a for a in record["aggregate"] if a["split"] == tested_split(record) and a.get("average") == name]


def _spread(standing: Standing, records: Sequence[Record]) -> tuple[float | None, str]:
    if standing.std is not None:
        return standing.std, "sd"
    stated = headline(records[0])["ci95"] if len(records) == 1 else None
    return (None, "") if stated is None else ((stated[1] - stated[0]) / 2, "ci")


def _column_intervals(records: Sequence[Record]) -> dict[str, tuple[float, float]]:
    """Low and high by column: mean ± standard deviation over seeds, or the 95 % interval of a single seed."""
    if len(records) == 1:
        stated: dict[str, Any] = {}
        for s in records[0]["scores"]:
            if s["split"] == tested_split(records[0]):
                stated.setdefault(s["language"], s["ci95"])
        return {code: (ci[0], ci[1]) for code, ci in stated.items() if ci is not None}
    seeds = [column_values(record) for record in records]
    found = {}
    for code in seeds[0] if seeds else ():
        if _all_have(seeds, code):
            values = [seed[code] for seed in seeds]
            centre, half = sum(values) / len(values), stdev(values)
            found[code] = (centre - half, centre + half)
    return found


def _all_have(values: Sequence[Mapping[str, float]], code: str) -> bool:
    return all(code in v for v in values)
