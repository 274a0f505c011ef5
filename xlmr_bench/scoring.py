"""From predicted labels to the scores of a record. No model and no torch: old prediction files score the same."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .examples import PairExample, Split
from .metrics import ACCURACY, Score, Statistics, accuracy_statistics, mean_score, score

METRICS = {"accuracy": (ACCURACY, accuracy_statistics)}


def score_splits(
    metric_name: str,
    predicted: Mapping[tuple[str, str], list[str]],
    gold: Mapping[tuple[str, str], Split[PairExample]],
    truncated: Mapping[tuple[str, str], int | None],
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Scores by (split, language) and their means by split, as records hold them.

    `predicted` has, for each key of `gold`, the labels in the order of that split's examples.
    """
    metric, to_statistics = METRICS[metric_name]
    statistics: dict[str, dict[str, Statistics]] = {}
    scores = []
    for (name, language), split in gold.items():
        rows = to_statistics([e.label for e in split.examples], predicted[name, language])
        statistics.setdefault(name, {})[language] = rows
        result = score(metric, rows)
        scores.append(
            {
                "split": name,
                "language": language,
                "metric": metric.name,
                **_values(result),
                "n": result.n,
                "truncated": truncated.get((name, language)),
            }
        )
    aggregate = [
        {
            "split": name,
            "metric": metric.name,
            **_values(mean_score(metric, by_language)),
            "languages": len(by_language),
            "signature": metric.signature,
        }
        for name, by_language in statistics.items()
    ]
    return scores, aggregate


def _values(result: Score) -> dict[str, Any]:
    return {"value": result.value, "ci95": list(result.ci95)}
