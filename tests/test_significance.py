"""Bootstraps, corrections and effect sizes against direct definitions, closed forms and simulated experiments."""

from __future__ import annotations

from itertools import combinations
from math import gamma, pi, sqrt

import numpy as np
import pytest

from xlmr_bench.metrics import ACCURACY, RESAMPLES, two_sided_p
from xlmr_bench.significance import (
    _chosen_seeds,
    cohens_h,
    example_draws,
    hedges_g,
    holm,
    holm_of_draws,
    interval,
    over_seeds,
    students_p,
)


def closed_bonferroni(p: dict[str, float]) -> dict[str, float]:
    """Holm by the closure principle: the worst Bonferroni test of all sets of hypotheses that hold this one."""
    return {
        name: max(
            min(1.0, size * min(p[i] for i in chosen))
            for size in range(1, len(p) + 1)
            for chosen in combinations(p, size)
            if name in chosen
        )
        for name in p
    }


@pytest.mark.parametrize("m", range(1, 8))
def test_holm_is_the_closed_test_of_all_sets_of_hypotheses(m: int) -> None:
    rng = np.random.default_rng(m)
    for _ in range(30):
        values = np.round(rng.random(m) ** 3, 2)  # rounded, so that there are ties
        p = {f"h{i}": float(v) for i, v in enumerate(values)}
        assert holm(p) == pytest.approx(closed_bonferroni(p))
        assert list(holm(p)) == list(p)


def test_a_worked_example_of_holm() -> None:
    assert holm({"a": 0.04, "b": 0.01, "c": 0.03}) == pytest.approx({"a": 0.06, "b": 0.03, "c": 0.06})
    assert holm({}) == {}


def normal_draws(mean: float, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(mean, 0.01, RESAMPLES)


def test_many_columns_can_all_be_significant_and_none_falls_below_what_was_counted() -> None:
    draws = {str(i): normal_draws(0.06, i) for i in range(60)}
    assert 60 * two_sided_p(draws["0"]) > 0.1, "by counting alone none of sixty could be"
    adjusted = holm_of_draws(draws)
    assert all(two_sided_p(draws[name]) <= p < 0.05 for name, p in adjusted.items())


def test_what_crosses_zero_is_counted_and_adjusted_as_counted() -> None:
    draws = {"a": normal_draws(0.02, 1), "b": normal_draws(0.0, 2), "c": normal_draws(0.015, 3)}
    assert holm_of_draws(draws) == pytest.approx(holm({k: two_sided_p(v) for k, v in draws.items()}))


@pytest.mark.parametrize("median", [False, True])
def test_two_levels_equal_a_loop_over_samples(median: bool) -> None:
    rng = np.random.default_rng(3)
    draws = rng.normal(0.7, 0.02, (5, RESAMPLES)) + np.arange(5)[:, None] / 100
    middle = np.median if median else np.mean
    found = over_seeds(draws, 0, median=median)
    means = [row.mean() for row in draws]
    for r in range(0, RESAMPLES, 37):
        drawn = [means[s] for s in _chosen_seeds(5, 0)[:, r]]
        assert len(drawn) == 4
        assert found[r] == pytest.approx(middle(draws[:, r]) + middle(drawn) - middle(means))
    assert not np.array_equal(_chosen_seeds(5, 0), _chosen_seeds(5, 1)), "sides draw their seeds independently"


@pytest.mark.parametrize("seeds", [2, 3, 5, 10])
def test_the_spread_over_seeds_is_that_of_a_mean_and_not_less(seeds: int) -> None:
    scores = np.random.default_rng(seeds).normal(0.7, 0.02, seeds)
    draws = np.repeat(scores[:, None], RESAMPLES, axis=1)  # examples never matter
    assert over_seeds(draws, 0).var() == pytest.approx(scores.var(ddof=1) / seeds, rel=0.15)
    assert over_seeds(draws, 0).mean() == pytest.approx(scores.mean(), abs=0.002)


def test_one_seed_has_only_the_noise_of_examples() -> None:
    draws = example_draws(ACCURACY, (np.arange(100) < 70).astype(float)[:, None])
    assert np.array_equal(over_seeds(draws[None], 0), draws)


def simulated_coverage(seeds: int, spread: float, trials: int = 150) -> float:
    """How often the interval of the difference of two equal models holds 0; seeds differ in ability by `spread`."""
    rng = np.random.default_rng(seeds)
    inside = 0
    for _ in range(trials):
        difficulty = rng.normal(0.9, 1.2, 250)
        averaged = []
        for side in (0, 1):
            ability = difficulty + rng.normal(0, spread, (seeds, 1)) + rng.normal(0, 0.5, (seeds, 250))
            draws = [example_draws(ACCURACY, right[:, None]) for right in (ability > 0).astype(float)]
            averaged.append(over_seeds(np.stack(draws), side))
        low, high = interval(averaged[0] - averaged[1])
        inside += low <= 0 <= high
    return inside / trials


def test_intervals_hold_the_truth_about_as_often_as_they_say() -> None:
    assert 0.89 <= simulated_coverage(5, 0.2) <= 0.99
    assert 0.92 <= simulated_coverage(5, 0.0) <= 1.0
    assert 0.91 <= simulated_coverage(1, 0.0) <= 0.99
    # What a single seed cannot know: another seed would have differed.
    assert simulated_coverage(1, 0.3) < 0.6


def test_cohens_h_is_known_at_the_ends_and_in_the_middle() -> None:
    assert cohens_h(1.0, 0.0) == pytest.approx(pi)
    assert cohens_h(0.5, 0.5) == 0
    assert cohens_h(0.8, 0.6) == pytest.approx(0.4421, abs=1e-4)
    assert cohens_h(0.6, 0.8) == -cohens_h(0.8, 0.6)


def test_hedges_g_by_hand() -> None:
    # Pooled standard deviation sqrt(0.0002), four seeds: correction 1 - 3 / 7.
    assert hedges_g([0.80, 0.82], [0.70, 0.72]) == pytest.approx(0.1 / sqrt(0.0002) * 4 / 7)
    assert hedges_g([0.8], [0.7, 0.72]) is None
    assert hedges_g([0.8, 0.8], [0.7, 0.7]) is None


def student_tail(t: float, freedom: int) -> float:
    """Two-sided tail of Student's t by integrating its density up to t with Simpson's rule."""
    x = np.linspace(0, t, 20001)
    density = (1 + x**2 / freedom) ** (-(freedom + 1) / 2)
    weights = np.ones_like(x)
    weights[1:-1:2], weights[2:-1:2] = 4, 2
    area = float(weights @ density) * (x[1] - x[0]) / 3
    return 1 - 2 * area * gamma((freedom + 1) / 2) / (sqrt(freedom * pi) * gamma(freedom / 2))


@pytest.mark.parametrize("freedom", range(1, 12))
def test_students_p_is_the_tail_of_its_density(freedom: int) -> None:
    for t in (0.3, 1.0, 2.5, 6.0):
        assert students_p(t, freedom) == students_p(-t, freedom) == pytest.approx(student_tail(t, freedom), abs=1e-7)
    assert students_p(0, freedom) == 1
