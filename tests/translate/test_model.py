"""Models of every family are told their languages; texts come out whole, whatever the batch."""

from __future__ import annotations

from pathlib import Path

import pytest
from translation_originals import write_squad

from xlmr_bench.benchmarks.base import Where
from xlmr_bench.benchmarks.xnli_files import read_xnli
from xlmr_bench.errors import Interrupted, UsageError
from xlmr_bench.miniature import miniature_folder
from xlmr_bench.translate.codes import FLORES, MBART50, language_of
from xlmr_bench.translate.engine import Engine, batches
from xlmr_bench.translate.journal import Journal
from xlmr_bench.translate.model import Decoding, TranslationModel

transformers = pytest.importorskip("transformers", reason="needs the extra `transformers`")


@pytest.fixture(scope="module")
def texts() -> list[str]:
    pairs = read_xnli(Where((miniature_folder(),)), "train", "en").examples[:60]
    return [text for pair in pairs for text in (pair.premise, pair.hypothesis)]


def engine(model: Path, target: str, journal: Journal, batch_tokens: int = 1000, tokens: int = 8) -> Engine:
    loaded = TranslationModel(str(model), "cpu")
    return Engine(loaded, loaded.direction("en", target), Decoding(2, tokens), journal, batch_tokens)


def test_the_codes_are_those_of_the_makers() -> None:
    from transformers.models.mbart50 import tokenization_mbart50
    from transformers.models.nllb import tokenization_nllb

    assert set(FLORES.values()) <= set(tokenization_nllb.FAIRSEQ_LANGUAGE_CODES)
    assert set(MBART50.values()) <= set(tokenization_mbart50.FAIRSEQ_LANGUAGE_CODES)
    assert FLORES.keys() - MBART50.keys() == {"el", "bg"}


def test_m2m_is_told_source_and_target_by_tokens(m2m: Path) -> None:
    model = TranslationModel(str(m2m), "cpu")
    to_german, to_english = model.direction("en", "de"), model.direction("de", "en")
    tokenizer = model.tokenizer
    for direction, source, target in ((to_german, "en", "de"), (to_english, "de", "en")):
        row = model.encode(["a dog"], direction)[0]
        assert tokenizer.convert_ids_to_tokens([row[0], direction.first_token]) == [f"__{source}__", f"__{target}__"]
        assert row[-1] == tokenizer.eos_token_id


def test_nllb_is_told_by_flores_codes_and_translates(nllb: Path, tmp_path: Path) -> None:
    model = TranslationModel(str(nllb), "cpu")
    direction = model.direction("en", "sw")
    tokens = model.tokenizer.convert_ids_to_tokens([model.encode(["a"], direction)[0][0], direction.first_token])
    assert tokens == ["eng_Latn", "swh_Latn"]
    with Journal(tmp_path / "j") as journal:
        made = engine(nllb, "sw", journal).translate(["the dog", "a cat"], "x")
    assert all("_Latn" not in text for text in made.by_text.values())
    assert len(set(made.by_text)) == 2


def test_marian_translates_and_says_its_direction(marian: Path, tmp_path: Path, texts: list[str]) -> None:
    with Journal(tmp_path / "j") as journal:
        made = engine(marian, "de", journal).translate(texts[:6], "x")
    assert all(made.by_text.values())
    model = TranslationModel(str(marian), "cpu")
    with pytest.raises(UsageError, match=r"translates into German, not into French.*opus-mt-en-fr"):
        model.direction("en", "fr")
    with pytest.raises(UsageError, match="translates from English, not from German"):
        model.direction("de", "en")


def test_marian_with_several_targets_is_told_by_a_token_before_the_text(marian_group: Path) -> None:
    model = TranslationModel(str(marian_group), "cpu")
    for target, token in (("fr", ">>fr<<"), ("ro", ">>ron<<")):
        row = model.encode(["a dog"], model.direction("en", target))[0]
        assert model.tokenizer.convert_ids_to_tokens(row)[0] == token
    with pytest.raises(UsageError, match="translates into >>fr<<, >>ron<<, not into German"):
        model.direction("en", "de")


