"""GLUE's metrics beside accuracy: F1 of the positive class, Matthews, Pearson and Spearman correlation; its average.

Like `metrics`: statistics an example (N, K), then an aggregate of their sums (..., K), for one set or for many
bootstrap samples at once. Undefined values (no positives, one class only, a constant) are 0, as in scikit-learn's
F1 and Matthews correlation; SciPy calls such a correlation NaN.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from .errors import DataError, UsageError
from .metrics import Metric, Statistics

Values = npt.NDArray[np.float64]

# (gold, predicted) -> column of the confusion statistics: true positive, false positive, false negative, true negative.
_CELLS = {("1", "1"): 0, ("0", "1"): 1, ("1", "0"): 2, ("0", "0"): 3}

# The tasks of the paper's Table 4. MNLI counts once, as the mean of its matched and mismatched sets.
AVERAGED = ("MNLI", "QNLI", "QQP", "SST-2", "MRPC", "STS-B")
MNLI_SETS = ("MNLI-m", "MNLI-mm")

# What sums in single precision may leave of a variance that is zero, relative to the terms it is the difference of.
_NO_VARIANCE = 1e-4


def confusion_statistics(gold: Sequence[str], predicted: Sequence[str]) -> Statistics:
    """Which cell of the confusion matrix an example falls in: (N, 4) of true positive, false positive, false
    negative, true negative. Labels are `1` (positive) and `0`; raises DataError for any other.
    """
    cells = np.zeros((len(gold), len(_CELLS)))
    for row, (g, p) in enumerate(zip(gold, predicted, strict=True)):
        if (g, p) not in _CELLS:
            raise DataError(
                f"example {row + 1}: gold {g!r}, predicted {p!r}; F1 and Matthews correlation are of the labels "
                "'0' and '1' alone. Predict with a model of these two labels."
            )
        cells[row, _CELLS[g, p]] = 1
    return cells


def pearson_statistics(gold: Sequence[str], predicted: Sequence[str]) -> Statistics:
    """x, y, xx, yy, xy of the standardised scores, gold x and predicted y given as digits: (N, 5).

    Both are centred at the mean of this set and divided by its deviation, which leaves the correlation as it is and
    keeps sums of squares from cancelling. Raises DataError for what is not a finite number.
    """
    return _moments(_numbers(gold, "gold"), _numbers(predicted, "predicted"))


def spearman_statistics(gold: Sequence[str], predicted: Sequence[str]) -> Statistics:
    """As `pearson_statistics`, of the ranks in this set, ties averaged: (N, 5).

    The value for the whole set is exact. A bootstrap sample is scored by the ranks of the whole set rather than
    ranked anew, so that intervals are approximate: on simulated sets of 300 and 1,500 scores their ends moved by
    at most .01, their width by at most 8 %. The signature says so.
    """
    return _moments(ranks(_numbers(gold, "gold")), ranks(_numbers(predicted, "predicted")))


def ranks(values: Values) -> Values:
    """1-based ranks, equal values sharing the mean of theirs."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    mean_ranks: Values = np.cumsum(counts) - (counts - 1) / 2
    return mean_ranks[inverse]


def _numbers(digits: Sequence[str], whose: str) -> Values:
    numbers = np.empty(len(digits))
    for row, text in enumerate(digits):
        try:
            numbers[row] = float(text)
        except ValueError:
            numbers[row] = math.nan
        if not math.isfinite(numbers[row]):
            raise DataError(
                f"example {row + 1}: {whose} score {text!r} is not a finite number. "
                "Correct the file, or train again if the model's outputs have become infinite."
            )
    return numbers


def _moments(x: Values, y: Values) -> Statistics:
    if len(x) != len(y):
        raise ValueError(f"{len(x)} gold scores, but {len(y)} predicted ones")
    a, b = _standardised(x), _standardised(y)
    return np.column_stack([a, b, a * a, b * b, a * b])


