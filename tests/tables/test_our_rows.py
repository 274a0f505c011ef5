"""Our results beside the paper's: in the right section, as means with their spread, and what is left out is listed."""

from __future__ import annotations

from pathlib import Path

import pytest
from tabled import run_record, write_run

from xlmr_bench.benchmarks.glue import TABLE as TASKS
from xlmr_bench.benchmarks.mlqa_official import MLQA_LANGUAGES
from xlmr_bench.errors import DataError
from xlmr_bench.languages import CONLL_LANGUAGES, XNLI_LANGUAGES
from xlmr_bench.tables import build
from xlmr_bench.tables.sheet import Row, Sheet
from xlmr_bench.tables.table5 import LANGUAGES as SEVEN


def xnli(value: float) -> dict[str, float]:
    """Every language has this accuracy, and so their mean."""
    return dict.fromkeys(XNLI_LANGUAGES, value)


def own(sheet: Sheet) -> list[Row]:
    return [row for row in sheet.rows if row.origin == "run"]


def only(sheet: Sheet) -> Row:
    (row,) = own(sheet)
    return row


def test_seeds_are_averaged_with_their_sample_standard_deviation(tmp_path: Path) -> None:
    paths = [
        write_run(tmp_path, run_record("xnli", "transfer", xnli(v), seed=s)) for s, v in ((1, 0.8), (2, 0.7), (3, 0.6))
    ]
    sheet = build(1, tmp_path)
    row = only(sheet)
    # Mean .70; squared deviations .01, 0, .01 over n - 1 = 2 give a standard deviation of .10.
    for key in ("en", "ur", "avg"):
        cell = sheet.cell(row, key)
        assert (cell.value, cell.spread, cell.spread_of) == (pytest.approx(0.7), pytest.approx(0.1), "sd")
    assert (row.seeds, row.records) == (3, tuple(map(str, paths)))


def test_one_seed_has_half_its_interval_as_spread(tmp_path: Path) -> None:
    write_run(tmp_path, run_record("xnli", "transfer", xnli(0.8)))
    sheet = build(1, tmp_path)
    row = only(sheet)
    assert row.seeds == 1
    # The helper's intervals are ± .02 of a language and ± .01 of the mean.
    assert (sheet.cell(row, "en").spread, sheet.cell(row, "en").spread_of) == (pytest.approx(0.02), "ci")
    assert (sheet.cell(row, "avg").spread, sheet.cell(row, "avg").spread_of) == (pytest.approx(0.01), "ci")


def test_glue_is_summed_up_by_medians_with_mnli_counted_once(tmp_path: Path) -> None:
    for seed, mrpc in enumerate((0.5, 0.9, 0.8), 1):
        values = {**dict.fromkeys(TASKS, 0.9), "MNLI-m": 0.6, "MNLI-mm": 0.8, "MRPC": mrpc}
        write_run(tmp_path, run_record("glue", "each", values, selection="per-language", seed=seed))
    sheet = build(4, tmp_path)
    row = only(sheet)
    assert sheet.cell(row, "MRPC").value == 0.8
    # MNLI is .7 by half its columns: (.7 + 4 x .9 + .8) / 6 of the third seed, which is the middle one.
    assert sheet.cell(row, "avg").value == pytest.approx(5.1 / 6)
    assert "medians over seeds" in sheet.remarks[0]


def test_each_protocol_is_in_its_section_after_the_papers_rows(tmp_path: Path) -> None:
    for protocol, rule in (("translate-train-all", "joint"), ("translate-test", "english"), ("transfer", "joint")):
        write_run(tmp_path, run_record("xnli", protocol, xnli(0.5), selection=rule))
    sheet = build(1, tmp_path)
    assert {s.key: [row.origin for row in s.rows] for s in sheet.sections} == {
        "transfer": ["paper"] * 7 + ["run"],
        "translate-test": ["paper"] * 2 + ["run"],
        "translate-train": ["paper"],
        "translate-train-all": ["paper"] * 5 + ["run"],
    }
    assert sheet.sections[0].rows[-1].id.startswith("run.toy.transfer.joint.")


def test_selection_rules_are_rows_of_their_own_told_by_the_number_of_models(tmp_path: Path) -> None:
    for rule in ("english", "per-language", "joint"):
        write_run(tmp_path, run_record("xnli", "transfer", xnli(0.5), selection=rule))
    sheet = build(1, tmp_path)
    assert [sheet.cell(row, "n_models").value for row in own(sheet)] == ["1", "N", "1 (en dev)"]
    assert {row.standing for row in own(sheet)} == {()}


