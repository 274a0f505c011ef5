"""Accuracy and its uncertainty against closed forms, paired comparison, and the detection of collapsed runs."""

from __future__ import annotations

import math
import subprocess
import sys

import numpy as np
import pytest
from samples import LABELS, REPOSITORY

from xlmr_bench.metrics import (
    ACCURACY,
    RESAMPLES,
    Score,
    Statistics,
    accuracy_statistics,
    collapsed,
    mean_score,
    paired_difference,
    resampled_sums,
    score,
    two_sided_p,
)


def outcomes(right: int, n: int, seed: int | None = None) -> Statistics:
    """`right` correct answers of n, first or shuffled."""
    rows = np.zeros((n, 1))
    rows[:right] = 1
    if seed is not None:
        np.random.default_rng(seed).shuffle(rows)
    return rows


def test_accuracy_is_the_share_of_equal_labels() -> None:
    rows = accuracy_statistics(["a", "b", "c", "a"], ["a", "c", "c", "a"])
    assert rows.tolist() == [[1], [0], [1], [1]]
    result = score(ACCURACY, rows)
    assert (result.value, result.n) == (0.75, 4)


def test_lists_of_different_length_are_never_zipped_to_the_shorter() -> None:
    with pytest.raises(ValueError, match="shorter"):
        accuracy_statistics(["a", "b"], ["a"])


@pytest.mark.parametrize(("right", "n"), [(2505, 5010), (4008, 5010), (450, 500), (60, 100)])
def test_the_interval_is_the_binomial_one(right: int, n: int) -> None:
    p = right / n
    se = math.sqrt(p * (1 - p) / n)
    result = score(ACCURACY, outcomes(right, n, seed=1))
    assert result.value == p
    # 1,000 resamples know a quantile to about a tenth of its distance from the mean.
    assert result.ci95[0] == pytest.approx(p - 1.96 * se, abs=0.25 * se)
    assert result.ci95[1] == pytest.approx(p + 1.96 * se, abs=0.25 * se)


def test_certainty_has_no_width() -> None:
    assert score(ACCURACY, outcomes(50, 50)).ci95 == (1.0, 1.0)
    assert score(ACCURACY, outcomes(0, 50)).ci95 == (0.0, 0.0)


def test_each_resample_draws_as_many_rows_as_there_are() -> None:
    sums = resampled_sums(np.column_stack([np.ones(37), np.arange(37.0)]))
    assert sums.shape == (RESAMPLES, 2)
    assert set(sums[:, 0]) == {37.0}
    assert sums[:, 1].mean() / 37 == pytest.approx(18.0, abs=4 * 10.7 / math.sqrt(37 * RESAMPLES))


def mean_accuracy(**languages: np.ndarray) -> Score:
    """The plain mean: every language counts the same."""
    return mean_score({code: (ACCURACY, rows, 1.0) for code, rows in languages.items()})


def test_the_mean_is_the_plain_one_over_languages_whatever_their_sizes() -> None:
    result = mean_accuracy(en=outcomes(9, 10), sw=outcomes(25, 50))
    assert result.value == pytest.approx((0.9 + 0.5) / 2)
    assert result.n == 60


def test_parallel_languages_are_resampled_by_the_same_rows() -> None:
    """The same rows right in both: the mean varies as one language does. Opposite rows: it does not vary at all."""
    rows = outcomes(300, 500, seed=4)
    one = score(ACCURACY, rows).ci95
    assert mean_accuracy(en=rows, sw=rows).ci95 == pytest.approx(one)
    assert mean_accuracy(en=rows, sw=1 - rows).ci95 == pytest.approx((0.5, 0.5))


def test_independent_languages_narrow_the_interval_by_the_root_of_two() -> None:
    a, b = outcomes(300, 500, seed=4), outcomes(300, 500, seed=5)
    low, high = score(ACCURACY, a).ci95
    narrow, wide = mean_accuracy(en=a, sw=b).ci95
    assert (wide - narrow) == pytest.approx((high - low) / math.sqrt(2), rel=0.15)