def _standardised(values: Values) -> Values:
    """Mean 0, deviation 1; all 0 for a constant, whose mean as computed may differ from it in the last digit."""
    if not len(values) or values.min() == values.max():
        return np.zeros_like(values)
    # Between 0 and 1 first: the smallest difference survives, and no square leaves the range of numbers.
    spread = (values - values.min()) / (values.max() - values.min())
    centred: Values = spread - spread.mean()
    standardised: Values = centred / np.sqrt(np.mean(centred * centred))
    return standardised


def _f1(sums: Statistics, n: int) -> Values:
    tp, fp, fn = sums[..., 0], sums[..., 1], sums[..., 2]
    return _quotient(2 * tp, 2 * tp + fp + fn)


def _matthews(sums: Statistics, n: int) -> Values:
    tp, fp, fn, tn = (sums[..., k] for k in range(4))
    return _quotient(tp * tn - fp * fn, np.sqrt((tp + fp) * (tp + fn) * (tn + fp) * (tn + fn)))


def _correlation(sums: Statistics, n: int) -> Values:
    x, y, xx, yy, xy = (sums[..., k] for k in range(5))
    of_x, of_y = n * xx - x * x, n * yy - y * y
    varies = (of_x > _NO_VARIANCE * n * xx) & (of_y > _NO_VARIANCE * n * yy)
    scale = np.sqrt(np.where(varies, of_x, 0.0)) * np.sqrt(np.where(varies, of_y, 0.0))
    return np.clip(_quotient(n * xy - x * y, scale), -1.0, 1.0)


def _quotient(above: Values, below: Values) -> Values:
    """`above / below`, 0 where undefined."""
    above, below = np.asarray(above, dtype=np.float64), np.asarray(below, dtype=np.float64)
    return np.divide(above, below, out=np.zeros_like(above), where=below > 0)


F1 = Metric("f1", "f1|average:binary|positive:1|undefined:0|scorer:xlmr_bench|version:1", _f1)
MATTHEWS = Metric("matthews", "matthews|undefined:0|scorer:xlmr_bench|version:1", _matthews)
PEARSON = Metric("pearson", "pearson|undefined:0|scorer:xlmr_bench|version:1", _correlation)
SPEARMAN = Metric(
    "spearman", "spearman|ties:average|undefined:0|resampling:ranks-of-all|scorer:xlmr_bench|version:1", _correlation
)


def glue_average(scores: Mapping[str, float]) -> float:
    """The paper's average over its six tasks (Table 4), whatever the unit of the scores.

    `scores` is by task, MNLI either as `MNLI-m` and `MNLI-mm`, which count as one by their mean, or as `MNLI` where
    a source prints one number. Other tasks (CoLA, RTE, WNLI) are not part of it. Raises UsageError that names every
    missing task rather than averaging fewer.
    """
    sets = [name for name in MNLI_SETS if name in scores]
    if sets and "MNLI" in scores:
        raise UsageError(f"GLUE's average: MNLI is given twice, as MNLI and as {' and '.join(sets)}. Give one form.")
    wanted = (*(("MNLI",) if "MNLI" in scores else MNLI_SETS), *AVERAGED[1:])
    missing = [name for name in wanted if name not in scores]
    if missing:
        raise UsageError(
            f"GLUE's average needs {', '.join(wanted)}: {', '.join(missing)} missing. "
            "Run these too; an average over fewer tasks is not the paper's."
        )
    unusable = [name for name in wanted if not math.isfinite(scores[name])]
    if unusable:
        raise UsageError(f"GLUE's average: the score of {', '.join(unusable)} is not a finite number. Run it again.")
    mnli = scores["MNLI"] if "MNLI" in scores else sum(scores[name] for name in MNLI_SETS) / len(MNLI_SETS)
    return (mnli + sum(scores[name] for name in AVERAGED[1:])) / len(AVERAGED)