def test_where_the_paper_has_no_number_of_models_the_rule_stands_at_the_name(tmp_path: Path) -> None:
    values = dict.fromkeys(MLQA_LANGUAGES, (0.6, 0.4))
    for rule in ("joint", "english"):
        write_run(tmp_path, run_record("mlqa", "transfer", values, selection=rule))
    assert [row.standing for row in own(build(3, tmp_path))] == [("joint dev",), ("English dev",)]


def test_both_metrics_of_mlqa_are_there_with_their_averages(tmp_path: Path) -> None:
    values = dict.fromkeys(MLQA_LANGUAGES, (0.6, 0.4)) | {"en": (0.95, 0.75)}
    write_run(tmp_path, run_record("mlqa", "transfer", values, selection="english"))
    sheet = build(3, tmp_path)
    row = only(sheet)
    assert [sheet.cell(row, key).value for key in ("en.f1", "en.em", "zh.f1", "zh.em")] == [0.95, 0.75, 0.6, 0.4]
    # (6 x .6 + .95) / 7 and (6 x .4 + .75) / 7.
    assert sheet.cell(row, "avg.f1").value == pytest.approx(0.65)
    assert sheet.cell(row, "avg.em").value == pytest.approx(0.45)


@pytest.mark.parametrize(("protocol", "train"), [("transfer", "en"), ("each", "each"), ("all", "all")])
def test_table_2_calls_the_training_sets_as_the_paper_does(tmp_path: Path, protocol: str, train: str) -> None:
    values = dict.fromkeys(CONLL_LANGUAGES, 0.5)
    write_run(tmp_path, run_record("ner", protocol, values, selection="per-language"))
    sheet = build(2, tmp_path)
    assert sheet.cell(only(sheet), "train").value == train


def test_a_missing_language_is_absent_and_there_is_no_average(tmp_path: Path) -> None:
    write_run(tmp_path, run_record("xnli", "transfer", {"en": 0.8, "sw": 0.6}))
    sheet = build(1, tmp_path)
    row = only(sheet)
    assert [sheet.cell(row, key).value for key in ("en", "fr", "sw", "avg")] == [0.8, None, 0.6, None]
    assert row.notes == ("no average over 2 of 15 columns",)


def test_what_is_known_of_a_model_is_shown_and_the_rest_is_absent(tmp_path: Path) -> None:
    record = run_record("xnli", "transfer", dict.fromkeys(SEVEN, 0.5))
    record["model"] |= {"config": {"vocab_size": 250002}}
    write_run(tmp_path, record)
    one, five = build(1, tmp_path), build(5, tmp_path)
    assert [one.cell(only(one), key).value for key in ("D", "n_langs")] == [None, None]
    assert [five.cell(only(five), key).value for key in ("D", "vocab")] == [None, "250k"]


def test_limited_runs_are_left_out_with_the_reason(tmp_path: Path) -> None:
    paths = [write_run(tmp_path, run_record("xnli", "transfer", xnli(0.8), seed=s, limited=30)) for s in (1, 2)]
    for any_data in (False, True):
        sheet = build(1, tmp_path, any_data=any_data)
        assert own(sheet) == []
        (entry,) = sheet.left_out
        assert (entry.results, entry.reason) == (
            "toy, transfer, joint dev, seed 1, 2",
            "limited to 30 examples a split",
        )
        assert entry.records == tuple(map(str, paths))


def test_runs_on_other_data_are_left_out_with_the_reason(tmp_path: Path) -> None:
    record = run_record("xnli", "transfer", xnli(0.8), official=False)
    split = {"role": "train", "language": "en", "n": 5, "sha256": "x", "official": False}
    record["data"]["splits"] = [{**split, "deviation": "5 of 392,702 examples"}]
    write_run(tmp_path, record)
    write_run(tmp_path, run_record("xnli", "transfer", xnli(0.8), official=None, name="unknown"))
    sheet = build(1, tmp_path)
    assert own(sheet) == []
    assert sheet.remarks == ()
    assert [entry.reason for entry in sheet.left_out] == [
        "not on the published data (en train: 5 of 392,702 examples)",
        "not on the published data (files)",
    ]


def test_runs_on_other_data_are_shown_where_asked_for_and_marked(tmp_path: Path) -> None:
    write_run(tmp_path, run_record("xnli", "transfer", xnli(0.8), official=None))
    sheet = build(1, tmp_path, any_data=True)
    row = only(sheet)
    assert sheet.left_out == ()
    assert (row.standing, row.notes) == (("other data",), ("not on the published data: files",))


