"""Placing answers in translations, by translations written by hand."""

from __future__ import annotations

import pytest

from xlmr_bench.translate.answers import between_marks, place, with_marks


def test_the_answer_is_put_in_quotes_or_in_brackets_where_there_are_quotes() -> None:
    assert with_marks("He left in 1990.", 11, 15) == 'He left in "1990".'
    assert with_marks("»No« he said in 1990.", 16, 20) == "»No« he said in [1990]."
    assert with_marks('He [Tom] said "no" in 1990.', 22, 26) is None


@pytest.mark.parametrize(
    "translation",
    ["Er ging „1990“.", "Er ging «1990» .", 'Er ging " 1990 ".', "Er ging 「1990」.", "Er ging “1990.” [so]"],
)
def test_what_stands_between_quotes_of_any_script_is_found(translation: str) -> None:
    assert between_marks(translation, brackets=False) == ("1990", 8 / len(translation))


def test_brackets_are_found_inside_the_quotes_of_the_sentence() -> None:
    assert between_marks('Er sagte "ich ging [1990]".', brackets=True) == ("1990", 19 / 27)
    assert between_marks("他说：“我【1990】走了。”", brackets=True) == ("1990", 5 / 15)


@pytest.mark.parametrize("translation", ["Er ging 1990.", 'Er "ging 1990.', '"Er" ging "1990".', "Er ging “ ”."])
def test_lost_doubled_or_empty_quotes_find_nothing(translation: str) -> None:
    assert between_marks(translation, brackets=False) is None


@pytest.mark.parametrize("translation", ["Er ging 1990.", "]a[", "[a", "[a] [b]", "[ ]", "„a“"])
def test_lost_doubled_or_empty_brackets_find_nothing(translation: str) -> None:
    assert between_marks(translation, brackets=True) is None


def test_the_marked_answer_is_looked_up_in_the_plain_sentence() -> None:
    plain = "Im Jahr 1990 zog sie nach Köln."
    placed = place(plain, 'Im Jahr 1990 zog sie nach "Köln".', "Cologne", "Cologne", 0.8)
    assert placed is not None
    assert (placed.text, placed.found_by) == ("Köln", "marks")
    assert plain[placed.start :].startswith("Köln")


def test_without_marks_the_answer_translated_alone_is_looked_up_without_its_full_stop() -> None:
    placed = place("Sie aß den roten Apfel.", "Sie aß den roten Apfel.", "Den roten Apfel.", "the red apple", 0.4)
    assert placed is not None
    # The text is the context's, not the answer's: the case of letters is the sentence's own.
    assert (placed.start, placed.text, placed.found_by) == (7, "den roten Apfel", "alone")


def test_names_and_numbers_that_stay_are_found_by_the_original() -> None:
    placed = place("Sie traf Beyoncé.", None, "Die Sängerin", "Beyoncé", 0.6)
    assert placed is not None
    assert (placed.text, placed.found_by) == ("Beyoncé", "original")


def test_the_occurrence_nearest_to_the_original_position_is_taken() -> None:
    sentence = "1990 war besser als 1991, aber 1990 ist lange her."
    early, late = (place(sentence, None, "1990", "1990", position) for position in (0.1, 0.6))
    assert early is not None and late is not None
    assert (early.start, late.start) == (0, sentence.rindex("1990"))


def test_an_answer_inside_another_word_is_no_answer() -> None:
    assert place("Das Weltraumschiff flog.", None, "Raum", "room", 0.2) is None
    assert place("Es waren 1990 Leute.", None, "199", "199", 0.5) is None


def test_an_inflected_word_is_taken_by_its_stem_where_nothing_else_is_found() -> None:
    placed = place("Zugunsten Somalias, nicht Kenias.", None, "Somalia", "Somalia", 0.3)
    assert placed is not None and (placed.text, placed.found_by) == ("Somalia", "beginning")
    placed = place("Somalias Küste liegt in Somalia.", None, "Somalia", "Somalia", 0.0)
    assert placed is not None and (placed.start, placed.found_by) == (24, "alone")


def test_languages_that_write_words_together_are_searched_everywhere() -> None:
    chinese = place("她于1990年搬到科隆居住。", None, "科隆", "Cologne", 0.7)
    assert chinese is not None and chinese.text == "科隆"
    year = place("她于1990年搬到科隆居住。", None, "1990", "1990", 0.2)
    assert year is not None and year.start == 2
    arabic = place("انتقلت بالقطار إلى هناك.", None, "القطار", "the train", 0.5)
    assert arabic is not None and arabic.text == "القطار"


def test_an_answer_that_is_nowhere_is_not_placed() -> None:
    assert place("Sie zog um.", 'Sie "zog um".', "Cologne", "Cologne", 0.5) is not None
    assert place("Sie zog um.", None, "Cologne", "Cologne", 0.5) is None
    assert place("", None, "Cologne", "Cologne", 0.5) is None
    assert place("Sie zog um.", None, "", "", 0.5) is None
