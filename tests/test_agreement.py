"""GLUE's metrics against hand-worked values and figures computed with scikit-learn and SciPy; the paper's average."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from xlmr_bench.agreement import (
    F1,
    MATTHEWS,
    PEARSON,
    SPEARMAN,
    confusion_statistics,
    glue_average,
    pearson_statistics,
    ranks,
    spearman_statistics,
)
from xlmr_bench.errors import DataError, UsageError
from xlmr_bench.metrics import (
    ACCURACY,
    RESAMPLES,
    Metric,
    Statistics,
    accuracy_statistics,
    paired_difference,
    resampled_sums,
    score,
)

Sets = Callable[[int], tuple[list[str], list[str]]]
METRICS = {
    "f1": (F1, confusion_statistics),
    "matthews": (MATTHEWS, confusion_statistics),
    "pearson": (PEARSON, pearson_statistics),
    "spearman": (SPEARMAN, spearman_statistics),
}


def value(name: str, gold: list[str], predicted: list[str]) -> float:
    metric, statistics = METRICS[name]
    rows = statistics(gold, predicted)
    return float(metric.aggregate(rows.sum(axis=0), len(rows)))


def labels(cells: str) -> tuple[list[str], list[str]]:
    """`11 10` -> gold 1 1, predicted 1 0."""
    return [c[0] for c in cells.split()], [c[1] for c in cells.split()]


def digits(*numbers: float) -> list[str]:
    return [repr(float(n)) for n in numbers]


# --- by hand ---


def test_f1_is_of_the_positive_class() -> None:
    # 3 found of 4 that are, 3 right of 5 called so: precision .6, recall .75.
    gold, predicted = labels("11 11 11 10 01 01 00 00 00 00")
    assert value("f1", gold, predicted) == pytest.approx(2 * 0.6 * 0.75 / 1.35)
    swapped = {"0": "1", "1": "0"}
    other = value("f1", [swapped[g] for g in gold], [swapped[p] for p in predicted])
    assert other == pytest.approx(8 / 11)


def test_matthews_is_the_correlation_of_the_labels() -> None:
    gold, predicted = labels("11 11 11 10 01 01 00 00 00 00")
    by_hand = (3 * 4 - 2 * 1) / math.sqrt(5 * 4 * 6 * 5)
    assert value("matthews", gold, predicted) == pytest.approx(by_hand)
    assert value("pearson", gold, predicted) == pytest.approx(by_hand)
    assert value("matthews", *labels("10 01 10 01")) == -1.0
    assert value("matthews", *labels("11 00 11")) == 1.0


def test_each_example_falls_in_one_cell() -> None:
    assert confusion_statistics(*labels("11 01 10 00")).tolist() == np.eye(4).tolist()


def test_pearson_by_hand() -> None:
    # Deviations -1.5 -.5 .5 1.5 and -1 -2 1 2: 6 / sqrt(5 * 10).
    assert value("pearson", digits(1, 2, 3, 4), digits(2, 1, 4, 5)) == pytest.approx(6 / math.sqrt(50), rel=1e-14)


def test_spearman_by_hand_with_ties() -> None:
    assert ranks(np.array([0.3, 9.0, 0.3, -1.0, 0.3])).tolist() == [3.0, 5.0, 3.0, 1.0, 3.0]
    # Ranks 1 2.5 2.5 4 and 1 3 2 4: deviations' product 4.5, squares 4.5 and 5.
    assert value("spearman", digits(0, 1, 1, 5), digits(1, 30, 20, 400)) == pytest.approx(4.5 / math.sqrt(4.5 * 5))
    assert value("spearman", digits(1, 2, 3), digits(1, 10, 1000)) == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("name", "gold", "predicted"),
    [
        ("f1", *labels("00 00 00")),
        ("f1", *labels("10 01 00")),
        ("matthews", *labels("11 01 01")),
        ("matthews", *labels("10 10 00")),
        ("pearson", digits(1, 2, 3), digits(0.1, 0.1, 0.1)),
        ("pearson", digits(0.1, 0.1, 0.1, 0.1, 0.1, 0.1), digits(1, 2, 3, 4, 5, 7)),
        ("spearman", digits(1, 2, 3), digits(4, 4, 4)),
    ],
)
def test_what_is_undefined_is_zero(name: str, gold: list[str], predicted: list[str]) -> None:
    assert value(name, gold, predicted) == 0.0


# --- against the reference scorers ---


def random_labels(seed: int) -> tuple[list[str], list[str]]:
    draw = random.Random(seed).random
    n = 2 + int(59 * draw())
    agree = draw()
    gold = [str(int(draw() < 0.4)) for _ in range(n)]
    return gold, [g if draw() < agree else str(int(draw() < 0.5)) for g in gold]


def random_scores(seed: int) -> tuple[list[str], list[str]]:
    """Gold in steps of .2, predictions of one digit: both with ties."""
    draw = random.Random(seed).random
    n = 2 + int(59 * draw())
    noise = 5 * draw()
    gold = [f"{int(26 * draw()) / 5:.1f}" for _ in range(n)]
    return gold, [f"{float(g) + noise * (draw() - 0.5):.1f}" for g in gold]


# From scikit-learn 1.9.1 (f1_score, matthews_corrcoef) and SciPy 1.17.1 (pearsonr, spearmanr) on the sets of seeds
# 0 to 199: the first eight values, the sum of all, and the sum of all weighted by their seeds.
REFERENCE: dict[str, tuple[Sets, list[float], float, float]] = {
    "f1": (
        random_labels,
        [0.903225806452, 0.8, 0.947368421053, 0.666666666667, 0.533333333333, 0.8125, 0.848484848485, 0.631578947368],
        136.9285868796,
        13456.42639277,
    ),
    "matthews": (
        random_labels,
        [0.861960666432, 0.755928946018, 0.924662100445, 0.466666666667, 0.071428571429, 0.69581610567,
         0.770051379542, 0.330289129538],
        97.7855044511,
        9608.62155583,
    ),
    "pearson": (
        random_scores,
        [0.839878202222, 0.397189359336, 0.724509079273, 0.940200374826, 0.99518398712, 0.8501287278,
         0.757697447179, 0.994372578073],
        177.5925911144,
        17814.41313862,
    ),
    "spearman": (
        random_scores,
        [0.846686477379, 0.393308882115, 0.72208729676, 0.949673417316, 0.97670407739, 0.804114808668,
         0.727388074345, 0.980353634578],
        175.7412424821,
        17657.2859843,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", REFERENCE)
def test_values_are_those_of_the_reference_scorers_on_200_random_sets(name: str) -> None:
    make, first, total, weighted = REFERENCE[name]
    values = [value(name, *make(seed)) for seed in range(200)]
    assert values[:8] == pytest.approx(first, abs=1e-12)
    assert sum(values) == pytest.approx(total, abs=1e-9)
    assert sum(seed * v for seed, v in enumerate(values)) == pytest.approx(weighted, abs=1e-7)


# --- numbers of any size ---


@pytest.mark.parametrize(("factor", "offset"), [(1.0, 1e6), (1e-9, -1e-3), (1e30, 0.0), (1e-30, 0.0), (1e-170, 0.0)])
def test_a_correlation_does_not_depend_on_unit_and_origin(factor: float, offset: float) -> None:
    x = [math.sin(i) for i in range(400)]
    y = [a + math.cos(7 * i) for i, a in enumerate(x)]
    plain = value("pearson", digits(*x), digits(*y))
    assert 0.5 < plain < 0.9
    moved = score(PEARSON, pearson_statistics(digits(*x), digits(*(offset + factor * b for b in y))))
    assert moved.value == pytest.approx(plain, abs=1e-9)
    assert moved.ci95 == pytest.approx(score(PEARSON, pearson_statistics(digits(*x), digits(*y))).ci95, abs=1e-5)


def test_neighbouring_floating_point_numbers_are_still_two_values() -> None:
    low = 4.999999
    assert value("pearson", digits(1, 2, 3), digits(low, low, math.nextafter(low, 9))) == pytest.approx(math.sqrt(0.75))


def test_small_differences_of_large_numbers_are_not_rounded_away() -> None:
    steps = [(7 * i) % 10 for i in range(10)]
    assert value("pearson", digits(*steps), digits(*(7e15 + s for s in steps))) == pytest.approx(1.0, abs=1e-12)


@pytest.mark.parametrize("n", [41, 137, 408, 1500])
def test_a_bootstrap_sample_without_the_outlier_is_a_constant_and_not_rounding_noise(n: int) -> None:
    """One outlier each, in different examples: undefined without either of them, negative with both."""
    gold, predicted = np.full(n, 1.0), np.full(n, 2.2)
    gold[3], predicted[7] = 5.0, 4.1
    draws = PEARSON.aggregate(resampled_sums(pearson_statistics(digits(*gold), digits(*predicted))), n)
    assert draws.max() == 0.0
    assert -0.2 < draws.min() < 0.0
    assert 0.4 < np.mean(draws == 0.0) < 0.8


# --- resampling ---


@pytest.mark.parametrize("name", METRICS)
def test_many_samples_are_aggregated_as_each_alone(name: str) -> None:
    metric, statistics = METRICS[name]
    make = REFERENCE[name][0]
    rows = statistics(*make(3))
    draws = np.random.default_rng(5).integers(0, len(rows), (50, len(rows)))
    together = metric.aggregate(rows[draws].sum(axis=1), len(rows))
    assert together.shape == (50,)
    alone = [metric.aggregate(rows[d].sum(axis=0), len(rows)) for d in draws]
    assert together.tolist() == pytest.approx([float(a) for a in alone])
    # Except for Spearman, a sample of the statistics is the statistics of the sample.
    if name != "spearman":
        gold, predicted = make(3)
        anew = [value(name, [gold[i] for i in d], [predicted[i] for i in d]) for d in draws]
        assert together.tolist() == pytest.approx(anew, abs=1e-9)


def test_the_interval_of_a_correlation_is_the_one_of_fishers_transformation() -> None:
    rng = np.random.default_rng(11)
    x = rng.normal(size=800)
    y = x + rng.normal(size=800)
    result = score(PEARSON, pearson_statistics(digits(*x), digits(*y)))
    middle, half = math.atanh(result.value), 1.96 / math.sqrt(797)
    assert result.ci95 == pytest.approx((math.tanh(middle - half), math.tanh(middle + half)), abs=0.012)


def test_intervals_of_spearman_are_near_those_of_samples_ranked_anew() -> None:
    rng = np.random.default_rng(2)
    gold = np.round(rng.uniform(0, 5, 300), 1)
    predicted = np.round(gold + rng.normal(size=300), 1)
    approximate = score(SPEARMAN, spearman_statistics(digits(*gold), digits(*predicted)))
    draws = rng.integers(0, 300, (RESAMPLES, 300))
    anew = [np.corrcoef(ranks(gold[d]), ranks(predicted[d]))[0, 1] for d in draws]
    assert approximate.ci95 == pytest.approx(tuple(np.quantile(anew, [0.025, 0.975])), abs=0.012)


def test_systems_are_compared_in_pairs_by_these_metrics_too() -> None:
    gold = ["1", "0"] * 200
    worse = ["0" if i % 10 == 0 else g for i, g in enumerate(gold)]
    a, b = confusion_statistics(gold, gold), confusion_statistics(gold, worse)
    difference, (low, high), p = paired_difference(F1, a, b)
    assert difference == pytest.approx(1 - 2 * 160 / (2 * 160 + 40))
    assert 0 < low < difference < high
    assert p < 0.01


# --- what is refused ---


@pytest.mark.parametrize(("gold", "predicted"), [("1", "entailment"), ("2", "1"), ("1", "")])
def test_labels_other_than_0_and_1_are_refused(gold: str, predicted: str) -> None:
    with pytest.raises(DataError, match=f"example 2: gold '{gold}', predicted '{predicted}'"):
        confusion_statistics(["0", gold], ["0", predicted])


@pytest.mark.parametrize("bad", ["nan", "inf", "-inf", "high", ""])
@pytest.mark.parametrize("statistics", [pearson_statistics, spearman_statistics])
def test_scores_that_are_no_finite_number_are_refused(statistics: Callable[..., Statistics], bad: str) -> None:
    with pytest.raises(DataError, match=f"example 3: predicted score '{bad}' is not a finite number"):
        statistics(["1", "2", "3"], ["1", "2", bad])


@pytest.mark.parametrize("name", METRICS)
def test_lists_of_different_length_are_never_zipped_to_the_shorter(name: str) -> None:
    with pytest.raises(ValueError, match=r"shorter|2 gold scores, but 1 predicted"):
        METRICS[name][1](["1", "0"], ["1"])


def test_every_metric_signs_its_settings() -> None:
    metrics: list[Metric] = [ACCURACY, *(m for m, _ in METRICS.values())]
    assert len({m.signature for m in metrics}) == 5
    for metric in metrics:
        assert metric.signature.startswith(f"{metric.name}|")
        assert metric.signature.endswith("|scorer:xlmr_bench|version:1")
    assert accuracy_statistics(["1"], ["1"]).shape == (1, 1)


# --- the average ---

XLMR = {"MNLI-m": 88.9, "MNLI-mm": 89.0, "QNLI": 93.8, "QQP": 92.3, "SST-2": 95.0, "MRPC": 89.5, "STS-B": 91.2}
PRINTED = [
    ({"MNLI": 86.6, "QNLI": 92.3, "QQP": 91.3, "SST-2": 93.2, "MRPC": 88.0, "STS-B": 90.0}, 90.2),
    ({"MNLI": 89.8, "QNLI": 93.9, "QQP": 91.8, "SST-2": 95.6, "MRPC": 89.2, "STS-B": 91.8}, 92.0),
    ({**XLMR, "MNLI-m": 90.2, "MNLI-mm": 90.2, "QNLI": 94.7, "QQP": 92.2, "SST-2": 96.4, "MRPC": 90.9, "STS-B": 92.4},
     92.8),
    (XLMR, 91.8),
]  # fmt: skip


@pytest.mark.parametrize(("scores", "average"), PRINTED)
def test_every_average_of_table_4_comes_out_as_printed(scores: dict[str, float], average: float) -> None:
    assert round(glue_average(scores), 1) == average


def test_the_rows_above_are_those_of_the_papers_table(shared_data: Path) -> None:
    yaml = pytest.importorskip("yaml")
    file = shared_data.parent / "paper" / "table4_glue.yaml"
    if not file.is_file():
        pytest.skip(f"the paper's Table 4 is not at {file}")
    rows = yaml.safe_load(file.read_text(encoding="utf-8"))["rows"]
    assert len(rows) == len(PRINTED)
    for row, (scores, average) in zip(rows, PRINTED, strict=True):
        printed = {k: v for k, v in row["scores"].items() if v is not None}
        if "MNLI-mm" not in printed:  # the paper prints one number for MNLI of models that others measured
            printed["MNLI"] = printed.pop("MNLI-m")
        assert (printed, row["avg_printed"]) == (scores, average)


def test_mnli_counts_once_by_the_mean_of_its_two_sets() -> None:
    scores = dict.fromkeys(XLMR, 0.0)
    assert glue_average({**scores, "MNLI-m": 0.6}) == pytest.approx(0.05)
    assert glue_average({**scores, "MNLI-m": 0.6, "MNLI-mm": 0.6}) == pytest.approx(0.1)
    assert glue_average({**scores, "STS-B": 0.6}) == pytest.approx(0.1)


def test_other_tasks_are_not_part_of_the_average() -> None:
    assert glue_average({**XLMR, "CoLA": 0.0, "RTE": 0.0, "WNLI": 0.0}) == glue_average(XLMR)


@pytest.mark.parametrize("missing", [("MNLI-mm",), ("MNLI-m",), ("QQP", "STS-B"), ("MNLI-m", "MNLI-mm")])
def test_missing_tasks_are_named_rather_than_left_out(missing: tuple[str, ...]) -> None:
    with pytest.raises(UsageError, match=f": {', '.join(missing)} missing"):
        glue_average({k: v for k, v in XLMR.items() if k not in missing})


def test_mnli_is_given_in_one_form_and_every_score_is_a_number() -> None:
    with pytest.raises(UsageError, match="MNLI is given twice, as MNLI and as MNLI-m and MNLI-mm"):
        glue_average({**XLMR, "MNLI": 88.9})
    with pytest.raises(UsageError, match="the score of QQP is not a finite number"):
        glue_average({**XLMR, "QQP": math.nan})
