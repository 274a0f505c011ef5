"""SQuAD put together from translations written by hand."""

from __future__ import annotations

import json
from collections import UserDict
from pathlib import Path

import pytest

from xlmr_bench.benchmarks.base import Where
from xlmr_bench.benchmarks.squad_files import read_questions
from xlmr_bench.translate.job import Composed, Job
from xlmr_bench.translate.questions import question_jobs

GERMAN = {
    "Tom bought a green apple in 1990.": "Tom kaufte 1990 einen grünen Apfel.",
    "He sold it.": "Er verkaufte ihn.",
    'Dr. Li saw "him" there.': "Dr. Li sah „ihn“ dort.",
    '"Tom" bought a green apple in 1990.': "„Tom“ kaufte 1990 einen grünen Apfel.",
    '"Tom bought" a green apple in 1990.': "„Tom kaufte“ 1990 einen grünen Apfel.",
    'Tom bought a green apple in "1990".': "Tom kaufte 1990 einen grünen Apfel.",
    'Dr. Li saw "[him]" there.': "Dr. Li sah „[ihn]“ dort.",
    "Who was seen?": "Wen sah er?",
    "him": "ihm",
    "Anna lives in a red house.": "Anna lebt in einem roten Haus.",
    'Anna lives "in a red house".': 'Anna lebt "in einem roten Haus".',
    "She has 3 dogs.": "Sie hat drei Hunde.",
    'She has "3" dogs.': "Sie hat drei Hunde.",
    "Who bought?": "Wer kaufte?",
    "When?": "Wann?",
    "Where?": "Wo?",
    "How many?": "Wie viele?",
    "Tom": "Tom.",
    "Tom bought": "Tom hat gekauft",
    "1990": "1990",
    "in a red house": "In einem roten Haus",
    "3": "3",
}


class Strict(UserDict[str, str]):
    """Translations that note which of them were used."""

    def __init__(self, given: dict[str, str]) -> None:
        super().__init__(given)
        self.used: set[str] = set()

    def __getitem__(self, key: str) -> str:
        self.used.add(key)
        return super().__getitem__(key)


@pytest.fixture
def job(squad: Path, tmp_path: Path) -> Job:
    return question_jobs("squad", Where((squad,)), "train", ("de",), tmp_path / "out", None)[0]


def composed(job: Job) -> Composed:
    return job.compose(GERMAN)


def test_sentences_questions_answers_and_marked_sentences_are_translated_and_all_are_used(job: Job) -> None:
    assert set(job.texts()) == GERMAN.keys()
    translations = Strict(GERMAN)
    job.compose(translations)
    assert translations.used == GERMAN.keys() - {"How many?"}  # its answer is not placed


def test_answers_stand_at_their_start_and_the_one_that_was_lost_is_left_out(job: Job, tmp_path: Path) -> None:
    made = composed(job)
    path = tmp_path / "made.json"
    path.write_text(made.content, encoding="utf-8")
    questions, faults = read_questions(path, training=True)
    assert faults.answers == 0
    assert [(q.id, q.question, q.answers) for q in questions] == [
        ("q1", "Wer kaufte?", ("Tom", "Tom kaufte")),
        ("q2", "Wann?", ("1990",)),
        ("q5", "Wen sah er?", ("ihn",)),
        ("q3", "Wo?", ("in einem roten Haus",)),
    ]
    assert questions[0].context == "Tom kaufte 1990 einen grünen Apfel. Er verkaufte ihn. Dr. Li sah „ihn“ dort."
    assert questions[3].context == "Anna lebt in einem roten Haus.\nSie hat drei Hunde."
    assert made.counts == {
        "examples": 4, "examples_left_out": 1, "answers": 6, "answers_not_placed": 1,
        "answers_found_by_marks": 4, "answers_found_by_alone": 1,
    }  # fmt: skip


def test_articles_keep_their_titles(job: Job) -> None:
    content = json.loads(composed(job).content)
    assert [(a["title"], len(a["paragraphs"])) for a in content["data"]] == [("Apples", 2)]
    assert content["version"] == "1.1"


def test_mlqa_and_xquad_train_on_the_same_file(squad: Path, tmp_path: Path) -> None:
    jobs = [
        question_jobs(name, Where((squad,)), "dev", ("de",), tmp_path, None)[0] for name in ("squad", "mlqa", "xquad")
    ]
    assert {(job.path, job.benchmark) for job in jobs} == {
        ("mlqa-translate-train/de_squad-translate-train-dev-v1.1.json", "squad")
    }


def test_a_limit_counts_questions(squad: Path, tmp_path: Path) -> None:
    (job,) = question_jobs("squad", Where((squad,)), "train", ("de",), tmp_path, 1)
    assert composed(job).counts["examples"] == 1
