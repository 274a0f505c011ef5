"""From predictions to the scores of a record. No model and no torch: old prediction files score the same."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from .agreement import F1, MATTHEWS, PEARSON, SPEARMAN, confusion_statistics, pearson_statistics, spearman_statistics
from .answers import QA_EM, QA_F1, SQUAD_EM, SQUAD_F1, answer_statistics, squad_statistics
from .benchmarks.base import Benchmark
from .entities import ENTITY_F1, ENTITY_PRECISION, ENTITY_RECALL, entity_statistics
from .errors import DataError, unknown_name
from .examples import Split
from .metrics import ACCURACY, Metric, Score, Statistics, accuracy_statistics, mean_score, score
from .tasks import Classification, Regression, Tagging, Task

Key = tuple[str, str]  # split, language


@dataclass(frozen=True)
class Measure:
    """A metric and how a split and its predictions, in order, become the statistics that it takes."""

    metric: Metric
    statistics: Callable[[Split[Any], list[str]], Statistics]


def _labels(count: Callable[[list[str], list[str]], Statistics]) -> Callable[[Split[Any], list[str]], Statistics]:
    return lambda split, predicted: count([e.label for e in split.examples], predicted)


def _entities(split: Split[Any], predicted: list[str]) -> Statistics:
    return entity_statistics([e.tags for e in split.examples], [tags.split(" ") for tags in predicted])


def _mlqa(split: Split[Any], predicted: list[str]) -> Statistics:
    """The scorer's language is that of the context, which is English where test sets were translated."""
    language = "en" if split.role == "translate-test" else split.language.partition("-")[0]
    return answer_statistics([e.answers for e in split.examples], predicted, language)


def _squad(split: Split[Any], predicted: list[str]) -> Statistics:
    return squad_statistics([e.answers for e in split.examples], predicted)


METRICS: dict[str, Measure] = {
    "accuracy": Measure(ACCURACY, _labels(accuracy_statistics)),
    "f1": Measure(F1, _labels(confusion_statistics)),
    "matthews": Measure(MATTHEWS, _labels(confusion_statistics)),
    "pearson": Measure(PEARSON, _labels(pearson_statistics)),
    "spearman": Measure(SPEARMAN, _labels(spearman_statistics)),
    "entity_f1": Measure(ENTITY_F1, _entities),
    "entity_precision": Measure(ENTITY_PRECISION, _entities),
    "entity_recall": Measure(ENTITY_RECALL, _entities),
    "mlqa_f1": Measure(QA_F1, _mlqa),
    "mlqa_em": Measure(QA_EM, _mlqa),
    "squad_f1": Measure(SQUAD_F1, _squad),
    "squad_em": Measure(SQUAD_EM, _squad),
}


def measures(task: Task) -> list[Measure]:
    """What a task is scored by; the first one selects and is averaged."""
    for name in task.metrics:
        if name not in METRICS:
            raise unknown_name("metric", name, METRICS)
    return [METRICS[name] for name in task.metrics]


def main_score(task: Task, split: Split[Any], predicted: list[str]) -> float:
    """The first metric of one split, without its interval: what dev selects by."""
    measure = measures(task)[0]
    rows = measure.statistics(split, predicted)
    return float(measure.metric.aggregate(rows.sum(axis=0), len(rows)))


def score_splits(
    benchmark: Benchmark,
    predicted: Mapping[Key, list[str]],
    gold: Mapping[Key, Split[Any]],
    truncated: Mapping[Key, int | None],
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Scores by (split, language) and metric, and their averages by split, as records hold them.

    `predicted` has, for each key of `gold`, the predictions in the order of that split's examples.
    """
    statistics: dict[str, dict[str, list[Statistics]]] = {}
    scores = []
    for (name, language), split in gold.items():
        for measure in measures(benchmark.task_of(language)):
            rows = measure.statistics(split, predicted[name, language])
            statistics.setdefault(name, {}).setdefault(language, []).append(rows)
            result = score(measure.metric, rows)
            about = {"split": name, "language": language, "metric": measure.metric.name, **_values(result)}
            scores.append({**about, "n": result.n, "truncated": truncated.get((name, language))})
    return scores, [a for name in statistics for a in _averages(benchmark, name, statistics[name])]


def _averages(benchmark: Benchmark, name: str, statistics: Mapping[str, list[Statistics]]) -> list[dict[str, Any]]:
    """Every average of every metric that all columns share; where columns differ, of their first metrics."""
    by_column = {code: [m.metric for m in measures(benchmark.task_of(code))] for code in statistics}
    same = len({tuple(metrics) for metrics in by_column.values()}) == 1
    found = []
    for average, weights in benchmark.averages(tuple(statistics)).items():
        for place in range(len(next(iter(by_column.values()))) if same else 1):
            terms = {c: (by_column[c][place], statistics[c][place], w) for c, w in weights.items()}
            result = mean_score(terms)
            metrics = {m.signature: m.name for m, _, _ in terms.values()}
            found.append(
                {
                    "split": name,
                    "average": average,
                    "metric": next(iter(metrics.values())) if len(metrics) == 1 else "score",
                    **_values(result),
                    "languages": len(terms),
                    "signature": " + ".join(metrics),
                }
            )
    return found


def check_predictions(task: Task, split: Split[Any], predicted: Iterable[str], where: str) -> None:
    """Raise DataError for predictions that no model of the task makes, instead of counting them as wrong."""
    if isinstance(task, Classification):
        unknown = sorted(set(predicted) - set(task.labels))
        if unknown:
            raise DataError(f"{where}: prediction {unknown[0]!r} is none of {', '.join(task.labels)}.")
    if isinstance(task, Tagging):
        for example, tags in zip(split.examples, predicted, strict=True):
            if len(tags.split(" ")) != len(example.words):
                raise DataError(
                    f"{where}: {split.language!r} sentence {example.id} has {len(tags.split(' '))} tags for "
                    f"{len(example.words)} words. Give one tag a word, between single blanks."
                )
    if isinstance(task, Regression):
        for example, value in zip(split.examples, predicted, strict=True):
            try:
                finite = bool(np.isfinite(float(value)))
            except ValueError:
                finite = False
            if not finite:
                raise DataError(f"{where}: the prediction {value!r} for {example.id} is not a finite number.")


def _values(result: Score) -> dict[str, Any]:
    return {"value": result.value, "ci95": list(result.ci95)}
