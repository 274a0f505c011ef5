"""The quality of machine-translated test data, by hand-worked sentences."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from sacrebleu.metrics.bleu import BLEU
from sacrebleu.metrics.chrf import CHRF

from xlmr_bench.benchmarks.translation import translation_quality
from xlmr_bench.errors import DataError
from xlmr_bench.examples import PairExample, Split

ORIGINAL = [
    ("The old man walked slowly home.", "A man went home after work."),
    ("The old man walked slowly home.", "Nobody walked anywhere that day."),
    ("She bought five green apples yesterday.", "She did buy some kind of fruit."),
]


def split(pairs: list[tuple[str, str]], role: str = "translate-test") -> Split:
    examples = tuple(PairExample(str(i), p, h, "neutral") for i, (p, h) in enumerate(pairs, 1))
    return Split(role, "sw", examples, (Path(f"{role}.sw.tsv"),))


def test_the_originals_themselves_score_one() -> None:
    quality = translation_quality(split(ORIGINAL), split(ORIGINAL, "test"))
    assert (quality["bleu"], quality["chrf"]) == pytest.approx((1.0, 1.0))
    assert (quality["language"], quality["split"]) == ("sw", "translate-test")


def test_each_premise_counts_once_and_each_hypothesis_by_itself() -> None:
    translated = [
        ("The old man slowly went home.", "A man went home from work."),
        ("The old man slowly went home.", "Nobody walked anywhere on that day."),
        ("She bought five apples yesterday.", "She did buy some fruit."),
    ]
    quality = translation_quality(split(translated), split(ORIGINAL, "test"))
    ours = [translated[0][0], translated[0][1], translated[1][1], *translated[2]]
    theirs = [ORIGINAL[0][0], ORIGINAL[0][1], ORIGINAL[1][1], *ORIGINAL[2]]
    assert quality["sentences"] == 5
    assert quality["bleu"] == pytest.approx(BLEU().corpus_score(ours, [theirs]).score / 100)
    assert quality["chrf"] == pytest.approx(CHRF().corpus_score(ours, [theirs]).score / 100)
    assert 0.3 < quality["bleu"] < quality["chrf"] < 1


def test_signatures_say_which_scorer_and_version() -> None:
    quality = translation_quality(split(ORIGINAL), split(ORIGINAL, "test"))
    assert quality["bleu_signature"].startswith("nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp|version:")
    assert quality["chrf_signature"].startswith("nrefs:1|case:mixed|eff:yes|nc:6|nw:0|space:no|version:")


def test_text_in_another_language_is_refused_with_its_file() -> None:
    swahili = [
        ("Mzee alitembea polepole kwenda nyumbani.", "Mwanamume alikwenda nyumbani baada ya kazi."),
        ("Mzee alitembea polepole kwenda nyumbani.", "Hakuna aliyetembea popote siku hiyo."),
        ("Alinunua matufaha matano ya kijani jana.", "Alinunua aina fulani ya tunda."),
    ]
    with pytest.raises(DataError, match=r"translate-test\.sw\.tsv is not English: chrF \d"):
        translation_quality(split(swahili), split(ORIGINAL, "test"))


def test_examples_go_together_by_id_never_by_place() -> None:
    whole = split(ORIGINAL)
    last_two = replace(whole, examples=whole.examples[1:])
    for part in (last_two, replace(whole, examples=whole.examples[::-1])):
        assert translation_quality(part, split(ORIGINAL, "test"))["bleu"] == pytest.approx(1.0)
    with pytest.raises(DataError, match=r"translate-test\.sw\.tsv: 3 is not in test\.sw\.tsv"):
        translation_quality(whole, split(ORIGINAL[:2], "test"))