def test_collapsed_seeds_are_shown_apart_and_marked(tmp_path: Path) -> None:
    for seed, value in ((1, 0.8), (2, 0.7)):
        write_run(tmp_path, run_record("xnli", "transfer", xnli(value), seed=seed))
    write_run(tmp_path, run_record("xnli", "transfer", xnli(1 / 3), seed=3, status="collapsed", notes=["one class"]))
    sheet = build(1, tmp_path)
    good, bad = own(sheet)
    assert sheet.cell(good, "avg").value == pytest.approx(0.75)
    assert (good.seeds, good.standing) == (2, ())
    assert good.notes == ("seeds that collapsed are not in this mean: 1 of 3",)
    assert sheet.cell(bad, "avg").value == pytest.approx(1 / 3)
    assert (bad.seeds, bad.standing, bad.notes) == (1, ("collapsed",), ("seed 3 collapsed: one class",))
    assert bad.id == f"{good.id}.collapsed"


def test_a_copied_record_counts_once(tmp_path: Path) -> None:
    record = run_record("xnli", "transfer", xnli(0.8))
    kept = write_run(tmp_path / "a", record)
    write_run(tmp_path / "b", record)
    sheet = build(1, tmp_path)
    assert only(sheet).seeds == 1
    assert [entry.reason for entry in sheet.left_out] == [f"the same run as {kept}, which is counted"]


def test_runs_of_other_settings_or_weights_are_not_averaged(tmp_path: Path) -> None:
    first, second, third = (run_record("xnli", "transfer", xnli(0.8), seed=s) for s in (1, 2, 3))
    second["config"]["learning_rate"] = 5e-6
    third["model"]["weights_sha256"] = "other"
    for place, record in zip("abc", (first, second, third), strict=True):
        write_run(tmp_path / place, record)
    rows = own(build(1, tmp_path))
    assert [row.seeds for row in rows] == [1, 1, 1]
    assert len({row.id for row in rows}) == 3


def test_results_of_other_benchmarks_and_of_the_paper_are_no_runs_of_a_table(tmp_path: Path) -> None:
    write_run(tmp_path, run_record("ner", "transfer", dict.fromkeys(CONLL_LANGUAGES, 0.5)))
    write_run(tmp_path, run_record("xnli", "transfer", xnli(0.8), origin="paper", name="printed"))
    sheet = build(1, tmp_path)
    assert (own(sheet), sheet.left_out) == ([], ())


def test_a_protocol_that_the_paper_has_no_row_of_is_listed(tmp_path: Path) -> None:
    write_run(tmp_path, run_record("ner", "translate-train", dict.fromkeys(CONLL_LANGUAGES, 0.5)))
    sheet = build(2, tmp_path)
    assert own(sheet) == []
    assert [e.reason for e in sheet.left_out] == ["the table has no section for translate-train on 4 columns"]


def test_table_5_takes_runs_on_its_seven_languages_and_models_of_one_language(tmp_path: Path) -> None:
    write_run(tmp_path, run_record("xnli", "transfer", dict.fromkeys(SEVEN, 0.5), name="seven"))
    write_run(tmp_path, run_record("xnli", "transfer", xnli(0.5), name="fifteen"))
    write_run(tmp_path, run_record("xnli", "translate-train", {"sw": 0.6}, selection="per-language", name="bert-sw"))
    write_run(tmp_path, run_record("xnli", "translate-train", {"hi": 0.6}, selection="per-language", name="bert-hi"))
    sheet = build(5, tmp_path)
    named = {s.key: [sheet.cell(r, "model").value for r in s.rows if r.origin == "run"] for s in sheet.sections}
    assert named == {
        "monolingual": ["bert-sw"],
        "multilingual transfer": ["seven"],
        "multilingual translate-train-all": [],
    }
    assert [e.reason for e in sheet.left_out] == [
        "the table has no section for translate-train on hi",
        "the table has no section for transfer on 15 columns",
    ]
    (seven,) = [row for row in own(sheet) if "seven" in row.id]
    assert sheet.cell(seven, "avg").value == pytest.approx(0.5)


def test_a_file_that_is_no_record_is_named(tmp_path: Path) -> None:
    path = write_run(tmp_path, run_record("xnli", "transfer", xnli(0.8)))
    path.write_text(path.read_text(encoding="utf-8")[:-20], encoding="utf-8")
    with pytest.raises(DataError, match=f"{path} is not a readable record"):
        build(1, tmp_path)


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no record file or folder"):
        build(1, tmp_path / "nowhere")