def test_the_names_of_opus_models_are_understood() -> None:
    assert [language_of(n) for n in ("de", "deu", "ara", "cmn_Hans", "swa", "ROMANCE", "mul", "pt")] == [
        "de", "de", "ar", "zh", "sw", None, None, None,
    ]  # fmt: skip


def test_translations_do_not_depend_on_batches_or_order(m2m: Path, tmp_path: Path, texts: list[str]) -> None:
    made = []
    for i, (given, size) in enumerate(((texts, 30), (texts, 5000), (texts[::-1], 400))):
        with Journal(tmp_path / str(i)) as journal:
            made.append(engine(m2m, "de", journal, size).translate(given, "x").by_text)
    assert made[0] == made[1] == made[2]
    assert len(set(made[0].values())) > 20
    assert not any("__de__" in text for text in made[0].values())


def test_each_distinct_text_is_translated_once_and_empty_texts_stay_empty(m2m: Path, tmp_path: Path) -> None:
    with Journal(tmp_path / "j") as journal:
        made = engine(m2m, "de", journal).translate(["a dog", "", "a dog", " ", "the cat"], "x")
    assert (tmp_path / "j").read_text().count("[[") == 1
    assert made.by_text[""] == made.by_text[" "] == ""
    assert {k: made.counts[k] for k in ("texts", "distinct_texts", "empty_texts", "characters")} == {
        "texts": 5, "distinct_texts": 2, "empty_texts": 2, "characters": 12,
    }  # fmt: skip


def test_texts_longer_than_the_model_takes_are_cut_at_sentences_and_counted(m2m: Path, tmp_path: Path) -> None:
    sentences = ["The big dog sees a cat.", "Tom bought the red apple."] * 8
    long, longer = " ".join(sentences), "the dog " * 60
    with Journal(tmp_path / "j") as journal:
        one = engine(m2m, "de", journal)
        made = one.translate([long, longer, "a dog"], "x")
        lengths = [len(row) for row in one.model.encode([long, longer], one.direction)]
        assert min(lengths) > one.model.max_tokens == 48
        again = one.translate([long], "x")
    assert (made.counts["texts_cut_at_sentences"], made.counts["texts_cut_inside_a_sentence"]) == (2, 1)
    assert again.by_text[long] == made.by_text[long]
    assert len(made.by_text[long]) > len(made.by_text["a dog"])
    assert made.counts["distinct_texts"] == 3


def test_translations_that_reach_the_length_limit_are_counted(m2m: Path, tmp_path: Path, texts: list[str]) -> None:
    with Journal(tmp_path / "j") as journal:
        made = engine(m2m, "de", journal, tokens=1).translate(texts[:5], "x")
    assert made.counts["translations_at_the_length_limit"] == len(set(texts[:5]))


def test_a_request_to_stop_ends_before_the_next_batch(m2m: Path, tmp_path: Path, texts: list[str]) -> None:
    from dataclasses import replace

    with Journal(tmp_path / "j") as journal:
        one = replace(engine(m2m, "de", journal, 100), asked=[2])
        with pytest.raises(Interrupted, match="the same command continues"):
            one.translate(texts, "x")


def test_batches_keep_the_budget_longest_first() -> None:
    lengths = {"a": 3, "b": 9, "c": 4, "d": 4, "e": 2, "f": 20}
    assert list(batches(lengths, 12)) == [["f"], ["b"], ["c", "d", "a"], ["e"]]
    assert list(batches({}, 12)) == []


def test_what_a_killed_run_left_makes_the_batches_that_it_would_have_made() -> None:
    lengths = {f"{n} {i}": n for i in range(7) for n in range(1, 30, 3)}
    whole = list(batches(lengths, 100))
    for done in range(len(whole)):
        left = {t: n for t, n in lengths.items() if not any(t in batch for batch in whole[:done])}
        assert list(batches(left, 100)) == whole[done:]


def test_a_question_set_is_not_a_model(tmp_path: Path) -> None:
    from xlmr_bench.errors import DataError

    with pytest.raises(DataError, match=r"no config\.json"):
        TranslationModel(str(write_squad(tmp_path / "x")), "cpu")
