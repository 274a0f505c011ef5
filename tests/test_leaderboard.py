"""Leaderboards of results made here: what is averaged, ranked, tied, left out, and how it is printed."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

import pytest
from made_results import even, write_model, write_seed
from samples import write_manifest, write_rows, write_world, xnli_rows

from xlmr_bench.benchmarks.base import Where
from xlmr_bench.cli import main
from xlmr_bench.errors import UsageError
from xlmr_bench.languages import XNLI_LANGUAGES
from xlmr_bench.leaderboard import Board, boards, load
from xlmr_bench.published import published_records
from xlmr_bench.ranking import Standing
from xlmr_bench.report import column_values, headline
from xlmr_bench.results import read_record, write_record

Out = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_world(tmp_path_factory.mktemp("leaderboard") / "data")


@pytest.fixture(scope="module")
def runs(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two models that are about equal, and one that is worse."""
    output = tmp_path_factory.mktemp("runs")
    write_model(output, data, "alpha", even(0.85, 3, 0.01))
    write_model(output, data, "beta", even(0.85, 3, 0.01))
    write_model(output, data, "worse", even(0.65, 3, 0.01))
    return output


def board_of(place: Path, where: Where | None = None, **wanted: str) -> Board:
    found = boards(load([place], wanted), lambda record: where)
    assert len(found) == 1
    return found[0]


def ours(board: Board) -> list[Standing]:
    return [row for row in board.rows if row.origin == "run"]


def test_rows_are_means_over_seeds_with_their_sample_deviation(data: Path, runs: Path) -> None:
    row = next(r for r in ours(board_of(runs, Where((data,)))) if r.model == "worse")
    records = [read_record(runs / "worse/xnli/transfer/joint" / f"seed{s}.json") for s in (1, 2, 3)]
    averages = [headline(r)["value"] for r in records]
    assert row.n == 3
    assert row.value == pytest.approx(fmean(averages))
    assert row.std == pytest.approx(stdev(averages))
    assert row.values == pytest.approx({c: fmean(column_values(r)[c] for r in records) for c in ("en", "sw")})
    assert row.ci95 is not None and row.ci95[0] < row.value < row.ci95[1]


def test_equal_models_share_a_rank_and_the_worse_one_has_its_own(data: Path, runs: Path) -> None:
    rows = ours(board_of(runs, Where((data,))))
    assert {r.model for r in rows[:2]} == {"alpha", "beta"} and rows[2].model == "worse"
    assert [(r.rank, r.tied, r.ranked_by) for r in rows] == [
        (1, False, "value"),
        (1, True, "test"),
        (3, False, "test"),
    ]
    assert rows[1].p is not None and rows[1].p > 0.05
    assert rows[2].p is not None and rows[2].p < 0.05


def test_without_gold_or_predictions_ranks_follow_overlapping_intervals_and_say_so(data: Path, tmp_path: Path) -> None:
    for name, accuracy in (("alpha", 0.85), ("beta", 0.85), ("worse", 0.65)):
        write_model(tmp_path, data, name, even(accuracy, 3, 0.01))
    board = board_of(tmp_path)
    assert [(r.rank, r.ranked_by) for r in ours(board)] == [(1, "value"), (1, "intervals"), (3, "intervals")]
    assert "not tested without the gold answers (--data DIR)" in board.remarks[0]
    (tmp_path / "worse/xnli/transfer/joint/seed2.predictions.parquet").unlink()
    board = board_of(tmp_path, Where((data,)))
    assert [(r.rank, r.ranked_by) for r in ours(board)] == [(1, "value"), (1, "test"), (3, "intervals")]
    assert "worse is not tested: there is no prediction file" in board.remarks[0]
    board = board_of(tmp_path, Where((tmp_path / "nowhere",)))
    assert {r.ranked_by for r in ours(board)[1:]} == {"intervals"}
    assert "differences are not tested: " in board.remarks[0]


def test_two_models_of_one_name_are_two_rows_and_so_are_two_settings(data: Path, tmp_path: Path) -> None:
    for place, (weights, rate) in enumerate((("1" * 64, 0.001), ("2" * 64, 0.001), ("2" * 64, 0.002))):
        model = {"name": "same", "weights_sha256": weights, "tokenizer_sha256": "t"}
        config = {"preset": "quick", "languages": ["en", "sw"], "learning_rate": rate}
        write_model(tmp_path / str(place), data, "same", even(0.8 - place / 10, 2), model=model, config=config)
    rows = ours(board_of(tmp_path))
    assert [r.detail for r in rows] == [
        f"{'1' * 8} learning_rate=0.001",
        f"{'2' * 8} learning_rate=0.001",
        f"{'2' * 8} learning_rate=0.002",
    ]
    assert [r.n for r in rows] == [2, 2, 2]


