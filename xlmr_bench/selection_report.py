"""What each rule of choosing checkpoints would have given for a run, from the records of all rules of its seeds.

Every rule watched the same fine-tunings (`selection`), so their records differ in the checkpoints alone. The oracle
takes in each column the best test score among the checkpoints that any rule selected: others were never tested. It is
an upper bound of what choosing among those could give. It is shown, and nothing is ever selected by it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import stdev
from typing import Any

from .benchmarks import find_benchmark
from .benchmarks.base import Benchmark
from .errors import DataError, NotComparableError
from .pairing import AVERAGE, headline_weights, middle
from .protocols import SELECTIONS
from .report import column_values, headline
from .results import Record, find_records, identity, read_record

ORACLE = "oracle"


@dataclass(frozen=True)
class SeedReport:
    """One seed: scores by rule and column (`avg` among them), the steps chosen, and how many checkpoints there were.

    `steps` maps a rule to (fine-tuning, step) by column. `tested` of the `evaluated` checkpoints have test scores.
    """

    model: str
    seed: int
    scores: Mapping[str, Mapping[str, float]]
    steps: Mapping[str, Mapping[str, tuple[str, int]]]
    evaluated: int
    tested: int
    collapsed: str | None


@dataclass(frozen=True)
class RunReport:
    """All seeds of one run; `values` and `std` are over those that did not collapse, by rule and column."""

    benchmark: str
    protocol: str
    model: str
    columns: tuple[str, ...]
    seeds: tuple[SeedReport, ...]
    values: Mapping[str, Mapping[str, float]]
    std: Mapping[str, float | None]
    official: bool | None
    limited: int | None


def selection_report(place: Path) -> list[RunReport]:
    """A report for every run below a folder, or for the seed of one record; siblings by rule are found beside them."""
    seeds: dict[tuple[Path, str], None] = {}
    for path, record in find_records(place):
        if record["origin"] == "run":
            seeds[path.absolute().parent.parent, path.name] = None
    if not seeds:
        raise DataError(f"{place} holds no records of runs.")
    runs: dict[Path, list[dict[str, Record]]] = {}
    for family, name in seeds:
        runs.setdefault(family, []).append(_siblings(family, name))
    return [_report(by_rule) for by_rule in runs.values()]


def _siblings(family: Path, name: str) -> dict[str, Record]:
    """The records of one seed by rule."""
    found = {}
    for rule in SELECTIONS:
        path = family / rule / name
        if path.is_file():
            found[rule] = read_record(path)
    if not found:
        raise DataError(
            f"{family} holds no folders of selection rules ({', '.join(SELECTIONS)}). Results lie in "
            "MODEL/BENCHMARK/PROTOCOL/SELECTION/seedN.json, as `run` writes them."
        )
    first = next(iter(found.values()))
    for rule, record in found.items():
        if identity(record) != identity(first) or record["fine_tunings"] != first["fine_tunings"]:
            raise NotComparableError(
                f"{family / rule / name} is not of the same run as the other rules beside it. Repeat that run."
            )
    return found


def _report(by_seed: Sequence[Mapping[str, Record]]) -> RunReport:
    first = next(iter(by_seed[0].values()))
    benchmark = find_benchmark(first["benchmark"])
    for records in by_seed:
        if identity(next(iter(records.values()))) != identity(first):
            raise NotComparableError(
                f"seeds {first['seed']} and {next(iter(records.values()))['seed']} of {first['model']['name']} "
                "differ in more than the seed (data, weights or settings). Name one record."
            )
    seeds = sorted((_seed_report(records, benchmark) for records in by_seed), key=lambda s: s.seed)
    whole = [s for s in seeds if s.collapsed is None]
    rules = list(dict.fromkeys(rule for s in whole for rule in s.scores))
    columns = tuple(column_values(first))
    values = {
        rule: {
            c: middle(benchmark, [s.scores[rule][c] for s in whole if rule in s.scores]) for c in (*columns, AVERAGE)
        }
        for rule in rules
    }
    return RunReport(
        benchmark=benchmark.name,
        protocol=first["protocol"],
        model=first["model"]["name"],
        columns=columns,
        seeds=tuple(seeds),
        values=values,
        std={rule: _std([s.scores[rule][AVERAGE] for s in whole if rule in s.scores]) for rule in rules},
        official=first["data"]["official"],
        limited=first["limited"],
    )


def _seed_report(records: Mapping[str, Record], benchmark: Benchmark) -> SeedReport:
    first = next(iter(records.values()))
    scores: dict[str, dict[str, float]] = {
        rule: {**column_values(r), AVERAGE: headline(r)["value"]} for rule, r in records.items()
    }
    steps = {
        rule: {s["language"]: (s["fine_tuning"], s["step"]) for s in record["selected"]}
        for rule, record in records.items()
    }
    columns = tuple(column_values(first))
    best = {code: max(scores[rule][code] for rule in records) for code in columns}
    weights = headline_weights(benchmark, columns)
    best[AVERAGE] = sum(w * best[c] for c, w in weights.items()) / sum(weights.values())
    chosen = {checkpoint for by_column in steps.values() for checkpoint in by_column.values()}
    return SeedReport(
        model=first["model"]["name"],
        seed=first["seed"],
        scores={**scores, ORACLE: best},
        steps=steps,
        evaluated=sum(len(_evaluations(tuning)) for tuning in first["fine_tunings"]),
        tested=len(chosen),
        collapsed="; ".join(first["notes"]) if first["status"] != "ok" else None,
    )


def _evaluations(tuning: Mapping[str, Any]) -> set[int]:
    """The steps at which a fine-tuning was evaluated on dev."""
    return {h["step"] for h in tuning["history"]}


def _std(values: Sequence[float]) -> float | None:
    return stdev(values) if len(values) > 1 else None
