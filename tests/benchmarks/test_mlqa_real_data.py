"""MLQA dev as published, where it may be read, and SQuAD's stand-ins: sizes, standing, and the scorer's own limits."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from xlmr_bench.answers import answer_statistics, squad_statistics
from xlmr_bench.benchmarks.base import Where
from xlmr_bench.benchmarks.mlqa_official import MLQA, MLQA_LANGUAGES, mlqa_size
from xlmr_bench.benchmarks.squad_files import read_mlqa, read_squad
from xlmr_bench.examples import Question, Split


@pytest.fixture(scope="module")
def mlqa(shared_data: Path) -> Where:
    folder = shared_data / "mlqa"
    if not folder.is_dir():
        pytest.skip(f"MLQA is not at {folder}")
    return Where((folder,))


@pytest.mark.parametrize("language", MLQA_LANGUAGES)
def test_all_pairs_of_languages_of_mlqa_dev_are_recognised(mlqa: Where, language: str) -> None:
    own = {e.id: e for e in read_mlqa(mlqa, "dev", language).examples}
    assert len(own) == MLQA["dev"][language]
    for question in MLQA_LANGUAGES:
        split = read_mlqa(mlqa, "dev", language, question)
        assert (len(split.examples), split.official, split.deviation) == (
            mlqa_size("dev", language, question),
            True,
            None,
        ), question
        # A pair has the contexts and answers of the one language, and the other's questions.
        asked = {e.id: e.question for e in read_mlqa(mlqa, "dev", question).examples}
        for e in split.examples:
            assert (e.context, e.answers, e.starts) == (own[e.id].context, own[e.id].answers, own[e.id].starts)
            assert e.question == asked[e.id]


def test_one_changed_answer_ends_the_official_standing(mlqa: Where, tmp_path: Path) -> None:
    name = "dev-context-de-question-de.json"
    content = json.loads((mlqa.folders[0] / "MLQA_V1" / "dev" / name).read_text("utf-8"))
    answer = content["data"][0]["paragraphs"][0]["qas"][0]["answers"][0]
    answer["text"] = answer["text"][:-1]
    (tmp_path / name).write_text(json.dumps(content), encoding="utf-8")
    split = read_mlqa(Where((tmp_path,)), "dev", "de")
    assert (split.official, split.deviation) == (False, "texts or answers are not the official ones")


def gold_against_itself(split: Split[Question]) -> list[float]:
    """Mean F1 and exact match of each question's last gold answer, in percent."""
    gold, last = [e.answers for e in split.examples], [e.answers[-1] for e in split.examples]
    rows = answer_statistics(gold, last, split.language)
    return [100 * float(mean) for mean in rows.mean(axis=0)]


@pytest.mark.parametrize("language", MLQA_LANGUAGES)
def test_gold_answers_score_everything_against_themselves_but_for_one_spanish_article(
    mlqa: Where, language: str
) -> None:
    best = 100 * 499 / 500 if language == "es" else 100.0
    assert gold_against_itself(read_mlqa(mlqa, "dev", language)) == pytest.approx([best, 100.0])


@pytest.fixture(scope="module")
def squad(shared_data: Path) -> Path:
    folder = shared_data / "squad"
    if not folder.is_dir():
        pytest.skip(f"SQuAD is not at {folder}")
    return folder


@pytest.mark.parametrize(
    ("role", "name", "deviation"),
    [
        ("dev", "dev-v1.1.rebuilt.json", None),
        ("train", "standin-train.from-dev-articles-01-40.json", "8,231 of 87,599 examples"),
        ("dev", "standin-dev.from-dev-articles-41-48.json", "2,339 of 10,570 examples"),
    ],
)
def test_squad_and_its_stand_ins_are_read_by_name(squad: Path, role: str, name: str, deviation: str | None) -> None:
    split = read_squad(Where(patterns=((role, str(squad / name)),)), role)
    assert (split.official, split.deviation) == (deviation is None, deviation)
    for e in split.examples:
        assert all(e.context.startswith(text, start) for text, start in zip(e.answers, e.starts, strict=True))
    gold = [e.answers for e in split.examples]
    exact = squad_statistics(gold, [g[0] for g in gold])[:, 1]
    assert exact.mean() == 1.0


def test_mlqa_dev_can_stand_in_for_its_test_set_and_says_so(mlqa: Where) -> None:
    files = mlqa.folders[0] / "MLQA_V1" / "dev" / "dev-context-{language}-question-{question}.json"
    split = read_mlqa(Where(patterns=(("test", str(files)),)), "test", "hi", "ar")
    assert (split.role, split.official, split.deviation) == ("test", False, "186 of 1,831 examples")