def test_the_order_of_languages_makes_no_other_row(data: Path, tmp_path: Path) -> None:
    for seed, languages in ((1, ["en", "sw"]), (2, ["sw", "en"])):
        config = {"preset": "quick", "languages": languages, "learning_rate": 0.001}
        write_model(tmp_path, data, "one", {seed: dict.fromkeys(languages, 0.8)}, config=config)
    assert [r.n for r in ours(board_of(tmp_path))] == [2]


def test_what_does_not_count_is_listed_with_its_reason(data: Path, tmp_path: Path) -> None:
    write_model(tmp_path, data, "one", even(0.8, 3))
    folder = tmp_path / "one/xnli/transfer/joint"
    model = {"name": "one", "weights_sha256": "one weights", "tokenizer_sha256": "t"}
    right = {"en": 0.8, "sw": 0.7}
    fallen: dict[str, Any] = {"status": "collapsed", "notes": ["en, step 5: one class"]}
    write_seed(folder / "seed4.json", data, {"en": 0.33, "sw": 0.33}, seed=4, model=model, **fallen)
    write_seed(folder / "seed5.json", data, right, limit=30, seed=5, model=model)
    write_seed(folder / "seed6.json", data, {"en": 0.8}, seed=6, model=model)
    write_seed(tmp_path / "copy" / "seed1.json", data, right, seed=1, model=model)
    other = tmp_path.with_name("other data")
    rows = xnli_rows(300, ("en", "sw"))
    for start in (1, 301):  # the label order of both languages
        rows[start][1], rows[start + 1][1] = rows[start + 1][1], rows[start][1]
    write_rows(other / "XNLI-1.0" / "xnli.test.tsv", rows)
    write_manifest(other, "other")
    write_seed(folder / "seed7.json", other, right, seed=7, model=model)
    record = read_record(write_seed(folder / "seed8.json", data, right, seed=8, model=model))
    record["aggregate"][0]["signature"] = "accuracy|version:2"
    write_record(folder / "seed8.json", record)
    board = board_of(tmp_path, Where((data,)))
    assert {x.seed: x.reason for x in board.excluded} == {
        1: f"seed 1 is there already: {tmp_path}/copy/seed1.json",
        4: "collapsed: en, step 5: one class",
        5: "limited to 30 examples a split",
        6: "other columns: en",
        7: "other test data (toy): en, sw",
        8: "other scorer: accuracy|version:2",
    }
    (row,) = ours(board)
    assert row.n == 3 and [r["seed"] for _, r in row.collapsed] == [4]
    assert row.value is not None and row.value > 0.7, "the collapsed seed is in no mean"


def test_a_model_of_which_every_seed_collapsed_is_shown_without_a_value(data: Path, tmp_path: Path) -> None:
    write_model(tmp_path, data, "one", even(0.8, 2))
    write_model(tmp_path, data, "fallen", even(0.33, 2), status="collapsed", notes=["chance"])
    row = next(r for r in ours(board_of(tmp_path, Where((data,)))) if r.model == "fallen")
    assert (row.value, row.rank, row.n, len(row.collapsed)) == (None, None, 0, 2)


def test_the_same_file_named_twice_counts_once(data: Path, runs: Path) -> None:
    found = load([runs, runs / "alpha", runs / "alpha/xnli/transfer/joint/seed1.json"], {"origin": "run"})
    assert len(found) == 9


def official(record: dict[str, Any], **values: float) -> dict[str, Any]:
    """The record as one on the published data, in all languages."""
    scores = [
        {"split": "test", "language": c, "metric": "accuracy", "value": values.get(c, values["all"]), "n": 5010,
         "ci95": [values["all"] - 0.01, values["all"] + 0.01], "truncated": 0}
        for c in XNLI_LANGUAGES
    ]  # fmt: skip
    splits = [
        {"role": "test", "language": c, "n": 5010, "sha256": c, "gold_sha256": c, "official": True}
        for c in XNLI_LANGUAGES
    ]
    mean = fmean(s["value"] for s in scores)
    interval = [mean - 0.003, mean + 0.003]
    aggregate = [{**record["aggregate"][0], "value": mean, "ci95": interval, "languages": 15}]
    return {**record, "data": {"name": "XNLI-1.0", "official": True, "splits": splits}, "scores": scores,
            "aggregate": aggregate, "config": {"preset": "paper", "languages": list(XNLI_LANGUAGES)}}  # fmt: skip


