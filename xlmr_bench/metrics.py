"""Scores as sufficient statistics an example and one aggregate, so that every interval is a resampling of rows.

All functions are pure. Scores are fractions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

Statistics = npt.NDArray[np.float64]
RESAMPLES = 1000
_SEED = 20200705  # fixed, so that two scorings of one file agree to the last digit


@dataclass(frozen=True)
class Metric:
    """`statistics` of one split is (N, K); `aggregate` turns sums (..., K) over N examples into scores (...).

    `signature` names scorer, version and settings, like sacrebleu's.
    """

    name: str
    signature: str
    aggregate: Callable[[Statistics, int], npt.NDArray[np.float64]]


ACCURACY = Metric("accuracy", "accuracy|scorer:xlmr_bench|version:1", lambda sums, n: sums[..., 0] / n)


def accuracy_statistics(gold: list[str], predicted: list[str]) -> Statistics:
    """1 where the prediction is the gold label, else 0: (N, 1)."""
    return np.array([[float(g == p)] for g, p in zip(gold, predicted, strict=True)])


@dataclass(frozen=True)
class Score:
    """A value with its 95 % confidence interval from resampled examples."""

    value: float
    ci95: tuple[float, float]
    n: int


def score(metric: Metric, statistics: Statistics) -> Score:
    """The score of one split in one language."""
    resampled = metric.aggregate(resampled_sums(statistics), len(statistics))
    return Score(_total(metric, statistics), _interval(resampled), len(statistics))


def mean_score(terms: Mapping[str, tuple[Metric, Statistics, float]]) -> Score:
    """The weighted mean over columns (metric, statistics, weight), its interval from rows resampled jointly.

    Languages with the same number of rows are parallel, so one draw of rows serves all of them: the interval
    then knows that the same sentences are hard everywhere.
    """
    weights = np.array([w for _, _, w in terms.values()])
    values = [_total(metric, s) for metric, s, _ in terms.values()]
    resampled = [metric.aggregate(resampled_sums(s), len(s)) for metric, s, _ in terms.values()]
    total = sum(len(s) for _, s, _ in terms.values())
    return Score(
        float(np.average(values, weights=weights)), _interval(np.average(resampled, axis=0, weights=weights)), total
    )


def paired_difference(metric: Metric, a: Statistics, b: Statistics) -> tuple[float, tuple[float, float], float]:
    """Score of a minus score of b on the same examples: difference, 95 % interval, two-sided bootstrap p-value."""
    draws = difference_draws(metric, a, b)
    return _total(metric, a) - _total(metric, b), _interval(draws), two_sided_p(draws)


def difference_draws(metric: Metric, a: Statistics, b: Statistics) -> npt.NDArray[np.float64]:
    """The difference in each bootstrap sample of the examples, the same samples for both: (RESAMPLES,)."""
    return metric.aggregate(resampled_sums(a), len(a)) - metric.aggregate(resampled_sums(b), len(b))


def two_sided_p(draws: npt.NDArray[np.float64]) -> float:
    """How often resampling crosses zero, counted on both sides; never below 2 / (resamples + 1)."""
    tail = min(np.sum(draws <= 0), np.sum(draws >= 0))
    return float(min(1.0, 2 * (tail + 1) / (len(draws) + 1)))


def resampled_sums(statistics: Statistics) -> Statistics:
    """Sums of the statistics over bootstrap samples of the rows: (RESAMPLES, K)."""
    counts = _counts(len(statistics))
    return (counts @ statistics.astype(np.float32)).astype(np.float64)


def collapsed(predicted: list[str], gold: list[str]) -> str | None:
    """Why a classifier counts as collapsed on its training language's dev set, or None.

    One class gets 95 % of the predictions, or accuracy is within two standard errors of the largest class's share.
    Some seeds and rates end so (XLM issue 199, transformers issue 6210); such runs are shown, never averaged silently.
    """
    n = len(gold)
    share = max(predicted.count(label) for label in set(predicted)) / n
    chance = max(gold.count(label) for label in set(gold)) / n
    accuracy = sum(g == p for g, p in zip(gold, predicted, strict=True)) / n
    if share >= 0.95:
        return f"{share:.0%} of the dev predictions are one class"
    if accuracy <= chance + 2 * (chance * (1 - chance) / n) ** 0.5:
        return f"dev accuracy {accuracy:.1%} is not above the largest class ({chance:.1%})"
    return None


def _total(metric: Metric, statistics: Statistics) -> float:
    return float(metric.aggregate(statistics.sum(axis=0), len(statistics)))


def _interval(draws: npt.NDArray[np.float64]) -> tuple[float, float]:
    low, high = np.quantile(draws, [0.025, 0.975])
    return float(low), float(high)


@lru_cache(maxsize=4)
def _counts(n: int) -> npt.NDArray[np.float32]:
    """How often each of n rows is drawn in each resample: (RESAMPLES, n)."""
    rng = np.random.default_rng([_SEED, n])
    counts = np.empty((RESAMPLES, n), dtype=np.float32)
    for r in range(RESAMPLES):
        counts[r] = np.bincount(rng.integers(0, n, n), minlength=n)
    return counts
