"""Results brought together: the seeds of one side, whether two sides may be compared, and their paired draws."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, median
from typing import Any

import numpy as np

from .benchmarks import find_benchmark
from .benchmarks.base import Benchmark, Where
from .errors import DataError, NotComparableError, UsageError
from .examples import Split, limited
from .files import digest_of, sha256_of
from .metrics import RESAMPLES
from .predictions import Predictions, match, read_predictions
from .report import column_values, headline, tested_split
from .results import Record, find_records
from .scoring import measures
from .significance import Draws, example_draws

AVERAGE = "avg"  # the row of the headline average, beside those of columns
Run = tuple[Path, Record]
Gold = Mapping[str, Split[Any]]


@dataclass(frozen=True)
class Side:
    """The seeds of one result, in order of their records, and the records of seeds that were left out."""

    runs: tuple[Run, ...]
    collapsed: tuple[Run, ...] = ()

    @property
    def first(self) -> Record:
        """Any of the records: all are of one model and one set of settings."""
        return self.runs[0][1]


@dataclass(frozen=True)
class SeedDraws:
    """Draws (S, R) by column and of their average; `shares` are the columns whose score is a share of examples."""

    columns: Mapping[str, Draws]
    average: Draws
    shares: frozenset[str]


def load_side(place: Path) -> Side:
    """One record, or the seeds below a folder without those that collapsed.

    Raises UsageError for a folder that holds results of more than one model, protocol, selection or set of settings.
    """
    runs = [(path, record) for path, record in find_records(place) if record["origin"] == "run" or place.is_file()]
    if not runs:
        raise DataError(f"{place} holds no records of runs.")
    if place.is_file():
        return Side(tuple(runs))
    if len({run_key(record) for _, record in runs}) > 1:
        raise UsageError(
            f"{place} holds several results, not the seeds of one. Name a folder such as "
            f"{runs[0][0].parent} (of one model, benchmark, protocol and selection, with the same settings and data)."
        )
    seeds = [record["seed"] for _, record in runs]
    if len(set(seeds)) < len(seeds):
        raise UsageError(f"{place} holds a seed twice ({', '.join(map(str, seeds))}). Remove the copy.")
    kept = tuple(run for run in runs if run[1]["status"] == "ok")
    collapsed = tuple(run for run in runs if run[1]["status"] != "ok")
    if not kept:
        raise UsageError(f"every seed in {place} collapsed; a mean over them means nothing. Name one record instead.")
    return Side(kept, collapsed)


def run_key(record: Record) -> str:
    """What the seeds of one result share: model, task, selection, settings and data (languages in any order)."""
    config = {**record["config"], "languages": sorted(record["config"].get("languages", ()))}
    data = {f"{s['role']}/{s['language']}": s["sha256"] for s in record["data"]["splits"]}
    model = {k: record["model"][k] for k in ("name", "weights_sha256", "tokenizer_sha256")}
    about = {k: record[k] for k in ("benchmark", "protocol", "selection", "limited")}
    return digest_of([config, data, model, about])


def refuse_incomparable(a: Record, b: Record) -> None:
    """Raise NotComparableError when two records rest on different tasks, test data, scorers or example limits."""
    for key in ("benchmark", "limited"):
        if a[key] != b[key]:
            raise NotComparableError(f"{key} differs: {a[key]} and {b[key]}. Compare results of the same kind.")
    ours, theirs = signature(a), signature(b)
    if ours != theirs:
        raise NotComparableError(f"the scorers differ: {ours} and {theirs}. Re-score both files with `score`.")
    left, right = tested_gold(a), tested_gold(b)
    if left.keys() != right.keys():
        raise NotComparableError(f"the languages differ: {' '.join(left)} and {' '.join(right)}.")
    texts, others = tested_texts(a), tested_texts(b)
    changed = [c for c in left if left[c] != right[c] or (c in texts and c in others and texts[c] != others[c])]
    if changed:
        raise NotComparableError(
            f"the test data differ in {', '.join(changed)} (content digests). Only results on the same data compare."
        )


def signature(record: Record) -> str:
    """The scorer of the headline average, with its version and settings."""
    return str(headline(record).get("signature"))


def tested_gold(record: Mapping[str, Any]) -> dict[str, str]:
    """Digest of the gold of each tested language; translations of XNLI's test sets have the same gold."""
    roles = (tested_split(dict(record)), "translate-test")
    return {s["language"]: s["gold_sha256"] for s in record["data"]["splits"] if s["role"] in roles}


