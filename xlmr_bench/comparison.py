"""Is A better than B? Differences on the same examples with their uncertainty, or the distance to a printed number."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np

from .benchmarks import find_benchmark
from .benchmarks.base import Where
from .errors import DataError, NotComparableError, unknown_name
from .examples import Split, limited
from .files import sha256_of
from .metrics import difference_draws, paired_difference, two_sided_p
from .predictions import Predictions, match, read_predictions
from .published import published_records
from .report import column_values, headline, tested_split
from .results import Record
from .scoring import measures


def refuse_incomparable(a: Record, b: Record) -> None:
    """Raise NotComparableError when two records rest on different tasks, test data, scorers or example limits."""
    for key in ("benchmark", "limited"):
        if a[key] != b[key]:
            raise NotComparableError(f"{key} differs: {a[key]} and {b[key]}. Compare results of the same kind.")
    ours, theirs = _signature(a), _signature(b)
    if ours != theirs:
        raise NotComparableError(f"the scorers differ: {ours} and {theirs}. Re-score both files with `score`.")
    left, right = _gold(a), _gold(b)
    if left.keys() != right.keys():
        raise NotComparableError(f"the languages differ: {' '.join(left)} and {' '.join(right)}.")
    changed = [code for code in left if left[code] != right[code]]
    if changed:
        raise NotComparableError(
            f"the test data differ in {', '.join(changed)} (content digests). Only results on the same data compare."
        )


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


def compare(a: tuple[Path, Record], b: tuple[Path, Record], where: Where) -> list[dict[str, Any]]:
    """A minus B by language and on average, with paired bootstrap intervals and two-sided p-values."""
    refuse_incomparable(a[1], b[1])
    benchmark = find_benchmark(a[1]["benchmark"])
    predicted = [_predictions(*pair) for pair in (a, b)]
    rows, draws = {}, {}
    for code in _gold(a[1]):
        role = benchmark.gold_role(a[1]["protocol"], benchmark.tested, code)
        split = limited(benchmark.read(where, role, code), a[1]["limited"])
        _check_gold(split, _gold(a[1])[code])
        measure = measures(benchmark.task_of(code))[0]
        left, right = (measure.statistics(split, match(p, split, benchmark.tested)) for p in predicted)
        draws[code] = difference_draws(measure.metric, left, right)
        difference, interval, p = paired_difference(measure.metric, left, right)
        rows[code] = _row(code, difference, interval, p, column_values(a[1])[code], column_values(b[1])[code])
    weights = next(iter(benchmark.averages(tuple(rows)).values()))
    averaged = np.average([draws[c] for c in weights], axis=0, weights=list(weights.values()))
    low, high = np.quantile(averaged, [0.025, 0.975])
    means = [headline(r)["value"] for _, r in (a, b)]
    total = fmean((rows[c]["difference"] for c in weights), weights=weights.values())
    return [*rows.values(), _row("avg", total, (float(low), float(high)), two_sided_p(averaged), *means)]


def compare_with_paper(record: Record, row: str) -> list[dict[str, Any]]:
    """A minus that model's published row of the same protocol; no p-value, for the paper gives no predictions."""
    published = published_records(record["benchmark"], record["protocol"])
    names = dict.fromkeys(p["model"]["name"] for p in published)
    if row not in names:
        raise unknown_name(f"published {record['protocol']} row", row, names)
    if record["data"]["official"] is not True or record["limited"]:
        raise NotComparableError(
            f"the result is not on the complete published data ({_standing(record)}), "
            "so it cannot be held against the paper."
        )
    matching = [p for p in published if p["model"]["name"] == row]
    theirs = next((p for p in matching if p["selection"] == record["selection"]), None)
    if theirs is None:
        rules = ", ".join(p["selection"] for p in matching)
        raise NotComparableError(
            f"the paper's {row} was selected by {rules} dev, this result by {record['selection']}. "
            "Compare the record of that selection rule: it is from the same run."
        )
    values, paper = column_values(record), column_values(theirs)
    rows = [_row(c, values[c] - paper[c], None, None, values[c], paper[c]) for c in values if c in paper]
    common = tuple(r["language"] for r in rows)
    weights = next(iter(find_benchmark(record["benchmark"]).averages(common).values()))
    ours, printed = (fmean((v[c] for c in weights), weights=weights.values()) for v in (values, paper))
    return [*rows, _row("avg", ours - printed, None, None, ours, printed)]


def _row(
    code: str,
    difference: float,
    interval: tuple[float, float] | None,
    p: float | None,
    a: float | None,
    b: float | None,
) -> dict[str, Any]:
    return {"language": code, "a": a, "b": b, "difference": difference, "ci95": interval, "p": p}


def _standing(record: Record) -> str:
    """How the data of a record differ from the published, in words."""
    found = [f"{s['language']} {s['role']}: {s['deviation']}" for s in record["data"]["splits"] if s.get("deviation")]
    return "; ".join(found) or (f"limited to {record['limited']}" if record["limited"] else record["data"]["name"])


def _signature(record: Record) -> str:
    return str(headline(record).get("signature"))


def _gold(record: Mapping[str, Any]) -> dict[str, str]:
    """Digest of the gold of each tested language; translations of XNLI's test sets have the same gold."""
    roles = (tested_split(dict(record)), "translate-test")
    return {s["language"]: s["gold_sha256"] for s in record["data"]["splits"] if s["role"] in roles}


def _check_gold(split: Split[Any], expected: str) -> None:
    if split.gold_digest != expected:
        raise NotComparableError(
            f"{split.files[0]} is not the {split.language!r} test data of these results. "
            "Give the same data with --data."
        )
