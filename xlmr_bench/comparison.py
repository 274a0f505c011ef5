"""Is A better than B? Differences on the same examples with their uncertainty, or the distance to a printed number."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from .benchmarks import find_benchmark
from .benchmarks.base import Where
from .errors import DataError, NotComparableError, unknown_name
from .examples import PairExample, Split, limited
from .files import sha256_of
from .metrics import paired_difference, resampled_sums, two_sided_p
from .predictions import Predictions, match, read_predictions
from .published import published_records
from .report import test_mean, test_values
from .results import Record
from .scoring import METRICS


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
    metric, to_statistics = METRICS[benchmark.metric]
    predicted = [_predictions(*pair) for pair in (a, b)]
    rows, draws = [], []
    for code in _gold(a[1]):
        split = limited(benchmark.read(where, "test", code), a[1]["limited"])
        _check_gold(split, _gold(a[1])[code])
        gold = [e.label for e in split.examples]
        left, right = (to_statistics(gold, match(p, split, "test")) for p in predicted)
        difference, interval, p = paired_difference(metric, left, right)
        rows.append(_row(code, difference, interval, p, test_values(a[1])[code], test_values(b[1])[code]))
        draws.append(metric.aggregate(resampled_sums(left) - resampled_sums(right), len(gold)))
    averaged = np.mean(draws, axis=0)
    low, high = np.quantile(averaged, [0.025, 0.975])
    means = [test_mean(r)["value"] for _, r in (a, b)]
    total = float(np.mean([r["difference"] for r in rows]))
    return [*rows, _row("avg", total, (float(low), float(high)), two_sided_p(averaged), *means)]


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
    codes = [s["language"] for s in record["scores"] if s["split"] == "test"]
    pairs = [(code, test_values(record)[code], test_values(theirs).get(code)) for code in codes]
    rows = [
        _row(code, ours - paper, None, None, ours, paper)
        for code, ours, paper in pairs
        if ours is not None and paper is not None
    ]
    ours, paper = (float(np.mean([r[k] for r in rows])) for k in ("a", "b"))
    return [*rows, _row("avg", ours - paper, None, None, ours, paper)]


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
    return str(test_mean(record).get("signature"))


def _gold(record: Mapping[str, Any]) -> dict[str, str]:
    """Digest of the gold labels of each tested language: translate-test tests translations of the same gold."""
    return {
        s["language"]: s["gold_sha256"] for s in record["data"]["splits"] if s["role"] in ("test", "translate-test")
    }


def _check_gold(split: Split[PairExample], expected: str) -> None:
    if split.gold_digest != expected:
        raise NotComparableError(
            f"{split.files[0]} is not the {split.language!r} test data of these results. "
            "Give the same data with --data."
        )
