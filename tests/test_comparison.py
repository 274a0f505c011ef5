"""Comparison: significant where it is, refused where it would mean nothing; by files and records made here."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from samples import LABELS, REPOSITORY, result_record, write_manifest, write_rows, write_world, xnli_rows

from xlmr_bench.benchmarks.base import Where
from xlmr_bench.benchmarks.xnli import XNLI
from xlmr_bench.comparison import compare, compare_with_paper
from xlmr_bench.errors import DataError, NotComparableError, UsageError
from xlmr_bench.examples import limited
from xlmr_bench.files import sha256_of
from xlmr_bench.languages import XNLI_LANGUAGES
from xlmr_bench.predictions import write_predictions
from xlmr_bench.results import read_record, write_record
from xlmr_bench.scoring import score_splits

CODES = ("en", "sw")


@dataclass(frozen=True)
class World:
    """A data folder and a place for results."""

    data: Path
    runs: Path

    @property
    def where(self) -> Where:
        return Where((self.data,))


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    folder = tmp_path_factory.mktemp("comparison")
    return World(write_world(folder / "data"), folder / "runs")


def write_result(
    world: World, name: str, right: dict[str, float], *, seed: int = 0, limit: int | None = None, **changes: Any
) -> Path:
    """Predictions of which about a share `right` is correct, scored, with their record; returns the record's path."""
    rng = np.random.default_rng(seed)
    gold = {("test", code): limited(XNLI.read(world.where, "test", code), limit) for code in right}
    predicted = {
        (split, code): [
            e.label if rng.random() < right[code] else LABELS[(LABELS.index(e.label) + 1) % 3] for e in s.examples
        ]
        for (split, code), s in gold.items()
    }
    scores, aggregate = score_splits(XNLI, predicted, gold, {})
    path = world.runs / name / "seed1.json"
    file = path.with_suffix(".predictions.parquet")
    columns = {
        "split": [split for (split, _), s in gold.items() for _ in s.examples],
        "language": [code for (_, code), s in gold.items() for _ in s.examples],
        "id": [e.id for s in gold.values() for e in s.examples],
        "prediction": [label for key in gold for label in predicted[key]],
    }
    write_predictions(file, columns, {"benchmark": "xnli"})
    splits = [
        {
            "role": split,
            "language": code,
            "n": len(s.examples),
            "sha256": s.digest,
            "gold_sha256": s.gold_digest,
            "official": s.official,
        }
        for (split, code), s in gold.items()
    ]
    record = result_record(
        limited=limit,
        data={"name": "toy", "official": None, "splits": splits},
        scores=scores,
        aggregate=aggregate,
        predictions={"path": file.name, "sha256": sha256_of(file), "rows": len(columns["id"])},
    )
    write_record(path, {**record, **changes})
    return path


def both(world: World, a: Path, b: Path) -> list[dict[str, Any]]:
    return compare((a, read_record(a)), (b, read_record(b)), world.where)


def test_a_worse_model_is_significantly_worse_in_each_language_and_on_average(world: World) -> None:
    good = write_result(world, "good", {"en": 0.9, "sw": 0.8}, seed=1)
    bad = write_result(world, "bad", {"en": 0.7, "sw": 0.6}, seed=2)
    rows = both(world, good, bad)
    assert [r["language"] for r in rows] == ["en", "sw", "avg"]
    for row in rows:
        assert row["difference"] == pytest.approx(row["a"] - row["b"])
        assert 0.1 < row["difference"] < 0.3
        assert 0 < row["ci95"][0] < row["difference"] < row["ci95"][1]
        assert row["p"] < 0.01
    assert rows[2]["difference"] == pytest.approx((rows[0]["difference"] + rows[1]["difference"]) / 2)
    # The average is surer than its languages.
    widths = [r["ci95"][1] - r["ci95"][0] for r in rows]
    assert widths[2] < min(widths[:2])


def test_exchanging_the_two_changes_signs_and_nothing_else(world: World) -> None:
    good = write_result(world, "good", {"en": 0.9, "sw": 0.8}, seed=1)
    bad = write_result(world, "bad", {"en": 0.7, "sw": 0.6}, seed=2)
    for there, back in zip(both(world, good, bad), both(world, bad, good), strict=True):
        assert there["difference"] == pytest.approx(-back["difference"])
        assert there["ci95"] == pytest.approx((-back["ci95"][1], -back["ci95"][0]))
        assert there["p"] == pytest.approx(back["p"])


def test_a_model_is_no_better_than_itself_or_its_equal(world: World) -> None:
    one = write_result(world, "one", {"en": 0.8, "sw": 0.7}, seed=1)
    equal = write_result(world, "equal", {"en": 0.8, "sw": 0.7}, seed=5)
    assert [(r["difference"], r["ci95"], r["p"]) for r in both(world, one, one)] == [(0.0, (0.0, 0.0), 1.0)] * 3
    assert all(r["p"] > 0.05 and r["ci95"][0] < 0 < r["ci95"][1] for r in both(world, one, equal))


