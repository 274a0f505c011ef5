"""What each protocol fine-tunes on, tests on, and selects by (paper sections 4 and 5)."""

from __future__ import annotations

import pytest

from xlmr_bench.benchmarks import BENCHMARKS
from xlmr_bench.benchmarks.base import Benchmark
from xlmr_bench.errors import UsageError
from xlmr_bench.languages import NAMES, XNLI_LANGUAGES, choose_languages
from xlmr_bench.protocols import (
    ALL,
    EACH,
    PROTOCOLS,
    SELECTIONS,
    TRANSFER,
    TRANSLATE_TEST,
    TRANSLATE_TRAIN,
    TRANSLATE_TRAIN_ALL,
    FineTuning,
    Protocol,
    find_protocol,
)

SOME = ("fr", "sw")


@pytest.mark.parametrize("protocol", [TRANSFER, TRANSLATE_TEST])
def test_zero_shot_protocols_fine_tune_one_model_on_english_alone(protocol: Protocol) -> None:
    assert protocol.fine_tunings(SOME, str) == (FineTuning("en", ("en",), SOME),)


def test_translate_train_fine_tunes_one_model_a_language() -> None:
    assert TRANSLATE_TRAIN.fine_tunings(SOME, str) == (
        FineTuning("fr", ("fr",), ("fr",)),
        FineTuning("sw", ("sw",), ("sw",)),
    )


def test_translate_train_all_fine_tunes_one_model_on_all_languages_together() -> None:
    assert TRANSLATE_TRAIN_ALL.fine_tunings(SOME, str) == (FineTuning("all", SOME, SOME),)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_every_language_is_served_by_exactly_one_model(protocol: Protocol) -> None:
    served = [code for tuning in protocol.fine_tunings(XNLI_LANGUAGES, str) for code in tuning.serves]
    assert sorted(served) == sorted(XNLI_LANGUAGES)


def test_only_translate_test_tests_translations_and_selects_on_english_alone() -> None:
    assert [p.name for p in PROTOCOLS if p.tests_translated] == ["translate-test"]
    assert [p.name for p in PROTOCOLS if p.trains_translated] == ["translate-train", "translate-train-all"]
    assert TRANSLATE_TEST.selections == ("english",)
    assert TRANSLATE_TRAIN.selections == ("per-language",)
    assert all(set(p.selections) <= set(SELECTIONS) for p in PROTOCOLS)


def test_protocols_are_found_by_name_and_refused_with_those_that_are_admitted() -> None:
    admitted = tuple(p.name for p in PROTOCOLS)
    assert find_protocol("translate-train", admitted, "xnli") is TRANSLATE_TRAIN
    with pytest.raises(UsageError, match=r"unknown protocol 'translate-tran'. Did you mean 'translate-train'\?"):
        find_protocol("translate-tran", admitted, "xnli")
    with pytest.raises(UsageError, match=r"ner has no data for translate-test. It admits: transfer, translate-train"):
        find_protocol("translate-test", ("transfer", "translate-train"), "ner")


def test_the_languages_are_table_ones_in_its_order() -> None:
    assert " ".join(XNLI_LANGUAGES) == "en fr es de el bg ru tr ar vi th zh hi sw ur"
    assert set(XNLI_LANGUAGES) <= set(NAMES)


@pytest.mark.parametrize(
    ("asked", "chosen"),
    [
        (None, XNLI_LANGUAGES),
        ("all", XNLI_LANGUAGES),
        ("sw", ("sw",)),
        ("ur,en", ("en", "ur")),
        (" UR , sw,,sw", ("sw", "ur")),
    ],
)
def test_languages_are_chosen_in_table_order_each_once(asked: str | None, chosen: tuple[str, ...]) -> None:
    assert choose_languages(asked, XNLI_LANGUAGES) == chosen


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ("en,sv", r"unknown language 'sv'. Did you mean '\w\w'\? Known: en, fr"),
        ("swahili", "unknown language 'swahili'.* Known: en, fr"),
        ("nl", "unknown language 'nl'.* Known: en, fr, es"),
        ("", "no language named in ''"),
        (",", "no language named in ','. Known: en, fr"),
    ],
)
def test_languages_that_are_not_there_are_refused_with_the_list(asked: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        choose_languages(asked, XNLI_LANGUAGES)


def test_each_fine_tunes_on_the_own_training_sets_one_by_one_and_all_on_all_of_them() -> None:
    assert EACH.fine_tunings(SOME, str) == TRANSLATE_TRAIN.fine_tunings(SOME, str)
    assert ALL.fine_tunings(SOME, str) == (FineTuning("all", SOME, SOME),)
    assert not EACH.trains_translated and not ALL.trains_translated
    assert (EACH.selections, ALL.selections) == (TRANSLATE_TRAIN.selections, TRANSLATE_TRAIN_ALL.selections)


def mnli(column: str) -> str:
    return "MNLI-m" if column == "MNLI-mm" else column


def test_columns_of_one_model_are_trained_once_and_served_together() -> None:
    columns = ("MNLI-m", "MNLI-mm", "MRPC")
    assert EACH.fine_tunings(columns, mnli) == (
        FineTuning("MNLI-m", ("MNLI-m",), ("MNLI-m", "MNLI-mm")),
        FineTuning("MRPC", ("MRPC",), ("MRPC",)),
    )
    assert EACH.fine_tunings(("MNLI-mm",), mnli) == (FineTuning("MNLI-m", ("MNLI-m",), ("MNLI-mm",)),)
    assert ALL.fine_tunings(columns, mnli) == (FineTuning("all", ("MNLI-m", "MRPC"), columns),)


@pytest.mark.parametrize("benchmark", BENCHMARKS, ids=lambda b: b.name)
def test_in_every_benchmark_every_column_is_served_once_by_what_was_trained_on_its_own_kind(
    benchmark: Benchmark,
) -> None:
    for name in benchmark.protocols:
        protocol = find_protocol(name, benchmark.protocols, benchmark.name)
        columns = tuple(c for c in benchmark.languages if benchmark.refuses(name, c) is None)
        tunings = protocol.fine_tunings(columns, benchmark.model_of)
        assert sorted(c for t in tunings for c in t.serves) == sorted(columns)
        assert len({t.name for t in tunings}) == len(tunings)
        assert [rule for rule in protocol.selections if rule in benchmark.selections], "no rule could choose"
        for tuning in tunings:
            tasks = [benchmark.task_of(c) for c in (*tuning.train, *tuning.serves)]
            assert all(t == tasks[0] for t in tasks), "one head cannot serve two kinds of task"
