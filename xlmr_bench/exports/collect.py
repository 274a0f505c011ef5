"""What is exported: the seeds of each result with their scores summed up, and what a reader must be warned of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import stdev
from typing import Any

from ..benchmarks import find_benchmark
from ..benchmarks.base import Benchmark
from ..errors import DataError, UsageError
from ..files import digest_of
from ..pairing import Run, middle, run_key
from ..results import Record, find_records
from ..scoring import measures

NOT_RECORDED = "not recorded"


@dataclass(frozen=True)
class Entry:
    """One score: of a column (`average` is None), or an average over columns (`column` is None).

    Fractions. `values` and `intervals` are those of the seeds, `value` their mean or median, `std` the sample standard
    deviation over them (None for one seed). `n` counts examples where recorded, `data_sha256` is of texts and gold (of
    an average: of the digests of all columns).
    """

    split: str
    column: str | None
    average: str | None
    metric: str
    value: float
    std: float | None
    values: tuple[float, ...]
    intervals: tuple[tuple[float, float] | None, ...]
    n: int | None
    columns: int
    signature: str
    data_sha256: str

    @property
    def name(self) -> str:
        """The column or average, as a name."""
        return self.column or str(self.average)


@dataclass(frozen=True)
class Result:
    """The seeds of one result. `records` count; `collapsed` are further seeds, which do not. `marks` are warnings."""

    benchmark: Benchmark
    records: tuple[Record, ...]
    collapsed: tuple[Record, ...]
    entries: tuple[Entry, ...]
    marks: tuple[str, ...]

    @property
    def first(self) -> Record:
        """What the seeds have in common: model, data, settings."""
        return self.records[0]

    @property
    def summary(self) -> str:
        """How seeds are summed up."""
        return "median" if self.benchmark.median and len(self.records) > 1 else "mean"

    @property
    def name(self) -> str:
        """Benchmark, protocol and selection rule, as one word."""
        return "_".join(self.first[key] for key in ("benchmark", "protocol", "selection"))


def collect(places: Iterable[Path], *, anything: bool = False) -> list[Result]:
    """The results in files and folders, in order of their paths; each file counts once.

    Raises UsageError for limited, collapsed and unofficial records unless `anything`, and for published ones always.
    """
    files = {path.resolve(): (path, record) for place in places for path, record in find_records(place)}
    if not files:
        raise DataError(f"no result records below {', '.join(map(str, places))}. Make some with `run`.")
    runs = list(files.values())
    _refuse(runs, anything)
    groups: dict[str, list[Run]] = {}
    for run in runs:
        groups.setdefault(run_key(run[1]), []).append(run)
    return [_result(group) for group in groups.values()]


def one_model(results: Sequence[Result], model_id: str | None) -> Record:
    """The model of all results, as its records describe it; raises UsageError where there are several."""
    models = {(r.first["model"]["name"], r.first["model"]["weights_sha256"]) for r in results}
    if len(models) > 1:
        names = ", ".join(sorted(f"{name} ({str(weights)[:8]})" for name, weights in models))
        what = f"--model-id {model_id} names one model" if model_id else "this format describes one model"
        raise UsageError(f"{what}, but the records are of several: {names}. Give the records of one.")
    return dict(results[0].first["model"])


def unofficial(record: Mapping[str, Any], benchmark: Benchmark) -> str | None:
    """How the data differ from the published ones; None where they do not, or where there are none (a plugin's)."""
    data = record["data"]
    if data["official"] is False:
        wrong = [
            f"{s['language']} {s['role']} ({s.get('deviation')})" for s in data["splits"] if s["official"] is False
        ]
        return f"NOT THE PUBLISHED DATA: {', '.join(wrong)}"
    if data["official"] is None and benchmark.plugin is None:
        return f"NOT THE PUBLISHED DATA: data set {data['name']!r}"
    return None


def marks(record: Mapping[str, Any], benchmark: Benchmark) -> list[str]:
    """Why a record is no result to publish."""
    found = []
    if record["limited"]:
        found.append(f"LIMITED to {record['limited']} examples a split")
    if record["status"] != "ok":
        found.append(f"COLLAPSED seed {record['seed']}: {'; '.join(record.get('notes', ()))}")
    wrong = unofficial(record, benchmark)
    return [*found, wrong] if wrong else found


def recorded_digest(record: Record, split: str, column: str) -> str:
    """The digest of a column's texts and gold; of the translation where it was tested on one."""
    by_role = {s["role"]: s["sha256"] for s in record["data"]["splits"] if s["language"] == column}
    return str(by_role.get(f"translate-{split}", by_role.get(split, NOT_RECORDED)))


def score_signature(record: Record, benchmark: Benchmark, split: str, column: str, metric: str) -> str:
    """The scorer of one column: as the averages record it, else as the benchmark declares it, if of equal version."""
    recorded = [a for a in record["aggregate"] if a["split"] == split]
    for a in recorded:
        if a["metric"] == metric:
            return str(a.get("signature", NOT_RECORDED))
    declared = {m.metric.name: m.metric.signature for m in measures(benchmark.task_of(column))}.get(metric)
    parts = {part for a in recorded for part in str(a.get("signature")).split(" + ")}
    versions = {word for part in parts for word in part.split("|") if word.startswith("version:")}
    if declared and (declared in parts or versions == {w for w in declared.split("|") if w.startswith("version:")}):
        return declared
    return NOT_RECORDED


def average_name(aggregate: Mapping[str, Any]) -> str:
    """Early records have but one average and do not name it."""
    return str(aggregate.get("average", "mean"))


def average_digest(record: Record, split: str) -> str:
    """One digest of all columns' data of a split."""
    columns = dict.fromkeys(s["language"] for s in record["scores"] if s["split"] == split)
    return digest_of({c: recorded_digest(record, split, c) for c in columns})


def _refuse(runs: Sequence[Run], anything: bool) -> None:
    printed = [path for path, record in runs if record["origin"] == "paper"]
    if printed:
        raise UsageError(f"{printed[0]} holds published numbers of the paper; only results of runs are exported.")
    reasons = [(path, marks(record, find_benchmark(record["benchmark"]))) for path, record in runs]
    wrong = [f"{path}: {'; '.join(why)}" for path, why in reasons if why]
    if wrong and not anything:
        more = f"; and {len(wrong) - 5} more" if len(wrong) > 5 else ""
        raise UsageError(
            f"no results to publish: {'; '.join(wrong[:5])}{more}. Name others, or use --any to export them, marked."
        )


def _result(group: Sequence[Run]) -> Result:
    by_seed: dict[int | None, Path] = {}
    for path, record in group:
        other = by_seed.setdefault(record["seed"], path)
        if other != path:
            raise UsageError(f"seed {record['seed']} is there twice: {other} and {path}. Name one of them.")
    records = [record for _, record in group]
    ok = [r for r in records if r["status"] == "ok"]
    kept, collapsed = (ok, [r for r in records if r["status"] != "ok"]) if ok else (records, [])
    if len({digest_of([a.get("signature") for a in r["aggregate"]]) for r in kept}) > 1:
        raise UsageError(f"the seeds of {group[0][0].parent} were scored by different scorers. Repeat the older runs.")
    benchmark = find_benchmark(kept[0]["benchmark"])
    found = dict.fromkeys(mark for r in records for mark in marks(r, benchmark))
    return Result(benchmark, tuple(kept), tuple(collapsed), tuple(_entries(kept, benchmark)), tuple(found))


def _entries(records: Sequence[Record], benchmark: Benchmark) -> list[Entry]:
    """Columns and then averages, in the order of the first seed's record."""
    first = records[0]
    found = []
    for s in first["scores"]:
        key = (s["split"], s["language"], s["metric"])
        same = [_found(r["scores"], key, _score_key) for r in records]
        signature = score_signature(first, benchmark, *key)
        digest = recorded_digest(first, s["split"], s["language"])
        about = {"column": s["language"], "average": None, "n": s["n"], "columns": 1}
        found.append(_entry(same, benchmark, **about, signature=signature, data_sha256=digest))
    for a in first["aggregate"]:
        key = (a["split"], average_name(a), a["metric"])
        same = [_found(r["aggregate"], key, _average_key) for r in records]
        about = {"column": None, "average": average_name(a), "n": None, "columns": a["languages"]}
        digest = average_digest(first, a["split"])
        signature = str(a.get("signature", NOT_RECORDED))
        found.append(_entry(same, benchmark, **about, signature=signature, data_sha256=digest))
    return found


def _entry(same: Sequence[dict[str, Any]], benchmark: Benchmark, **about: Any) -> Entry:
    values = tuple(float(s["value"]) for s in same)
    return Entry(
        split=same[0]["split"],
        metric=same[0]["metric"],
        value=middle(benchmark, values),
        std=stdev(values) if len(values) > 1 else None,
        values=values,
        intervals=tuple(None if s["ci95"] is None else (s["ci95"][0], s["ci95"][1]) for s in same),
        **about,
    )


def _found(scores: Iterable[dict[str, Any]], key: tuple[str, str, str], key_of: Any) -> dict[str, Any]:
    score = next((s for s in scores if key_of(s) == key), None)
    if score is None:
        raise UsageError(f"a seed has no {' '.join(key)}, another one has. Repeat its run, or leave it out.")
    return score


def _score_key(score: Mapping[str, Any]) -> tuple[str, str, str]:
    return score["split"], score["language"], score["metric"]


def _average_key(aggregate: Mapping[str, Any]) -> tuple[str, str, str]:
    return aggregate["split"], average_name(aggregate), aggregate["metric"]