def tested_texts(record: Record) -> dict[str, str]:
    """Digest of texts and gold of each language that is tested as published, not on a system's translation."""
    role = tested_split(record)
    return {s["language"]: s["sha256"] for s in record["data"]["splits"] if s["role"] == role}


def middle(benchmark: Benchmark, values: Sequence[float]) -> float:
    """The mean over seeds, or the median where the benchmark is summed up by that."""
    return median(values) if benchmark.median else fmean(values)


def middle_values(benchmark: Benchmark, records: Sequence[Record]) -> dict[str, float]:
    """Mean or median over seeds by column; that of the headline average is `avg`."""
    columns = {c: middle(benchmark, [column_values(r)[c] for r in records]) for c in column_values(records[0])}
    return {**columns, AVERAGE: middle(benchmark, [headline(r)["value"] for r in records])}


def read_gold(record: Record, where: Where) -> dict[str, Split[Any]]:
    """The gold that a record was scored against, by column."""
    benchmark = find_benchmark(record["benchmark"])
    gold = {}
    for code, expected in tested_gold(record).items():
        role = benchmark.gold_role(record["protocol"], benchmark.tested, code)
        split = limited(benchmark.read(where, role, code), record["limited"])
        if split.gold_digest != expected:
            raise NotComparableError(
                f"{split.files[0]} is not the {split.language!r} test data of these results. "
                "Give the same data with --data."
            )
        gold[code] = split
    return gold


def seed_draws(runs: Sequence[Run], gold: Gold) -> SeedDraws:
    """Resample the examples of every seed; the average is that of the columns' draws, weighted as the headline."""
    benchmark = find_benchmark(runs[0][1]["benchmark"])
    predicted = [_predictions(path, record) for path, record in runs]
    columns: dict[str, Draws] = {}
    shares = set()
    for code, split in gold.items():
        measure = measures(benchmark.task_of(code))[0]
        rows = [measure.statistics(split, match(p, split, benchmark.tested)) for p in predicted]
        columns[code] = np.stack([example_draws(measure.metric, r) for r in rows])
        if all(_is_share(r) for r in rows):
            shares.add(code)
    weights = headline_weights(benchmark, tuple(gold))
    average = np.average([columns[c] for c in weights], axis=0, weights=list(weights.values()))
    assert average.shape == (len(runs), RESAMPLES)
    return SeedDraws(columns, average, frozenset(shares))


def headline_weights(benchmark: Benchmark, columns: tuple[str, ...]) -> Mapping[str, float]:
    """The weight of each column in the headline average."""
    return next(iter(benchmark.averages(columns).values()))


def _is_share(statistics: Draws) -> bool:
    """Whether a score is the share of the examples that are right: one statistic, 0 or 1."""
    return statistics.shape[1] == 1 and bool(np.isin(statistics, (0.0, 1.0)).all())


def _predictions(path: Path, record: Record) -> Predictions:
    """The predictions a record was scored from, and no others."""
    listed = record["predictions"]
    if listed is None:
        raise NotComparableError(f"{path} has no predictions to pair. For a published row use --paper ROW.")
    file = path.parent / listed["path"]
    predictions = read_predictions(file)
    if sha256_of(file) != listed["sha256"]:
        raise DataError(f"{file} is not the file that {path} was scored from (its digest differs). Repeat that run.")
    return predictions