def test_a_difference_is_paired_by_example() -> None:
    """B differs from A by ten more right answers: the interval knows only those ten rows, not the 600 shared ones."""
    a = outcomes(600, 1000)
    b = outcomes(610, 1000)
    difference, (low, high), p = paired_difference(ACCURACY, a, b)
    assert difference == pytest.approx(-0.01)
    se = math.sqrt(0.01 * 0.99 / 1000)
    assert (low, high) == pytest.approx((-0.01 - 1.96 * se, -0.01 + 1.96 * se), abs=0.3 * se)
    assert p == pytest.approx(2 / (RESAMPLES + 1))


def test_equal_answers_are_no_difference_and_p_is_one() -> None:
    rows = outcomes(600, 1000, seed=2)
    assert paired_difference(ACCURACY, rows, rows) == (0.0, (0.0, 0.0), 1.0)


def test_differences_by_chance_are_not_significant() -> None:
    """Under the null hypothesis p is about uniform: 5 % of comparisons fall below 0.05."""
    rng = np.random.default_rng(0)
    ps = []
    for _ in range(200):
        a, b = (rng.random((400, 1)) < 0.7).astype(float), (rng.random((400, 1)) < 0.7).astype(float)
        ps.append(paired_difference(ACCURACY, a, b)[2])
    assert 0.01 <= np.mean(np.array(ps) < 0.05) <= 0.1
    assert np.mean(np.array(ps) < 0.5) == pytest.approx(0.5, abs=0.12)


def test_p_counts_both_sides_and_is_never_zero() -> None:
    assert two_sided_p(np.full(999, 1.0)) == pytest.approx(2 / 1000)
    assert two_sided_p(np.full(999, -1.0)) == pytest.approx(2 / 1000)
    assert two_sided_p(np.array([-1.0] * 99 + [1.0] * 900)) == pytest.approx(2 * 100 / 1000)
    assert two_sided_p(np.zeros(999)) == 1.0


def test_two_processes_agree_to_the_last_digit() -> None:
    code = (
        "import numpy as np; from xlmr_bench.metrics import *; r = np.random.default_rng(3).random((777, 1)) < 0.6;"
        "print(repr(score(ACCURACY, r.astype(float))), "
        "mean_score({'a': (ACCURACY, r * 1.0, 1.0), 'b': (ACCURACY, r[:500] * 1.0, 0.5)}))"
    )
    answers = {
        subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=True).stdout
        for _ in range(2)
    }
    assert len(answers) == 1
    assert "Score(value=0." in answers.pop()


def balanced(n: int) -> list[str]:
    return [LABELS[i % 3] for i in range(n)]


def test_one_class_for_everything_is_a_collapse() -> None:
    assert collapsed(["neutral"] * 2490, balanced(2490)) == "100% of the dev predictions are one class"
    nearly = ["neutral"] * 2400 + balanced(90)
    assert collapsed(nearly, balanced(2490)) == "98% of the dev predictions are one class"


def test_answers_at_chance_are_a_collapse_and_answers_just_above_are_not() -> None:
    gold = balanced(2490)
    shifted = [LABELS[(i + 1) % 3] for i in range(2490)]
    # Two standard errors at one third and n = 2,490: 1.9 points.
    for right, expected in ((830, True), (870, True), (885, False), (1500, False)):
        predicted = [g if i < right else s for i, (g, s) in enumerate(zip(gold, shifted, strict=True))]
        assert (collapsed(predicted, gold) is not None) == expected, right
    assert collapsed(shifted, gold) == "dev accuracy 0.0% is not above the largest class (33.3%)"


def test_chance_is_the_largest_class_of_unbalanced_data() -> None:
    gold = ["neutral"] * 800 + ["entailment"] * 200
    predicted = ["neutral"] * 760 + ["entailment"] * 40 + ["neutral"] * 150 + ["entailment"] * 50
    assert collapsed(predicted, gold) == "dev accuracy 81.0% is not above the largest class (80.0%)"
    good = ["neutral"] * 790 + ["entailment"] * 210
    assert collapsed(good, gold) is None
