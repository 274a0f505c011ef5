"""Comparison: significant where it is, refused where it would mean nothing; by files and records made here."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from made_results import even, write_model, write_seed
from samples import REPOSITORY, result_record, write_manifest, write_rows, write_world, xnli_rows

from xlmr_bench.benchmarks.base import Where
from xlmr_bench.cli import main
from xlmr_bench.comparison import compare, compare_sides, compare_with_paper, distance_to_paper, remarks
from xlmr_bench.errors import DataError, NotComparableError, UsageError
from xlmr_bench.languages import XNLI_LANGUAGES
from xlmr_bench.pairing import load_side
from xlmr_bench.results import read_record, write_record

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
    return write_seed(world.runs / name / "seed1.json", world.data, right, draw=seed, limit=limit, **changes)


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
    assert lines[0].split() == [
        "language",
        "A",
        "B",
        "A",
        "-",
        "B",
        "95",
        "%",
        "interval",
        "p",
        "p",
        "(Holm)",
        "effect",
        "verdict",
    ]
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


def side_rows(world: World, a: Path, b: Path) -> list[dict[str, Any]]:
    return compare_sides(load_side(a), load_side(b), world.where)


def test_seeds_of_a_worse_model_are_significantly_worse_after_holm(world: World, tmp_path: Path) -> None:
    good = write_model(tmp_path, world.data, "good", even(0.85, 3, 0.02))
    bad = write_model(tmp_path, world.data, "bad", even(0.65, 3, 0.02))
    for row in side_rows(world, good, bad):
        assert row["significant"] and row["difference"] > 0.1
        assert row["p"] <= row["p_holm"] < 0.05
        assert row["effect_name"] == "h" and 0.3 < row["effect"] < 0.8
        assert 0 < row["ci95"][0] < row["difference"] < row["ci95"][1]
    assert not any(r["significant"] for r in side_rows(world, good, good))


def test_two_halves_of_the_seeds_of_one_model_are_not_different(world: World, tmp_path: Path) -> None:
    accuracies = even(0.8, 6, 0.03)
    one = write_model(tmp_path / "one", world.data, "same", {s: accuracies[s] for s in (1, 2, 3)})
    two = write_model(tmp_path / "two", world.data, "same", {s: accuracies[s] for s in (4, 5, 6)})
    rows = side_rows(world, one, two)
    assert [r["significant"] for r in rows] == [False] * 3
    assert "noise of seeds" in remarks(load_side(one), load_side(two))[-1]


def test_two_seeds_of_one_model_never_differ_however_far_apart_they_are(world: World, tmp_path: Path) -> None:
    folder = write_model(tmp_path, world.data, "far", {1: {"en": 0.95, "sw": 0.9}, 2: {"en": 0.6, "sw": 0.5}})
    rows = side_rows(world, folder / "seed1.json", folder / "seed2.json")
    assert rows[-1]["p_holm"] < 0.01
    assert [r["significant"] for r in rows] == [False] * 3


def test_what_seeds_differ_by_is_in_the_interval_of_folders_and_not_of_records(world: World, tmp_path: Path) -> None:
    steady = write_model(tmp_path, world.data, "steady", even(0.8, 4, 0.0))
    noisy = write_model(tmp_path, world.data, "noisy", even(0.8, 4, 0.12))
    plain = write_model(tmp_path, world.data, "plain", even(0.75, 4, 0.0))
    width = {
        name: (row := side_rows(world, folder, plain)[-1])["ci95"][1] - row["ci95"][0]
        for name, folder in (("steady", steady), ("noisy", noisy))
    }
    assert width["noisy"] > 2 * width["steady"]
    assert "one seed of A" in "\n".join(remarks(load_side(steady / "seed1.json"), load_side(plain)))


def test_collapsed_seeds_of_a_folder_are_left_out_and_named(world: World, tmp_path: Path) -> None:
    folder = write_model(tmp_path, world.data, "some", even(0.8, 2))
    model = {"name": "some", "weights_sha256": "some weights", "tokenizer_sha256": "t"}
    fallen = {"model": model, "seed": 3, "status": "collapsed", "notes": ["en, step 5: one class"]}
    write_seed(folder / "seed3.json", world.data, {"en": 0.33, "sw": 0.33}, **fallen)
    side = load_side(folder)
    assert [r["seed"] for _, r in side.runs] == [1, 2]
    assert "A: seed 3 collapsed and is left out" in "\n".join(remarks(side, side))
    # Named by itself it is compared, and marked.
    assert "A: seed 3 COLLAPSED" in "\n".join(remarks(load_side(folder / "seed3.json"), side))
    for seed in (1, 2):
        (folder / f"seed{seed}.json").unlink()
    with pytest.raises(UsageError, match=r"every seed .* collapsed"):
        load_side(folder)


def test_a_folder_of_several_results_is_no_side(world: World, tmp_path: Path) -> None:
    write_model(tmp_path, world.data, "one", even(0.8, 2))
    write_model(tmp_path, world.data, "one", even(0.8, 2), selection="english")
    with pytest.raises(UsageError, match=r"several results, not the seeds of one.*transfer/english"):
        load_side(tmp_path)
    with pytest.raises(DataError, match="no record file or folder"):
        load_side(tmp_path / "none")


def test_altered_texts_of_equal_gold_are_refused_too(world: World, tmp_path: Path) -> None:
    rows = xnli_rows(300, CODES)
    rows[1][6] = "another premise"
    write_rows(tmp_path / "data" / "XNLI-1.0" / "xnli.test.tsv", rows)
    write_manifest(tmp_path / "data")
    right = {"en": 0.8, "sw": 0.7}
    a = write_seed(tmp_path / "a.json", world.data, right)
    b = write_seed(tmp_path / "b.json", tmp_path / "data", right)
    with pytest.raises(NotComparableError, match="the test data differ in en "):
        both(world, a, b)


def papers(values: list[float]) -> list[dict[str, Any]]:
    return [official_record(dict.fromkeys(XNLI_LANGUAGES, v), seed=s) for s, v in enumerate(values, 1)]


def test_the_noise_of_seeds_is_unknown_with_one_and_judged_by_students_t_with_several() -> None:
    assert {r["inside"] for r in distance_to_paper(papers([0.762]), "XLM-R Base")} == {None}
    near = distance_to_paper(papers([0.755, 0.760, 0.765, 0.77]), "XLM-R Base")[-1]
    assert near["inside"] is True and near["std"] == pytest.approx(0.00645, abs=1e-5)
    # 76.2 printed as a mean of 5; ours 74.0 +- 0.2 over 3: t = (2.2 - 0.05) / (0.2 sqrt(1/3 + 1/5)), 2 degrees.
    far = distance_to_paper(papers([0.738, 0.740, 0.742]), "XLM-R Base")[-1]
    assert far["inside"] is False
    assert far["p"] == pytest.approx(1 - 14.72 / (2 + 14.72**2) ** 0.5, rel=1e-2)


def test_distances_to_the_paper_are_adjusted_for_their_number() -> None:
    rows = distance_to_paper(papers([0.70, 0.73, 0.76, 0.79]), "XLM-R Base")
    assert all(r["p_holm"] >= r["p"] for r in rows)
    assert min(r["p_holm"] for r in rows[:-1]) == pytest.approx(15 * min(r["p"] for r in rows[:-1]))
    assert rows[-1]["p_holm"] == rows[-1]["p"]


def test_strict_ends_with_6_outside_the_noise_and_with_5_where_it_is_unknown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, values in (("far", [0.738, 0.740, 0.742]), ("near", [0.6, 0.7, 0.8, 0.9])):
        for record in papers(values):
            write_record(tmp_path / name / f"seed{record['seed']}.json", record)

    def ended(place: Path, *words: str) -> tuple[int, str, str]:
        code = main(["compare", str(place), *words])
        shown = capsys.readouterr()
        return code, (shown.out.split() or [""])[-1], shown.err

    paper = ("--paper", "XLM-R Base", "--strict")
    code, last, said = ended(tmp_path / "far", *paper)
    assert (code, last) == (6, "outside")
    assert "outside the noise of seeds around XLM-R Base: en -11.8" in said
    assert ended(tmp_path / "far", *paper[:2])[::2] == (0, "")
    assert ended(tmp_path / "near", *paper) == (0, "inside", "")
    code, last, said = ended(tmp_path / "near" / "seed1.json", *paper)
    assert (code, last) == (5, "unknown")
    assert "Give a folder of several seeds" in said
    code, _, said = ended(tmp_path / "near", str(tmp_path / "far"), "--strict")
    assert code == 2 and "--strict goes with --paper" in said


def test_the_command_takes_folders_of_seeds_and_refuses_altered_data_with_5(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good = write_model(tmp_path, world.data, "good", even(0.85, 3, 0.02))
    bad = write_model(tmp_path, world.data, "bad", even(0.65, 3, 0.02))
    altered = write_model(tmp_path / "altered", other_world(world, tmp_path).data, "good", even(0.85, 3, 0.02))
    assert main(["compare", str(good), str(bad), "--data", str(world.data)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "A: good transfer joint, seeds 1, 2, 3"
    assert [line.split()[-2:] for line in lines[-3:]] == [["A", "better"]] * 3
    assert main(["compare", str(bad), str(good), "--data", str(world.data)]) == 0
    assert [line.split()[-2:] for line in capsys.readouterr().out.splitlines()[-3:]] == [["B", "better"]] * 3
    assert main(["compare", str(good), str(altered), "--data", str(world.data)]) == 5
    assert "the test data differ in en, sw" in capsys.readouterr().err
