"""Leaderboards: records selected, made comparable, averaged over seeds, and set beside the paper's rows.

A board is one benchmark under one protocol on one set of test data by one scorer. What does not belong to it is left
out with the reason, never dropped in silence.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

from .benchmarks import find_benchmark
from .benchmarks.base import Benchmark, Where
from .errors import unknown_name
from .files import digest_of
from .pairing import (
    AVERAGE,
    Run,
    headline_weights,
    middle_values,
    run_key,
    signature,
    tested_gold,
    tested_texts,
)
from .published import published_records
from .ranking import Standing, board_draws, ranked
from .report import column_values, headline, tested_split
from .results import Record, find_records

FILTERS = ("benchmark", "protocol", "selection", "model", "origin")


@dataclass(frozen=True)
class Excluded:
    """A record that counts in no mean, and why."""

    path: Path
    model: str
    seed: int | None
    reason: str


@dataclass(frozen=True)
class Board:
    """Rows in order of their averages; `official` tells whether the test data are the published ones."""

    benchmark: str
    protocol: str
    data: str
    official: bool | None
    metric: str
    signature: str
    columns: tuple[str, ...]
    rows: tuple[Standing, ...] = ()
    excluded: tuple[Excluded, ...] = ()
    remarks: tuple[str, ...] = ()


def load(places: Iterable[Path], wanted: Mapping[str, str | None]) -> list[Run]:
    """Records of runs below the folders, each file once, and the paper's records of the same benchmarks and protocols.

    `wanted` holds values of FILTERS (None: all). Raises UsageError, with the names that exist, where nothing fits.
    """
    by_file = {path.resolve(): (path, record) for place in places for path, record in find_records(place)}
    ours = [(path, record) for path, record in by_file.values() if record["origin"] == "run"]
    if wanted.get("origin") == "paper":
        names = [wanted["benchmark"]] if wanted.get("benchmark") else {r["benchmark"] for _, r in ours}
        tables = {(name, None) for name in names if name}
    else:
        tables = {(r["benchmark"], r["protocol"]) for _, r in ours}
    paper = [
        (Path("paper"), r) for name, protocol in sorted(tables, key=str) for r in published_records(name, protocol)
    ]
    found = [*ours, *paper]
    for key in FILTERS:
        value = wanted.get(key)
        if value is None:
            continue
        present = dict.fromkeys(_filtered(record, key) for _, record in found)
        if value not in present:
            raise unknown_name(f"{key} (in these records)", value, present)
        found = [run for run in found if _filtered(run[1], key) == value]
    return found


def boards(runs: Sequence[Run], where_of: Callable[[Record], Where | None]) -> list[Board]:
    """One board a benchmark and protocol; `where_of` tells where the gold of a record lies, None where nowhere."""
    tables = dict.fromkeys((r["benchmark"], r["protocol"]) for _, r in runs)
    return [_board([run for run in runs if _table(run[1]) == table], where_of) for table in sorted(tables)]


def _board(runs: Sequence[Run], where_of: Callable[[Record], Where | None]) -> Board:
    ours = [run for run in runs if run[1]["origin"] == "run"]
    paper = [record for _, record in runs if record["origin"] == "paper"]
    whole = [run for run in ours if not run[1]["limited"]]
    benchmark = find_benchmark(runs[0][1]["benchmark"])
    if not whole:
        first = (paper or [record for _, record in ours])[0]
        board = _empty(first, tuple(benchmark.chosen or benchmark.languages))
    else:
        first = _reference(whole, benchmark)
        board = _empty(first, tuple(column_values(first)))
    kept, excluded = _comparable(ours, first)
    groups: dict[str, list[Run]] = {}
    for run in kept:
        groups.setdefault(run_key(run[1]), []).append(run)
    rows = []
    for group in groups.values():
        row, twice = _our_row(group, benchmark)
        rows.append(row)
        excluded += [*twice, *(_excluded(run, f"collapsed: {'; '.join(run[1]['notes'])}") for run in row.collapsed)]
    where = where_of(first) if kept else None
    draws, remarks = board_draws(rows, first, where)
    comparable = board.official is True or not rows
    standings = ranked(_labelled(rows), [_paper_row(r, board.columns, benchmark) for r in paper], draws, comparable)
    if paper and not comparable:
        remarks.append(f"the paper's rows are of other data than {board.data} and have no rank here")
    return replace(board, rows=tuple(standings), excluded=tuple(excluded), remarks=tuple(remarks))


def _empty(first: Record, columns: tuple[str, ...]) -> Board:
    average = headline(first)
    data = first["data"]
    return Board(
        benchmark=first["benchmark"],
        protocol=first["protocol"],
        data=data["name"],
        official=data["official"],
        metric=f"{tested_split(first)} {average['metric']}",
        signature=str(average.get("signature", "as printed")),
        columns=columns,
    )


def _reference(runs: Sequence[Run], benchmark: Benchmark) -> Record:
    """A record of the data and scorer of a board: the published data and all columns first, then the majority."""
    count = Counter(_measured(record) for _, record in runs)
    table = set(benchmark.chosen or benchmark.languages)

    def merit(record: Record) -> tuple[bool, bool, int, int]:
        columns = column_values(record)
        return record["data"]["official"] is True, set(columns) == table, count[_measured(record)], len(columns)

    return max((record for _, record in runs), key=merit)


def _measured(record: Record) -> str:
    """What records must share to stand on one board: gold and texts of the test sets, and the scorer."""
    return digest_of([tested_gold(record), tested_texts(record), signature(record)])


def _comparable(runs: Sequence[Run], first: Record) -> tuple[list[Run], list[Excluded]]:
    kept, excluded = [], []
    for run in runs:
        reason = _foreign(run[1], first)
        if reason is None:
            kept.append(run)
        else:
            excluded.append(_excluded(run, reason))
    return kept, excluded


def _foreign(record: Record, first: Record) -> str | None:
    """Why a record cannot stand beside `first`."""
    if record["limited"]:
        return f"limited to {record['limited']} examples a split"
    gold, wanted = tested_gold(record), tested_gold(first)
    if gold.keys() != wanted.keys():
        return f"other columns: {' '.join(gold)}"
    texts, others = tested_texts(record), tested_texts(first)
    changed = [c for c in gold if gold[c] != wanted[c] or texts.get(c) != others.get(c)]
    if changed:
        return f"other test data ({record['data']['name']}): {', '.join(changed)}"
    if signature(record) != signature(first):
        return f"other scorer: {signature(record)}"
    return None


def _our_row(group: Sequence[Run], benchmark: Benchmark) -> tuple[Standing, list[Excluded]]:
    """The seeds of one result; copies of a seed and collapsed seeds do not enter the mean."""
    runs: dict[int | None, Run] = {}
    twice = []
    for run in group:
        other = runs.setdefault(run[1]["seed"], run)
        if other is not run:
            twice.append(_excluded(run, f"seed {run[1]['seed']} is there already: {other[0]}"))
    kept = [run for run in runs.values() if run[1]["status"] == "ok"]
    collapsed = [run for run in runs.values() if run[1]["status"] != "ok"]
    record = group[0][1]
    values = middle_values(benchmark, [r for _, r in kept]) if kept else {}
    averages = [headline(r)["value"] for _, r in kept]
    row = Standing(
        model=record["model"]["name"],
        origin="run",
        selection=record["selection"],
        runs=tuple(kept),
        collapsed=tuple(collapsed),
        n=len(kept),
        values={c: v for c, v in values.items() if c != AVERAGE},
        value=values.get(AVERAGE),
        std=stdev(averages) if len(averages) > 1 else None,
        about=record,
    )
    return row, twice


def _paper_row(record: Record, columns: tuple[str, ...], benchmark: Benchmark) -> Standing:
    """A row of the paper; over other columns than its table's, its average is that over these, if it has them all."""
    values = column_values(record)
    if set(columns) == set(benchmark.chosen or benchmark.languages):
        value = headline(record)["value"]
    else:
        weights = headline_weights(benchmark, columns)
        complete = values.keys() >= set(weights)
        value = fmean([values[c] for c in weights], weights=list(weights.values())) if complete else None
    return Standing(
        model=record["model"]["name"],
        origin="paper",
        selection=record["selection"],
        n=record["config"].get("seeds"),
        values={c: values[c] for c in columns if c in values},
        value=value,
        about=record,
    )


