"""From predictions to scores and averages: several metrics a column, weights, and what is no prediction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from xlmr_bench.agreement import glue_average
from xlmr_bench.benchmarks import BENCHMARKS
from xlmr_bench.benchmarks.base import Benchmark
from xlmr_bench.benchmarks.glue import GLUE, TABLE
from xlmr_bench.benchmarks.mlqa import MLQA, PAIRS
from xlmr_bench.benchmarks.ner import NER
from xlmr_bench.benchmarks.xnli import XNLI
from xlmr_bench.errors import DataError, UsageError
from xlmr_bench.examples import LabelledText, Question, Split, TaggedSentence
from xlmr_bench.scoring import METRICS, check_predictions, main_score, measures, score_splits
from xlmr_bench.tasks import Classification, Regression

Gold = dict[tuple[str, str], Split[Any]]
FILES = (Path("dev.tsv"),)


def texts(column: str, labels: Sequence[str], role: str = "dev") -> Split[LabelledText]:
    made = (LabelledText(str(i), "a", "b", label) for i, label in enumerate(labels, 1))
    return Split(role, column, tuple(made), FILES)


def questions(column: str, *answers: str | tuple[str, ...], role: str = "test") -> Split[Question]:
    rows = [(a,) if isinstance(a, str) else a for a in answers]
    made = (Question(str(i), "Q", "", row, (-1,) * len(row)) for i, row in enumerate(rows, 1))
    return Split(role, column, tuple(made), FILES)


def tagged(column: str, *tags: str) -> Split[TaggedSentence]:
    made = (TaggedSentence(str(i), ("w",) * len(t.split()), tuple(t.split())) for i, t in enumerate(tags, 1))
    return Split("test", column, tuple(made), FILES)


def scored(
    benchmark: Benchmark, pairs: dict[str, tuple[Split[Any], list[str]]], split: str
) -> tuple[dict[tuple[str, str], float], dict[tuple[str, str], float]]:
    """Scores by (column, metric) and averages by (average, metric)."""
    gold: Gold = {(split, code): made for code, (made, _) in pairs.items()}
    predicted = {(split, code): given for code, (_, given) in pairs.items()}
    scores, aggregate = score_splits(benchmark, predicted, gold, {})
    for s in (*scores, *aggregate):  # resampled in single precision
        assert s["ci95"][0] - 1e-6 <= s["value"] <= s["ci95"][1] + 1e-6
    return (
        {(s["language"], s["metric"]): s["value"] for s in scores},
        {(a["average"], a["metric"]): a["value"] for a in aggregate},
    )


def glue_predictions(*columns: str) -> dict[str, tuple[Split[Any], list[str]]]:
    """Ten examples a task; of task number k the first k + 2 are right."""
    made: dict[str, tuple[Split[Any], list[str]]] = {}
    for k, column in enumerate(columns):
        task = GLUE.task_of(column)
        if isinstance(task, Regression):
            made[column] = texts(column, [f"{i / 2}" for i in range(10)]), [f"{i / 2 + i % 3}" for i in range(10)]
            continue
        labels = [task.labels[i % 2] for i in range(10)]
        wrong = [task.labels[(i + 1) % 2] for i in range(10)]
        made[column] = texts(column, labels), labels[: k + 2] + wrong[k + 2 :]
    return made


def test_the_average_of_glue_is_the_papers_in_which_mnli_counts_once() -> None:
    scores, averages = scored(GLUE, glue_predictions(*TABLE), "dev")
    first = {code: value for (code, metric), value in scores.items() if metric in ("accuracy", "pearson")}
    assert first["MNLI-m"] != first["MNLI-mm"]
    assert list(averages) == [("mean", "score")]
    assert averages["mean", "score"] == pytest.approx(glue_average(first))
    by_hand = ((first["MNLI-m"] + first["MNLI-mm"]) / 2 + sum(first[c] for c in TABLE[2:])) / 6
    assert averages["mean", "score"] == pytest.approx(by_hand)


def test_other_tasks_beside_the_tables_do_not_count_in_its_average() -> None:
    with_others = scored(GLUE, glue_predictions(*TABLE, "CoLA", "RTE", "WNLI"), "dev")[1]
    assert with_others == scored(GLUE, glue_predictions(*TABLE), "dev")[1]


@pytest.mark.parametrize(
    ("columns", "weights"),
    [
        (("QNLI", "MRPC"), {"QNLI": 1, "MRPC": 1}),
        (("MNLI-m", "QNLI"), {"MNLI-m": 1, "QNLI": 1}),
        (("MNLI-m", "MNLI-mm", "QNLI"), {"MNLI-m": 0.5, "MNLI-mm": 0.5, "QNLI": 1}),
        (("QNLI", "RTE"), {"QNLI": 1, "RTE": 1}),
        (("RTE", "WNLI"), {"RTE": 1, "WNLI": 1}),
    ],
)
def test_an_average_over_fewer_tasks_is_called_partial(columns: tuple[str, ...], weights: dict[str, float]) -> None:
    assert GLUE.averages(columns) == {"partial": weights}
    scores, averages = scored(GLUE, glue_predictions(*columns), "dev")
    main = {code: scores[code, GLUE.task_of(code).metrics[0]] for code in columns}
    assert {name for name, _ in averages} == {"partial"}
    expected = sum(main[c] * w for c, w in weights.items()) / sum(weights.values())
    assert next(iter(averages.values())) == pytest.approx(expected)


def test_every_metric_of_a_task_is_scored_and_the_first_one_counts() -> None:
    gold, predicted = texts("MRPC", list("1110010000")), list("1101010001")
    scores, averages = scored(GLUE, {"MRPC": (gold, predicted)}, "dev")
    assert list(scores) == [("MRPC", "accuracy"), ("MRPC", "f1")]
    assert scores["MRPC", "accuracy"] == 0.7
    # 3 of 4 positives are found, 3 of 5 found ones are positive.
    assert scores["MRPC", "f1"] == pytest.approx(2 * 0.75 * 0.6 / (0.75 + 0.6))
    assert main_score(GLUE.task_of("MRPC"), gold, predicted) == 0.7
    assert averages == {("partial", "accuracy"): 0.7, ("partial", "f1"): scores["MRPC", "f1"]}


def test_where_columns_have_different_metrics_only_their_first_ones_are_averaged() -> None:
    pairs = glue_predictions("MRPC", "STS-B")
    _, averages = scored(GLUE, pairs, "dev")
    assert list(averages) == [("partial", "score")]
    gold: Gold = {("dev", code): made for code, (made, _) in pairs.items()}
    predicted = {("dev", code): given for code, (_, given) in pairs.items()}
    (average,) = score_splits(GLUE, predicted, gold, {})[1]
    parts = [measures(GLUE.task_of(c))[0].metric.signature for c in ("MRPC", "STS-B")]
    assert average["signature"] == " + ".join(parts)


def test_scores_of_a_scale_are_correlations() -> None:
    gold = texts("STS-B", ["0.0", "1.0", "2.0", "3.0", "5.0"])
    scores, _ = scored(GLUE, {"STS-B": (gold, ["0.1", "0.3", "0.2", "1.1", "9.0"])}, "dev")
    x, y = np.array([0, 1, 2, 3, 5.0]), np.array([0.1, 0.3, 0.2, 1.1, 9.0])
    assert scores["STS-B", "pearson"] == pytest.approx(np.corrcoef(x, y)[0, 1])
    assert scores["STS-B", "spearman"] == pytest.approx(0.9)


def test_tags_are_scored_as_entities_over_the_whole_split() -> None:
    gold = tagged("en", "B-PER I-PER O", "B-LOC O", "O O B-ORG")
    scores, averages = scored(NER, {"en": (gold, ["B-PER I-PER O", "O O", "B-ORG O B-PER"])}, "test")
    third = pytest.approx(1 / 3)
    assert scores == {("en", "f1"): third, ("en", "precision"): third, ("en", "recall"): third}
    scores, _ = scored(NER, {"en": (gold, ["B-PER I-PER O", "O O", "O O O"])}, "test")
    assert scores["en", "precision"] == 1.0
    assert scores["en", "recall"] == pytest.approx(1 / 3)
    assert scores["en", "f1"] == pytest.approx(0.5)
    assert [metric for _, metric in averages] == ["f1", "precision", "recall"]


def test_pairs_of_languages_have_an_average_of_their_own() -> None:
    pairs = {
        "en": (questions("en", "x", "y"), ["x", "y"]),
        "de": (questions("de", "x", "y"), ["x", "z"]),
        "de-en": (questions("de-en", "x", "y"), ["z", "z"]),
        "en-de": (questions("en-de", "x", "y"), ["x", "z"]),
    }
    _, averages = scored(MLQA, pairs, "test")
    assert averages == {
        ("mean", "f1"): 0.75, ("mean", "exact_match"): 0.75,
        ("generalised", "f1"): 0.5, ("generalised", "exact_match"): 0.5,
    }  # fmt: skip
    same = {code: pairs[code] for code in ("en", "de")}
    assert set(scored(MLQA, same, "test")[1]) == {("mean", "f1"), ("mean", "exact_match")}
    crossed = {code: pairs[code] for code in ("de-en", "en-de")}
    assert scored(MLQA, crossed, "test")[1]["generalised", "f1"] == 0.25
    assert len(MLQA.languages) == 49 and len(set(PAIRS)) == 42


def test_answers_are_normalised_in_the_language_of_their_context() -> None:
    """German loses German articles, English English ones, a pair those of its context: `de-en` asks in English."""
    for column, answer in (("de", "die Stadt"), ("de-en", "die Stadt"), ("en", "the city"), ("en-de", "the city")):
        scores, _ = scored(MLQA, {column: (questions(column, answer), [answer.split()[1]])}, "test")
        assert scores[column, "exact_match"] == 1.0, column
    for column, answer in (("de", "the Stadt"), ("en", "die city"), ("de-en", "the Stadt"), ("en-de", "die city")):
        scores, _ = scored(MLQA, {column: (questions(column, answer), [answer.split()[1]])}, "test")
        assert scores[column, "exact_match"] == 0.0, column


def test_answers_on_translated_tests_are_normalised_in_english() -> None:
    translated = questions("de", "the city", role="translate-test")
    scores, _ = scored(MLQA, {"de": (translated, ["city"])}, "test")
    assert scores["de", "exact_match"] == 1.0
    assert MLQA.gold_role("translate-test", "test", "de") == "translate-test"
    assert MLQA.gold_role("translate-test", "dev", "de") == "dev"
    assert MLQA.gold_role("translate-test", "test", "en") == "test"
    assert MLQA.gold_role("transfer", "test", "de") == "test"
    assert XNLI.gold_role("translate-test", "test", "de") == "test", "labels are not translated"


def test_an_answer_is_held_against_the_gold_that_suits_it_best() -> None:
    gold = questions("en", ("tall man", "the old man"), ("a", "b"))
    scores, _ = scored(MLQA, {"en": (gold, ["old man", "c"])}, "test")
    assert scores == {("en", "f1"): 0.5, ("en", "exact_match"): 0.5}


def test_truncated_inputs_stand_beside_each_score_of_their_column() -> None:
    gold: Gold = {("dev", "MRPC"): texts("MRPC", list("1010")), ("dev", "QNLI"): texts("QNLI", ["entailment"] * 4)}
    predicted = {("dev", "MRPC"): list("1010"), ("dev", "QNLI"): ["entailment"] * 4}
    scores, _ = score_splits(GLUE, predicted, gold, {("dev", "MRPC"): 3})
    assert [(s["language"], s["metric"], s["truncated"]) for s in scores] == [
        ("MRPC", "accuracy", 3), ("MRPC", "f1", 3), ("QNLI", "accuracy", None)
    ]  # fmt: skip


def test_dev_and_test_are_averaged_apart() -> None:
    en, sw = (texts(code, ["neutral"] * 4) for code in ("en", "sw"))
    gold: Gold = {("dev", "en"): en, ("test", "en"): replace(en, role="test"), ("test", "sw"): replace(sw, role="test")}
    right, wrong = ["neutral"] * 4, ["entailment"] * 4
    predicted = {("dev", "en"): wrong, ("test", "en"): right, ("test", "sw"): wrong}
    aggregate = score_splits(XNLI, predicted, gold, {})[1]
    assert [(a["split"], a["value"], a["languages"]) for a in aggregate] == [("dev", 0.0, 1), ("test", 0.5, 2)]


# --- what is no prediction ---


def test_a_label_of_another_task_is_refused() -> None:
    task = Classification(("entailment", "neutral"))
    check_predictions(task, texts("en", ["neutral"]), ["entailment"], "p.tsv")
    with pytest.raises(DataError, match=r"p\.tsv: prediction 'netural' is none of entailment, neutral"):
        check_predictions(task, texts("en", ["neutral", "neutral"]), ["neutral", "netural"], "p.tsv")


@pytest.mark.parametrize(("tags", "n"), [("O", 1), ("O O O", 3), ("O  O", 3), (" O O", 3), ("", 1)])
def test_a_sentence_needs_one_tag_a_word(tags: str, n: int) -> None:
    gold = tagged("de", "O O", "B-PER O")
    check_predictions(NER.task_of("de"), gold, ["O O", "B-PER O"], "p.tsv")
    with pytest.raises(DataError, match=rf"p\.tsv: 'de' sentence 2 has {n} tags for 2 words"):
        check_predictions(NER.task_of("de"), gold, ["O O", tags], "p.tsv")


@pytest.mark.parametrize("value", ["", "much", "nan", "inf", "-inf", "1,5"])
def test_a_score_must_be_a_finite_number(value: str) -> None:
    gold = texts("STS-B", ["1.0", "2.0"])
    check_predictions(Regression(5.0), gold, ["-0.5", "1e1"], "p.tsv")
    with pytest.raises(DataError, match=rf"p\.tsv: the prediction '{value}' for 2 is not a finite number"):
        check_predictions(Regression(5.0), gold, ["1.0", value], "p.tsv")


def test_any_text_is_an_answer() -> None:
    check_predictions(MLQA.task_of("en"), questions("en", "x", "y"), ["", "anything\tat all"], "p.parquet")


def test_an_unknown_metric_is_refused_with_the_nearest() -> None:
    with pytest.raises(UsageError, match=r"unknown metric 'acuracy'\. Did you mean 'accuracy'"):
        measures(Classification(("0", "1"), ("acuracy",)))


@pytest.mark.parametrize("benchmark", BENCHMARKS, ids=lambda b: b.name)
def test_every_benchmark_names_metrics_and_averages_that_exist(benchmark: Benchmark) -> None:
    chosen = benchmark.chosen or benchmark.languages
    for code in benchmark.languages:
        assert set(benchmark.task_of(code).metrics) <= set(METRICS)
    assert benchmark.shown <= min(len(benchmark.task_of(code).metrics) for code in benchmark.languages)
    for columns in (chosen, benchmark.languages, chosen[-1:]):
        for weights in benchmark.averages(columns).values():
            assert set(weights) <= set(columns)
            assert all(w > 0 for w in weights.values())
