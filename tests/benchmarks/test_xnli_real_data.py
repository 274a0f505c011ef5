"""XNLI as it is published, where it may be read: official digests, counts, and machine translations into English."""

from __future__ import annotations

from pathlib import Path

import pytest
from samples import ROWS, write_rows

from xlmr_bench.benchmarks.base import Where
from xlmr_bench.benchmarks.translation import translation_quality
from xlmr_bench.benchmarks.xnli import XNLI
from xlmr_bench.errors import DataError
from xlmr_bench.examples import limited
from xlmr_bench.languages import XNLI_LANGUAGES


@pytest.fixture(scope="module")
def xnli(shared_data: Path) -> Path:
    folder = shared_data / "xnli"
    if not folder.is_dir():
        pytest.skip(f"XNLI is not at {folder}")
    return folder


@pytest.mark.parametrize("role", ["dev", "test"])
def test_the_published_dev_and_test_sets_are_recognised_in_all_languages(xnli: Path, role: str) -> None:
    for code in XNLI_LANGUAGES:
        split = XNLI.read(Where((xnli,)), role, code)
        assert (len(split.examples), split.official, split.deviation) == (ROWS[role], True, None), code
        thirds = [sum(e.label == label for e in split.examples) for label in XNLI.task.labels]
        assert thirds == [ROWS[role] // 3] * 3


def test_one_changed_character_ends_the_official_standing(xnli: Path, tmp_path: Path) -> None:
    content = (xnli / "XNLI-1.0" / "xnli.dev.tsv").read_bytes()
    changed = content.replace(b"And he said, Mama, I'm home.", b"And he said, Mama, I'm here.", 1)
    assert changed != content
    (tmp_path / "xnli.dev.tsv").write_bytes(changed)
    assert XNLI.read(Where((tmp_path,)), "dev", "en").official is False
    assert XNLI.read(Where((tmp_path,)), "dev", "sw").official is True


def test_a_known_pair_is_read_as_published(xnli: Path) -> None:
    first = XNLI.read(Where((xnli,)), "dev", "en").examples[0]
    assert first.premise == "And he said, Mama, I'm home."
    assert first.hypothesis == "He called his mom as soon as the school bus dropped him off."
    assert (first.id, first.label) == ("1", "neutral")


def test_a_subset_of_the_training_set_is_marked(xnli: Path) -> None:
    split = XNLI.read(Where((xnli,)), "train", "en")
    assert (split.official, split.deviation) == (False, "8,999 of 392,702 examples")
    assert {e.label for e in split.examples} == set(XNLI.task.labels)


def test_the_stand_in_training_sets_are_aligned_with_english(xnli: Path) -> None:
    where = Where((xnli / "standin-translate-train", xnli))
    sizes = {len(XNLI.read(where, "train", code).examples) for code in XNLI_LANGUAGES}
    assert sizes == {1800}


@pytest.mark.parametrize(("language", "bleu", "chrf"), [("sw", 42.2, 62.3), ("ur", 37.0, 60.4)])
def test_translated_test_sets_are_aligned_english_of_the_known_quality(
    xnli: Path, language: str, bleu: float, chrf: float
) -> None:
    where = Where((xnli,))
    translated, english = XNLI.read(where, "translate-test", language), XNLI.read(where, "test", "en")
    assert len(translated.examples) == 5010
    assert translated.gold_digest == english.gold_digest
    quality = translation_quality(translated, english)
    assert (100 * quality["bleu"], 100 * quality["chrf"]) == pytest.approx((bleu, chrf), abs=0.1)
    # 1,670 premises once each, 5,010 hypotheses.
    assert quality["sentences"] == 6680


@pytest.mark.parametrize("language", ["sw", "fr"])
def test_a_translated_test_set_that_is_not_english_is_refused(xnli: Path, tmp_path: Path, language: str) -> None:
    own = XNLI.read(Where((xnli,)), "test", language)
    rows = [(e.premise, e.hypothesis, e.label) for e in own.examples]
    path = write_rows(tmp_path / f"xnli.test.{language}.tsv", [("premise", "hypo", "label"), *rows])
    pattern = (("translate-test", str(tmp_path / "xnli.test.{language}.tsv")),)
    where = Where((xnli,), patterns=pattern)
    disguised = limited(XNLI.read(where, "translate-test", language), 300)
    english = limited(XNLI.read(where, "test", "en"), 300)
    with pytest.raises(DataError, match=r"is not English: chrF \d+\.\d against") as caught:
        translation_quality(disguised, english)
    assert str(path) in str(caught.value)
    assert f"{language!r} translated into English" in str(caught.value)