def _labelled(rows: Sequence[Standing]) -> list[Standing]:
    """Tell rows of one name and selection rule apart: by weights, then by the settings in which they differ."""
    named: dict[tuple[str, str], list[Standing]] = {}
    for row in rows:
        named.setdefault((row.model, row.selection), []).append(row)
    return [replace(row, detail=_detail(row, named[row.model, row.selection])) for row in rows]


def _detail(row: Standing, same: Sequence[Standing]) -> str:
    if len(same) == 1:
        return ""
    parts = []
    if len({_weights(r) for r in same}) > 1:
        parts.append(_weights(row)[:8])
    configs = [{k: v for k, v in r.about["config"].items() if k != "languages"} for r in same]
    keys = sorted({k for c in configs for k in c if any(k not in o or o[k] != c[k] for o in configs)})
    parts += [f"{k}={row.about['config'].get(k, '-')}" for k in keys]
    data = {digest_of(r.about["data"]["splits"]) for r in same}
    if len(data) > 1 and not parts:
        parts.append(f"data {digest_of(row.about['data']['splits'])[:8]}")
    return " ".join(parts)


def _weights(row: Standing) -> str:
    return str(row.about["model"]["weights_sha256"])


def _excluded(run: Run, reason: str) -> Excluded:
    return Excluded(run[0], run[1]["model"]["name"], run[1]["seed"], reason)


def _table(record: Record) -> tuple[str, str]:
    return record["benchmark"], record["protocol"]


def _filtered(record: Record, key: str) -> Any:
    return record["model"]["name"] if key == "model" else record[key]
