"""Is a difference more than chance? Bootstraps over examples and seeds, many tests at once, and sizes of effects.

All functions are pure. A side's draws are (S, R): what each of its S seeds scores in each of the R = RESAMPLES samples
of examples, which are the same samples for every side (`metrics.resampled_sums`), so that differences are paired.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import asin, atan, cos, erfc, sin, sqrt

import numpy as np
import numpy.typing as npt

from .metrics import RESAMPLES, Metric, Statistics, resampled_sums, two_sided_p

LEVEL = 0.05
Draws = npt.NDArray[np.float64]
_SEED = 20200706  # fixed, so that two comparisons of the same results agree to the last digit


def example_draws(metric: Metric, statistics: Statistics) -> Draws:
    """The score of one seed in each sample of examples: (R,)."""
    return metric.aggregate(resampled_sums(statistics), len(statistics))


def over_seeds(draws: Draws, side: int, *, median: bool = False) -> Draws:
    """(S, R) -> (R,): in each sample the mean (or median) over seeds on the drawn examples, moved by the drawn seeds.

    Two levels: each sample draws examples for all seeds alike, and independently seeds, by whose mean on all examples
    it moves. The variances of both add up; what seeds and examples do together is in both, so that intervals are at
    most sqrt(2) too wide and never too narrow for it (drawing seeds within the drawn examples, as Sellam et al. 2022
    do, counts it three times: Owen 2007). S - 1 of S seeds are drawn (Rao and Wu 1988), for S of S would understate
    the variance by (S - 1) / S, which is half of it for two seeds. Percentiles of so few seeds stay too narrow where
    the spread over seeds is all there is. A single seed is kept: its noise is then unknown, and not in the result.
    Sides that are subtracted need different numbers `side`, or else they draw the same seeds.
    """
    if len(draws) == 1:
        return np.asarray(draws[0], dtype=np.float64)
    middle = np.median if median else np.mean
    alone = draws.mean(axis=1)
    moved = middle(alone[_chosen_seeds(len(draws), side)], axis=0) - middle(alone)
    return np.asarray(middle(draws, axis=0) + moved, dtype=np.float64)


def interval(draws: Draws) -> tuple[float, float]:
    """The middle 95 % of the draws."""
    low, high = np.quantile(draws, [LEVEL / 2, 1 - LEVEL / 2])
    return float(low), float(high)


def holm(p_values: Mapping[str, float]) -> dict[str, float]:
    """Adjusted p-values that keep the chance of any false finding among all of them at the level (Holm 1979)."""
    ordered = sorted(p_values, key=p_values.__getitem__)
    adjusted: dict[str, float] = {}
    highest = 0.0
    for place, name in enumerate(ordered):
        highest = max(highest, min(1.0, (len(ordered) - place) * p_values[name]))
        adjusted[name] = highest
    return {name: adjusted[name] for name in p_values}


def holm_of_draws(draws: Mapping[str, Draws]) -> dict[str, float]:
    """Holm's p-values of differences, from their draws.

    A p-value that is counted cannot fall below 2 / (R + 1), so of many differences not even the largest could ever
    pass. Where no draw crosses zero, the tail of the normal curve through mean and spread of the draws is therefore
    what is adjusted; the result never falls below what was counted.
    """
    adjusted = holm({name: _tail_p(values) for name, values in draws.items()})
    return {name: max(p, two_sided_p(draws[name])) for name, p in adjusted.items()}


def cohens_h(a: float, b: float) -> float:
    """Difference of two shares on the scale on which their variance is constant; 0.2 small, 0.5 medium, 0.8 large."""
    return 2 * (asin(sqrt(a)) - asin(sqrt(b)))


def hedges_g(a: Sequence[float], b: Sequence[float]) -> float | None:
    """Difference of the means of two samples of seeds in pooled standard deviations, corrected for small samples.

    None where a side has one seed or no seed differs from another. It tells how far the seeds of two models are apart;
    it says nothing of the sampling of examples.
    """
    if min(len(a), len(b)) < 2:
        return None
    freedom = len(a) + len(b) - 2
    pooled = ((len(a) - 1) * np.var(a, ddof=1) + (len(b) - 1) * np.var(b, ddof=1)) / freedom
    if pooled < 1e-18:
        return None
    return float((np.mean(a) - np.mean(b)) / np.sqrt(pooled) * (1 - 3 / (4 * freedom - 1)))


def students_p(t: float, freedom: int) -> float:
    """Two-sided p-value of Student's t for whole degrees of freedom (Abramowitz and Stegun 26.7.3 and 26.7.4)."""
    angle = atan(abs(t) / sqrt(freedom))
    term, total = (1.0, 1.0) if freedom % 2 == 0 else (cos(angle), cos(angle))
    for k in range(2 if freedom % 2 == 0 else 3, freedom, 2):
        term *= cos(angle) ** 2 * (k - 1) / k
        total += term
    if freedom % 2 == 0:
        within = sin(angle) * total
    else:
        within = 2 / np.pi * (angle + (sin(angle) * total if freedom > 1 else 0.0))
    return float(min(1.0, max(0.0, 1 - within)))


def _tail_p(draws: Draws) -> float:
    """The counted p-value, or where no draw crosses zero the normal one if that is smaller."""
    counted = two_sided_p(draws)
    spread = float(np.std(draws))
    if counted > 2 / (len(draws) + 1) or spread == 0:
        return counted
    return min(counted, erfc(abs(float(np.mean(draws))) / spread / sqrt(2)))


def _chosen_seeds(seeds: int, side: int) -> npt.NDArray[np.int64]:
    """Which seeds are drawn in each sample: (S - 1, R)."""
    return np.random.default_rng([_SEED, seeds, side]).integers(0, seeds, (seeds - 1, RESAMPLES))
