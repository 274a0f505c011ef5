"""Answers are scored as the official scorers of MLQA and SQuAD score them: published cases, and cases by hand."""

from __future__ import annotations

import json
import sys
import unicodedata
from pathlib import Path

import numpy as np
import pytest

from xlmr_bench.answers import (
    LANGUAGES,
    PUNCTUATION,
    QA_EM,
    QA_F1,
    SQUAD_EM,
    SQUAD_F1,
    answer_statistics,
    f1,
    normalise,
    normalise_squad,
    squad_statistics,
)
from xlmr_bench.errors import UsageError
from xlmr_bench.metrics import mean_score, score


def test_normalised_texts_exact_match_and_f1_are_those_of_the_official_scorer(shared_data: Path) -> None:
    cases = json.loads((shared_data / "golden" / "mlqa_scores.json").read_text("utf-8"))
    assert len(cases) == 1050
    assert {c["lang"] for c in cases} == set(LANGUAGES)
    for case in cases:
        ours = [normalise(case[side], case["lang"]) for side in ("gold", "prediction")]
        assert ours == [case["normalized_gold"], case["normalized_prediction"]], case
        found_f1, exact = answer_statistics([(case["gold"],)], [case["prediction"]], case["lang"])[0]
        # The file holds ten decimals.
        assert (round(found_f1, 10), exact) == (case["f1"], case["exact_match"]), case


# Worked by hand: lower case, punctuation, articles, then white space.
NORMALISED = [
    ("en", "  The  Cat's  “hat”, a\tday ", "cats hat day"),
    ("en", "theatre, an-the, un der", "theatre anthe un der"),
    ("es", "¿El río de las Américas?", "río de américas"),
    ("es", "La", ""),
    ("de", "Des Kaisers neue Kleider – eine Märchen-Oper", "kaisers neue kleider märchenoper"),
    ("vi", "Những cái của chiếc bàn là lạ", "bàn lạ"),
    ("hi", "भारत की राजधानी।", "भारत की राजधानी"),
    # Not only the prefix: the two letters go wherever they stand, and leave a space.
    ("ar", "المال العام،", "م عام"),
    ("zh", "2008年,在Windows 7上。", "2008 年 在 windows 7 上"),
    # Characters beyond U+9FA5 are split at white space only.
    ("zh", "龦龦 龥龥", "龦龦 龥 龥"),
    # ASCII's symbols are punctuation here, other currency signs are not.
    ("en", "$5 + 3 | 4 ^ €7", "5 3 4 €7"),
]


@pytest.mark.parametrize(("language", "text", "expected"), NORMALISED)
def test_a_text_is_normalised_by_the_rules_of_its_language(language: str, text: str, expected: str) -> None:
    assert normalise(text, language) == expected


ARTICLES = {
    "en": "a an the",
    "es": "un una unos unas el la los las",
    "de": "ein eine einen einem eines einer der die das den dem des",
    "vi": "của là cái chiếc những",
}


@pytest.mark.parametrize("language", LANGUAGES)
def test_exactly_the_articles_of_the_language_vanish(language: str) -> None:
    every = {word for words in ARTICLES.values() for word in words.split()}
    own = set(ARTICLES.get(language, "").split())
    assert {word for word in every if normalise(word, language) == ""} == own


def test_squad_normalises_with_english_articles_and_ascii_punctuation_only() -> None:
    assert normalise_squad("The “hat”, a-la-carte: an EX.AMPLE") == "“hat” alacarte example"
    assert normalise_squad("el la der 东京。") == "el la der 东京。"


def test_f1_counts_repeated_words_as_often_as_both_have_them() -> None:
    # 2 of 3 words found, 2 of 4 wanted: 2 * (2/3) * (1/2) / (7/6) = 4/7.
    assert f1("x x y z", "x x x") == pytest.approx(4 / 7)
    assert f1("y x", "x y") == 1.0
    assert f1("x", "y") == 0.0


def test_the_best_gold_answer_counts_for_each_score_by_itself() -> None:
    gold = [("in the year 1999", "1999"), ("Denver Broncos", "the Denver Broncos!")]
    rows = answer_statistics(gold, ["the year, 1999", "broncos"], "en")
    assert rows == pytest.approx(np.array([[0.8, 0.0], [2 / 3, 0.0]]))
    assert answer_statistics(gold, ["1999", "DENVER broncos"], "en").tolist() == [[1.0, 1.0], [1.0, 1.0]]


def test_an_answer_without_words_matches_exactly_but_has_no_f1() -> None:
    assert answer_statistics([("La",), ("La",)], ["el", "río"], "es").tolist() == [[0.0, 1.0], [0.0, 0.0]]


def test_an_empty_prediction_scores_nothing() -> None:
    assert answer_statistics([("1999",)], [""], "en").tolist() == [[0.0, 0.0]]
    assert squad_statistics([("1999",)], [""]).tolist() == [[0.0, 0.0]]


def test_the_two_scorers_differ_where_their_rules_do() -> None:
    gold, predicted = [("El Niño",)], ["“Niño”"]
    assert answer_statistics(gold, predicted, "es").tolist() == [[1.0, 1.0]]
    assert squad_statistics(gold, predicted).tolist() == [[0.0, 0.0]]


def test_gold_and_predictions_of_different_numbers_are_refused() -> None:
    with pytest.raises(ValueError, match="zip"):
        answer_statistics([("a b",)], ["x", "y"], "en")


def test_a_language_the_scorer_does_not_know_is_named_with_the_known_ones() -> None:
    with pytest.raises(UsageError, match=r"'el'.*en, es, de, ar, hi, vi, zh"):
        normalise("Αθήνα", "el")


@pytest.mark.skipif(unicodedata.unidata_version != "14.0.0", reason="Python of another Unicode version than 14.0.0")
def test_the_punctuation_table_is_category_p_of_unicode_14_with_ascii_punctuation() -> None:
    every = map(chr, range(sys.maxunicode + 1))
    category = {c for c in every if unicodedata.category(c).startswith("P")}
    assert category | set("$+<=>^`|~") == PUNCTUATION


def test_the_punctuation_table_does_not_follow_the_python_in_use() -> None:
    assert len(PUNCTUATION) == 828
    # Punctuation since Unicode 15.0 (Kawi), and what never was.
    assert not {chr(0x11F43), chr(0x11F4F), "€", "ー", "々"} & PUNCTUATION
    assert {"।", "،", "。", "«", "_", "$"} <= PUNCTUATION


def test_the_metrics_are_means_over_questions_and_say_what_they_are() -> None:
    rows = answer_statistics([("a b c d",), ("x y",)], ["b c d", "x"], "en")
    assert score(QA_F1, rows).value == pytest.approx((1 + 2 / 3) / 2)
    assert score(QA_EM, rows).value == 0.5
    assert mean_score({"en": (QA_EM, rows, 1.0), "de": (QA_EM, rows[1:], 1.0)}).value == 0.25
    assert QA_F1.signature == "f1|scorer:mlqa|version:1|unicode:14.0.0|language:context"
    assert QA_EM.signature == "exact_match|scorer:mlqa|version:1|unicode:14.0.0|language:context"
    assert SQUAD_F1.signature == "f1|scorer:squad-v1.1|version:1|punctuation:ascii|language:en"
    assert SQUAD_EM.signature == "exact_match|scorer:squad-v1.1|version:1|punctuation:ascii|language:en"