def test_results_of_different_kinds_are_refused(world: World) -> None:
    a = write_result(world, "a", {"en": 0.8, "sw": 0.7})
    limited_one = write_result(world, "limited", {"en": 0.8, "sw": 0.7}, limit=30)
    english = write_result(world, "english", {"en": 0.8})
    rescored = write_result(world, "rescored", {"en": 0.8, "sw": 0.7})
    record = json.loads(rescored.read_text())
    record["aggregate"][0]["signature"] = "accuracy|scorer:xlmr_bench|version:2"
    rescored.write_text(json.dumps(record))
    for other, words in (
        (limited_one, "limited differs: None and 30"),
        (english, "the languages differ: en sw and en"),
        (rescored, "the scorers differ: .*version:1 and .*version:2"),
    ):
        with pytest.raises(NotComparableError, match=words):
            both(world, a, other)


def test_limited_results_compare_among_themselves(world: World) -> None:
    a, b = (write_result(world, f"limited{s}", {"en": 0.9, "sw": 0.5}, seed=s, limit=30) for s in (1, 2))
    assert [r["language"] for r in both(world, a, b)] == ["en", "sw", "avg"]


def other_world(world: World, tmp_path: Path) -> World:
    """The same shape, one label order exchanged: other test data."""
    rows = xnli_rows(300, CODES)
    for start in (1, 301):
        rows[start][1], rows[start + 1][1] = rows[start + 1][1], rows[start][1]
    write_rows(tmp_path / "data" / "XNLI-1.0" / "xnli.test.tsv", rows)
    write_manifest(tmp_path / "data")
    return replace(world, data=tmp_path / "data")


def test_results_on_other_data_are_refused_and_so_is_scoring_with_other_data(world: World, tmp_path: Path) -> None:
    other = other_world(world, tmp_path)
    a, b = write_result(world, "a", {"en": 0.8, "sw": 0.7}), write_result(other, "b", {"en": 0.8, "sw": 0.7})
    with pytest.raises(NotComparableError, match=r"the test data differ in en, sw \(content digests\)"):
        both(world, a, b)
    with pytest.raises(NotComparableError, match=r"xnli\.test\.tsv is not the 'en' test data of these results"):
        both(other, a, a)


def test_a_prediction_file_that_is_not_the_records_own_is_refused(world: World) -> None:
    a, b = (write_result(world, f"altered{s}", {"en": 0.9, "sw": 0.5}, seed=s) for s in (1, 2))
    (b.parent / "seed1.predictions.parquet").replace(a.parent / "seed1.predictions.parquet")
    with pytest.raises(DataError, match=r"altered1/seed1\.predictions\.parquet is not the file .* was scored from"):
        both(world, a, a)
    with pytest.raises(DataError, match="there is no prediction file"):
        both(world, b, b)


def test_a_record_without_predictions_is_sent_to_the_paper_option(world: World) -> None:
    a = write_result(world, "without", {"en": 0.8, "sw": 0.7}, predictions=None)
    with pytest.raises(NotComparableError, match=r"without/seed1\.json has no predictions.*--paper"):
        both(world, a, a)


def official_record(values: dict[str, float], **changes: Any) -> dict[str, Any]:
    """A record that says its data are the published ones."""
    splits = [
        {"role": "test", "language": c, "n": 5010, "sha256": c, "gold_sha256": c, "official": True} for c in values
    ]
    score = {"split": "test", "metric": "accuracy", "ci95": [0.0, 1.0]}
    scores = [{**score, "language": c, "value": v, "n": 5010, "truncated": 0} for c, v in values.items()]
    mean = sum(values.values()) / len(values)
    return result_record(
        data={"name": "XNLI-1.0", "official": True, "splits": splits},
        scores=scores,
        aggregate=[{**score, "value": mean, "languages": len(values), "signature": "accuracy"}],
        **changes,
    )


def test_the_distance_to_the_paper_is_cell_by_cell_and_without_a_p_value() -> None:
    record = official_record({"en": 0.841, "sw": 0.665})
    rows = compare_with_paper(record, "XLM-R Base")
    # Table 1, XLM-R Base: en 85.8, sw 66.5.
    assert [(r["language"], round(100 * r["difference"], 6), r["p"], r["ci95"]) for r in rows] == [
        ("en", -1.7, None, None),
        ("sw", 0.0, None, None),
        ("avg", -0.85, None, None),
    ]


def test_a_score_of_zero_counts() -> None:
    rows = compare_with_paper(official_record({"en": 0.858, "sw": 0.0}), "XLM-R Base")
    assert [r["language"] for r in rows] == ["en", "sw", "avg"]
    assert rows[-1]["difference"] == pytest.approx(-0.665 / 2)


