"""Tags projected onto translated words, by sentences translated by hand."""

from __future__ import annotations

import pytest

from xlmr_bench.examples import TaggedSentence
from xlmr_bench.translate.words import project, tidy, units


def sentence(words: str, tags: str) -> TaggedSentence:
    return TaggedSentence("1", tuple(words.split()), tuple(tags.split()))


EU = sentence("EU rejects European Commission 's 1996 call .", "B-ORG O B-ORG I-ORG O O O O")


def test_words_outside_entities_stand_alone_and_entities_are_phrases() -> None:
    found = [(u.text, u.kind) for u in units(EU)]
    assert found == [
        ("EU", "ORG"), ("rejects", ""), ("European Commission", "ORG"), ("'s", ""), ("1996", ""),
        ("call", ""), (".", ""),
    ]  # fmt: skip


def test_neighbouring_entities_of_one_type_stay_two() -> None:
    pair = sentence("Paris London", "B-LOC B-LOC")
    assert [(u.text, u.kind) for u in units(pair)] == [("Paris", "LOC"), ("London", "LOC")]
    assert project(pair, {"Paris": "París", "London": "Londres"}, "es").tags == ("B-LOC", "B-LOC")


def test_every_tag_goes_with_its_words_however_many_they_become() -> None:
    made = {
        "EU": "La UE.", "rejects": "Rechaza", "European Commission": "Comisión Europea", "'s": "de la",
        "call": "llamada",
    }  # fmt: skip
    projected = project(EU, made, "es")
    assert list(zip(projected.words, projected.tags, strict=True)) == [
        ("LA", "B-ORG"), ("UE", "I-ORG"), ("rechaza", "O"), ("Comisión", "B-ORG"), ("Europea", "I-ORG"),
        ("de", "O"), ("la", "O"), ("1996", "O"), ("llamada", "O"), (".", "O"),
    ]  # fmt: skip
    assert projected.kept == 0


def test_a_unit_without_usable_translation_keeps_its_own_words_and_is_counted() -> None:
    made = {"EU": "", "rejects": "es una palabra que no se puede traducir así", "European Commission": "…", "'s": "'s"}
    projected = project(EU, made | {"call": "llamada"}, "es")
    assert projected.words[:4] == ("EU", "rejects", "European", "Commission")
    assert projected.tags[:4] == ("B-ORG", "O", "B-ORG", "I-ORG")
    assert projected.kept == 3


@pytest.mark.parametrize(
    ("original", "translation", "language", "tidied"),
    [
        ("house", "Casa.", "es", "casa"),
        ("house", "Haus.", "de", "Haus"),
        ("what", "¿Qué?", "es", "qué"),
        ("House", "casa", "es", "Casa"),
        ("SOCCER", "Fútbol", "es", "FÚTBOL"),
        ("tv", "TV", "es", "TV"),
        ("Corp.", "Corp.", "es", "Corp."),
        ("call", ".", "es", ""),
    ],
)
def test_full_stops_and_capitals_that_make_a_sentence_of_a_word_are_undone(
    original: str, translation: str, language: str, tidied: str
) -> None:
    assert tidy(original, translation, language) == tidied
