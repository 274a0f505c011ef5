"""What each protocol fine-tunes on, tests on, and selects by (paper sections 4 and 5)."""

from __future__ import annotations

import pytest

from xlmr_bench.errors import UsageError
from xlmr_bench.languages import NAMES, XNLI_LANGUAGES, choose_languages
from xlmr_bench.protocols import (
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
