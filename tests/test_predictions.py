"""Prediction files: every example exactly once, whoever wrote them; nothing is scored otherwise."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from samples import write_rows

from xlmr_bench.benchmarks.xnli import XNLI
from xlmr_bench.errors import DataError
from xlmr_bench.examples import PairExample, Split
from xlmr_bench.predictions import Predictions, match, read_predictions, write_predictions
from xlmr_bench.scoring import score_splits

GOLD = Split(
    "test",
    "sw",
    tuple(PairExample(str(i), "p", "h", label) for i, label in enumerate(("neutral", "entailment", "neutral"), 1)),
    (Path("xnli.test.tsv"),),
)
Rows = Sequence[tuple[Any, Any, Any, Any]]
COMPLETE = [("test", "sw", "1", "neutral"), ("test", "sw", "2", "neutral"), ("test", "sw", "3", "neutral")]


def parquet(path: Path, rows: Rows, **about: Any) -> Path:
    names = ("split", "language", "id", "prediction")
    write_predictions(path, {name: [row[i] for row in rows] for i, name in enumerate(names)}, about)
    return path


def tsv(path: Path, rows: Rows) -> Path:
    return write_rows(path, [("id", "prediction", "split", "language"), *((r[2], r[3], r[0], r[1]) for r in rows)])


@pytest.fixture(params=["parquet", "tsv"])
def write(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    """Both formats: a parquet file, and a tsv file with its columns in another order."""
    if request.param == "tsv":
        return lambda rows: tsv(tmp_path / "p.tsv", rows)
    return lambda rows: parquet(tmp_path / "p.parquet", rows)


def test_predictions_are_matched_by_id_not_by_place(write: Any) -> None:
    rows = [("test", "sw", "3", "c"), ("dev", "sw", "1", "x"), ("test", "sw", "1", "a"), ("test", "sw", "2", "b")]
    assert match(read_predictions(write(rows)), GOLD, "test") == ["a", "b", "c"]


def test_what_the_writer_recorded_comes_back(tmp_path: Path) -> None:
    about = {"benchmark": "xnli", "limited": 3, "gold_sha256": {"test/sw": GOLD.gold_digest}}
    assert read_predictions(parquet(tmp_path / "p.parquet", COMPLETE, **about)).about == about
    assert read_predictions(tsv(tmp_path / "p.tsv", COMPLETE)).about == {}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda rows: rows.pop(1), r"'sw' test: 2 predictions for 3 examples \(first missing id: 2\)"),
        (lambda rows: rows.clear(), r"'sw' test: 0 predictions for 3 examples \(first missing id: 1\)"),
        (lambda rows: rows.append(("test", "sw", "4", "neutral")), r"4 predictions for 3 examples \(unknown id: 4\)"),
        (lambda rows: rows.__setitem__(0, ("test", "ur", "1", "neutral")), r"first missing id: 1"),
        (lambda rows: rows.__setitem__(2, ("test", "sw", "03", "neutral")), r"first missing id: 3"),
    ],
)
def test_missing_and_extra_examples_are_refused(write: Any, change: Any, words: str) -> None:
    rows = list(COMPLETE)
    change(rows)
    with pytest.raises(DataError, match=words + r".*nothing was scored"):
        match(read_predictions(write(rows)), GOLD, "test")


@pytest.mark.parametrize("again", ["neutral", "entailment", ""])
def test_an_example_predicted_twice_is_refused_even_with_the_same_answer(write: Any, again: str) -> None:
    rows = [("test", "sw", "1", again), *COMPLETE[1:], ("test", "sw", "1", again)]
    with pytest.raises(DataError, match=r"'sw' test example 1 is predicted twice. Nothing was scored"):
        read_predictions(write(rows))


@pytest.mark.parametrize("column", range(4))
def test_empty_cells_are_refused(tmp_path: Path, column: int) -> None:
    row: list[str | None] = list(COMPLETE[0])
    row[column] = None
    path = parquet(tmp_path / "p.parquet", [tuple(row), *COMPLETE[1:]])  # type: ignore[list-item]
    with pytest.raises(DataError, match=r"p\.parquet.*row 1.*empty"):
        read_predictions(path)


def test_ids_written_as_numbers_are_the_same_ids(tmp_path: Path) -> None:
    rows = [("test", "sw", i, "neutral") for i in (1, 2, 3)]
    assert match(read_predictions(parquet(tmp_path / "p.parquet", rows)), GOLD, "test") == ["neutral"] * 3


def test_what_is_no_prediction_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"there is no prediction file .*none\.parquet"):
        read_predictions(tmp_path / "none.parquet")
    (tmp_path / "text.parquet").write_text("split\tlanguage\n")
    with pytest.raises(DataError, match=r"text\.parquet is not a prediction file with columns split, language, id, p"):
        read_predictions(tmp_path / "text.parquet")
    pq.write_table(pa.table({"id": ["1"]}), tmp_path / "other.parquet")
    with pytest.raises(DataError, match=r"other\.parquet is not a prediction file"):
        read_predictions(tmp_path / "other.parquet")
    write_rows(tmp_path / "head.tsv", [["split", "language", "prediction"], ["test", "sw", "neutral"]])
    with pytest.raises(DataError, match=r"head\.tsv, line 1: column 'id' is missing"):
        read_predictions(tmp_path / "head.tsv")
    write_rows(tmp_path / "cut.tsv", [["split", "language", "id", "prediction"], ["test", "sw", "1"]])
    with pytest.raises(DataError, match=r"cut\.tsv, line 2: 3 columns instead of 4"):
        read_predictions(tmp_path / "cut.tsv")


def test_a_file_cut_short_is_refused(tmp_path: Path) -> None:
    path = parquet(tmp_path / "p.parquet", COMPLETE)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(DataError, match="is not a prediction file"):
        read_predictions(path)


def test_scores_are_worked_out_by_split_and_language() -> None:
    en = Split("test", "en", GOLD.examples, GOLD.files)
    dev = Split("dev", "sw", GOLD.examples[:2], GOLD.files)
    gold = {("test", "sw"): GOLD, ("test", "en"): en, ("dev", "sw"): dev}
    predicted = {
        ("test", "sw"): ["neutral", "neutral", "neutral"],
        ("test", "en"): ["neutral", "entailment", "neutral"],
        ("dev", "sw"): ["entailment", "neutral"],
    }
    scores, aggregate = score_splits(XNLI, predicted, gold, {("test", "sw"): 1})
    assert [(s["split"], s["language"], s["n"], s["truncated"]) for s in scores] == [
        ("test", "sw", 3, 1),
        ("test", "en", 3, None),
        ("dev", "sw", 2, None),
    ]
    assert [s["value"] for s in scores] == pytest.approx([2 / 3, 1.0, 0.0])
    assert [(a["split"], a["languages"]) for a in aggregate] == [("test", 2), ("dev", 1)]
    assert [a["value"] for a in aggregate] == pytest.approx([5 / 6, 0.0])
    assert {a["signature"] for a in aggregate} == {"accuracy|scorer:xlmr_bench|version:1"}


def test_no_predictions_at_all_match_nothing() -> None:
    with pytest.raises(DataError, match="0 predictions for 3 examples"):
        match(Predictions({}, {}), GOLD, "test")