def test_the_papers_rows_stand_by_their_values_among_ours_on_the_published_data(data: Path, tmp_path: Path) -> None:
    path = write_seed(tmp_path / "ours" / "seed1.json", data, {"en": 0.8, "sw": 0.7})
    write_record(path, official(read_record(path), all=0.80))
    write_seed(tmp_path / "toy" / "seed1.json", data, {"en": 0.8, "sw": 0.7})
    write_seed(tmp_path / "toy" / "seed2.json", data, {"en": 0.8, "sw": 0.7}, seed=2)
    board = board_of(tmp_path)
    assert (board.official, board.columns) == (True, XNLI_LANGUAGES), "published data before the majority"
    assert [x.reason for x in board.excluded] == ["other columns: en sw"] * 2
    shown = [(r.rank, r.model, r.origin, r.ranked_by) for r in board.rows]
    # Table 1: XLM-R 80.9, XLM-R Base 76.2.
    assert shown[:3] == [
        (1, "XLM-R", "paper", "value"),
        (2, "toy", "run", "value"),
        (3, "XLM-R Base", "paper", "value"),
    ]
    assert len(board.rows) == 1 + len(published_records("xnli", "transfer"))


def test_the_papers_rows_have_no_rank_beside_other_data_and_averages_of_the_same_columns(
    data: Path, runs: Path
) -> None:
    board = board_of(runs, Where((data,)))
    row = next(r for r in board.rows if r.model == "XLM-R Base")
    assert (row.rank, row.ranked_by) == (None, None)
    assert row.value == pytest.approx((0.858 + 0.665) / 2)  # Table 1, en and sw
    assert "the paper's rows are of other data than toy" in board.remarks[-1]


def test_records_are_selected_by_what_they_are_of_and_unknown_names_get_the_nearest(data: Path, runs: Path) -> None:
    assert {r["model"]["name"] for _, r in load([runs], {"model": "alpha"})} == {"alpha"}
    assert {r["origin"] for _, r in load([runs], {"benchmark": "xnli", "origin": "paper"})} == {"paper"}
    assert {r["selection"] for _, r in load([runs], {"selection": "per-language"})} == {"per-language"}
    assert {r["protocol"] for _, r in load([runs], {"origin": "paper", "benchmark": "ner"})} == {
        "transfer",
        "each",
        "all",
    }
    with pytest.raises(UsageError, match=r"unknown model \(in these records\) 'alfa'. Did you mean 'alpha'"):
        load([runs], {"model": "alfa"})


def test_the_command_prints_text_json_and_csv_of_the_same(data: Path, runs: Path, capsys: Out) -> None:
    words = ["leaderboard", "rank", str(runs), "--data", str(data), "--benchmark", "xnli", "--origin", "run"]
    assert main(words) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "xnli transfer: test accuracy (%), data: toy"
    assert lines[1].split() == [
        "rank",
        "model",
        "#M",
        "n",
        "avg",
        "±",
        "sd",
        "95",
        "%",
        "interval",
        "p",
        "above",
        "en",
        "sw",
    ]
    assert main([*words, "--format", "json"]) == 0
    (board,) = json.loads(capsys.readouterr().out)
    assert main([*words, "--format", "csv"]) == 0
    table = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    for line, row, cells in zip(lines[3:6], board["rows"], table, strict=True):
        shown = line.split()
        assert shown[:5] == [str(row["rank"]), row["model"], "1", "3", f"{100 * row['value']:.1f}"]
        assert shown[-2:] == [f"{100 * row['values'][c]:.1f}" for c in ("en", "sw")]
        assert float(cells["value"]) == row["value"] and float(cells["sw"]) == row["values"]["sw"]
        assert [float(cells[k]) for k in ("ci95_low", "ci95_high")] == row["ci95"]


def test_what_was_left_out_stands_below_the_table_or_beside_the_csv(data: Path, tmp_path: Path, capsys: Out) -> None:
    write_model(tmp_path, data, "one", even(0.8, 2))
    write_seed(tmp_path / "seed9.json", data, {"en": 0.8, "sw": 0.7}, limit=30, seed=9)
    words = ["leaderboard", "rank", str(tmp_path), "--data", str(data), "--origin", "run"]
    line = f"left out: toy seed 9: limited to 30 examples a split ({tmp_path}/seed9.json)"
    assert main(words) == 0
    assert capsys.readouterr().out.splitlines()[-1] == line
    assert main([*words, "--format", "csv"]) == 0
    shown = capsys.readouterr()
    assert shown.err.splitlines() == [line]
    assert len(shown.out.splitlines()) == 2


@pytest.mark.parametrize("make", [lambda p: p / "none", lambda p: p])
def test_no_results_end_with_3(tmp_path: Path, capsys: Out, make: Callable[[Path], Path]) -> None:
    assert main(["leaderboard", "rank", str(make(tmp_path))]) == 3
    assert capsys.readouterr().err.startswith("xlmr_bench: ")