def test_the_papers_row_of_the_same_selection_is_taken() -> None:
    # Table 1, XLM-100, Swahili: 58.0 with #M = N, 58.2 with #M = 1.
    for selection, printed in (("per-language", 58.0), ("joint", 58.2)):
        rows = compare_with_paper(official_record({"sw": 0.5}, selection=selection), "XLM-100")
        assert 100 * rows[0]["b"] == pytest.approx(printed)


def test_other_data_limits_and_rows_do_not_compare_with_the_paper() -> None:
    with pytest.raises(NotComparableError, match=r"not on the complete published data \(toy\)"):
        compare_with_paper(result_record(), "XLM-R Base")
    with pytest.raises(NotComparableError, match="limited to 30"):
        compare_with_paper(official_record({"en": 0.8}, limited=30), "XLM-R Base")
    with pytest.raises(UsageError, match=r"unknown published transfer row 'XLM-R Bas'.*Known: .*XLM-R Base, XLM-R"):
        compare_with_paper(official_record({"en": 0.8}), "XLM-R Bas")
    with pytest.raises(UsageError, match=r"unknown published translate-train row 'XLM-R Base'.*Known: XLM-100"):
        compare_with_paper(official_record({"en": 0.8}, protocol="translate-train"), "XLM-R Base")


def command(*words: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "xlmr_bench", "compare", *map(str, words)],
        cwd=REPOSITORY, capture_output=True, text=True, timeout=60,
    )  # fmt: skip


def test_the_command_ends_with_5_on_other_data_and_3_where_files_are_missing(world: World, tmp_path: Path) -> None:
    other = other_world(world, tmp_path)
    a, b = write_result(world, "a", {"en": 0.8, "sw": 0.7}), write_result(other, "b", {"en": 0.8, "sw": 0.7})
    refused = command(a, b, "--data", world.data)
    assert (refused.returncode, refused.stdout) == (5, "")
    assert refused.stderr.startswith("xlmr_bench: the test data differ in en, sw")
    assert command(a, a, "--data", other.data).returncode == 5
    assert command(a, tmp_path / "none.json", "--data", world.data).returncode == 3
    assert command(a, a, "--data", tmp_path / "none").returncode == 3


def test_the_command_prints_a_table_or_json(world: World) -> None:
    good = write_result(world, "good", {"en": 0.9, "sw": 0.8}, seed=1)
    bad = write_result(world, "bad", {"en": 0.7, "sw": 0.6}, seed=2)
    table = command(good, bad, "--data", world.data)
    assert (table.returncode, table.stderr) == (0, "")
    remarks, _, rest = table.stdout.partition("\n\n")
    lines = rest.splitlines()
    assert remarks.splitlines()[:2] == ["A: toy transfer joint, seeds 1", "B: toy transfer joint, seeds 1"]
    assert lines[0].split() == "language A B A - B 95 % interval p p (Holm) effect verdict".split()
    assert [line.split()[0] for line in lines[2:]] == ["en", "sw", "avg"]
    rows = json.loads(command(good, bad, "--data", world.data, "--format", "json").stdout)["rows"]
    assert lines[-1].split()[1:4] == [f"{100 * rows[-1]['a']:.1f}", f"{100 * rows[-1]['b']:.1f}",
                                      f"{100 * rows[-1]['difference']:+.1f}"]  # fmt: skip


def test_the_command_ends_with_6_outside_the_tolerance_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "seed1.json"
    write_record(path, official_record(dict.fromkeys(XNLI_LANGUAGES, 0.75)))
    near = command(path, "--paper", "XLM-R Base", "--tolerance", "2")
    assert (near.returncode, near.stderr) == (0, "")
    far = command(path, "--paper", "XLM-R Base", "--tolerance", "1")
    assert far.returncode == 6
    assert far.stdout == near.stdout
    assert "the mean is -1.2" in far.stderr
    assert "points from XLM-R Base, more than 1." in far.stderr


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "compare takes either a second record or --paper ROW"),
        (("B.json", "--paper", "XLM-R"), "compare takes either a second record or --paper ROW"),
        (("B.json", "--tolerance", "1"), "--tolerance goes with --paper"),
        (("--paper", "XLM-R", "--tolerance", "one"), "argument --tolerance: invalid float value: 'one'"),
        (("--paper", "XLM-R", "--tolerance", "-1"), "--tolerance -1"),
        (("--paper", "XLM-R", "--tolerance", "nan"), "--tolerance nan"),
    ],
)
def test_the_command_refuses_what_does_not_fit_together(tmp_path: Path, words: tuple[str, ...], message: str) -> None:
    write_record(tmp_path / "A.json", official_record({"en": 0.8}))
    refused = command(tmp_path / "A.json", *words)
    assert (refused.returncode, refused.stdout) == (2, "")
    assert message in refused.stderr
