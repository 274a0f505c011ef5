"""GLUE as it is published, where it may be read: sizes, class balance, digests, and subsets that must not pass."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from samples import write_rows

from xlmr_bench.benchmarks.base import Where
from xlmr_bench.benchmarks.glue_files import TASKS, read_glue
from xlmr_bench.data.tables import read_tsv
from xlmr_bench.errors import DataError, MissingData

COMPLETE = {
    "SST-2": {"train": (67_349, 37_569), "dev": (872, 444)},
    "MRPC": {"train": (3668, 2474), "dev": (408, 279)},
    "CoLA": {"train": (8551, 6023), "dev": (1043, 721)},
    "RTE": {"train": (2490, 1249), "dev": (277, 146)},
    "WNLI": {"train": (635, 312), "dev": (71, 31)},
    "QNLI": {"dev": (5463, 2702)},
}


@pytest.fixture(scope="module")
def glue(shared_data: Path) -> Path:
    folder = shared_data / "glue_data"
    if not folder.is_dir():
        pytest.skip(f"GLUE is not at {folder}")
    return folder


@pytest.mark.parametrize(("task", "role"), [(t, r) for t, roles in COMPLETE.items() for r in roles])
def test_published_sets_are_recognised_with_their_class_balance(glue: Path, task: str, role: str) -> None:
    """The second number is of label 1 or entailment."""
    split = read_glue(task, Where((glue,)), role)
    positive = "1" if "1" in TASKS[task].labels else "entailment"
    labels = Counter(e.label for e in split.examples)
    assert (len(split.examples), labels[positive]) == COMPLETE[task][role]
    assert set(labels) == set(TASKS[task].labels)
    assert (split.official, split.deviation) == (True, None)


@pytest.mark.parametrize(("role", "n", "mean"), [("train", 5749, 2.701), ("dev", 1500, 2.364)])
def test_published_similarity_scores_are_recognised(glue: Path, role: str, n: int, mean: float) -> None:
    split = read_glue("STS-B", Where((glue,)), role)
    scores = [float(e.label) for e in split.examples]
    assert (len(scores), split.official, min(scores), max(scores)) == (n, True, 0.0, 5.0)
    assert sum(scores) / n == pytest.approx(mean, abs=5e-4)


@pytest.mark.parametrize(
    ("task", "deviation"),
    [
        ("MNLI", "8,999 of 392,702 examples"),
        ("QNLI", "9,999 of 104,743 examples"),
        ("QQP", "23,496 of 363,849 examples"),
    ],
)
def test_training_subsets_are_marked(glue: Path, task: str, deviation: str) -> None:
    split = read_glue(task, Where((glue,)), "train")
    assert (split.official, split.deviation) == (False, deviation)


@pytest.mark.parametrize(
    ("task", "file", "found", "wanted"), [("MNLI", "dev_matched", "1,000", "9,815"), ("QQP", "dev", "925", "40,430")]
)
def test_stand_in_dev_sets_are_refused_unless_named_and_then_marked(
    glue: Path, task: str, file: str, found: str, wanted: str
) -> None:
    with pytest.raises(DataError, match=f"GLUE {task} dev has {found} examples instead of {wanted}"):
        read_glue(task, Where((glue,)), "dev")
    path = glue / task / f"{file}.tsv"
    split = read_glue(task, Where((glue,), patterns=(("dev", str(path)),)), "dev")
    assert (split.official, split.deviation) == (False, f"{found} of {wanted} examples")


def test_the_mismatched_dev_set_is_missing_rather_than_replaced(glue: Path) -> None:
    with pytest.raises(MissingData, match=r"MNLI/dev_mismatched\.tsv"):
        read_glue("MNLI", Where((glue,)), "dev-mismatched")


def test_no_text_of_qnli_is_joined_by_its_unbalanced_quotes(glue: Path) -> None:
    split = read_glue("QNLI", Where((glue,)), "dev")
    unbalanced = [e for e in split.examples if (e.first + (e.second or "")).count('"') % 2]
    assert len(unbalanced) > 50
    assert not any("\t" in e.first + (e.second or "") or "\n" in e.first + (e.second or "") for e in split.examples)


def test_known_examples_are_read_as_published(glue: Path) -> None:
    first = {t: read_glue(t, Where((glue,)), "dev").examples[0] for t in ("CoLA", "SST-2", "STS-B", "MRPC")}
    assert first["CoLA"].row() == ("1", "The sailors rode the breeze clear of the rocks.", "1")
    assert first["SST-2"].row() == ("1", "it 's a charming and often affecting journey . ", "1")
    assert first["STS-B"].row()[2:] == ("A man wearing a hard hat is dancing.", "5.000")
    assert (first["MRPC"].second or "").startswith('"The foodservice pie business does not fit')


def test_the_paraphrase_corpus_cut_by_its_list_is_glues_train_and_dev(glue: Path, tmp_path: Path) -> None:
    folder = glue / "MRPC"
    (tmp_path / "MRPC").mkdir()
    (tmp_path / "MRPC" / "msr_paraphrase_train.txt").write_bytes((folder / "msr_paraphrase_train.txt").read_bytes())
    pairs = [fields[1:3] for number, fields in read_tsv(folder / "dev.tsv") if number > 1]
    write_rows(tmp_path / "MRPC" / "dev_ids.tsv", pairs)
    for role in ("train", "dev"):
        cut = read_glue("MRPC", Where((tmp_path,)), role)
        assert (cut.official, cut.deviation) == (True, None), role


def test_one_changed_label_ends_the_official_standing(glue: Path, tmp_path: Path) -> None:
    rows = [fields for _, fields in read_tsv(glue / "RTE" / "dev.tsv")]
    rows[100][-1] = "entailment" if rows[100][-1] == "not_entailment" else "not_entailment"
    write_rows(tmp_path / "RTE" / "dev.tsv", rows)
    split = read_glue("RTE", Where((tmp_path,)), "dev")
    assert (split.official, split.deviation) == (False, "texts or labels are not the official ones")
