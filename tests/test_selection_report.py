"""What each selection rule gives: from records made here, and from those of a real short run."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from made_results import write_seed
from samples import write_world

from xlmr_bench.cli import main
from xlmr_bench.errors import DataError, NotComparableError
from xlmr_bench.report import column_values, headline
from xlmr_bench.results import find_records, read_record, record_path, write_record
from xlmr_bench.selection_report import ORACLE, RunReport, selection_report

Out = pytest.CaptureFixture[str]
# Rule -> accuracy by language and the step that it chose there.
SCORES: dict[str, dict[str, tuple[float, int]]] = {
    "joint": {"en": (0.80, 20), "sw": (0.70, 20)},
    "english": {"en": (0.95, 40), "sw": (0.60, 40)},
    "per-language": {"en": (0.85, 30), "sw": (0.65, 10)},
}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_world(tmp_path_factory.mktemp("rules") / "data")


def write_rules(output: Path, data: Path, seed: int, **changes: Any) -> Path:
    """The records of all rules of one seed; returns the folder of the protocol."""
    tuning = {"name": "en", "history": [{"step": s, "dev": {}} for s in (10, 20, 30, 40, 50)]}
    for rule, columns in SCORES.items():
        selected = [{"fine_tuning": "en", "language": c, "step": step} for c, (_, step) in columns.items()]
        path = record_path(output, "m", "xnli", "transfer", rule, seed)
        right = {c: accuracy for c, (accuracy, _) in columns.items()}
        about = {"selection": rule, "seed": seed, "selected": selected, "fine_tunings": [tuning], **changes}
        write_seed(path, data, right, draw=100 * seed + len(rule), **about)
    return path.parents[1]


def report_of(place: Path) -> RunReport:
    (report,) = selection_report(place)
    return report


def test_every_rule_of_a_seed_is_found_from_any_of_its_records(data: Path, tmp_path: Path) -> None:
    folder = write_rules(tmp_path, data, 1)
    reports = [report_of(p) for p in (tmp_path, folder, folder / "english", folder / "english" / "seed1.json")]
    assert all(r == reports[0] for r in reports)
    (seed,) = reports[0].seeds
    assert set(seed.scores) == {"joint", "english", "per-language", ORACLE}
    for rule in SCORES:
        record = read_record(folder / rule / "seed1.json")
        assert seed.scores[rule] == {**column_values(record), "avg": headline(record)["value"]}


def test_the_oracle_is_the_best_by_column_among_the_selected_and_says_how_many_those_are(
    data: Path, tmp_path: Path
) -> None:
    (seed,) = report_of(write_rules(tmp_path, data, 1)).seeds
    for code in ("en", "sw"):
        assert seed.scores[ORACLE][code] == max(seed.scores[rule][code] for rule in SCORES)
    assert seed.scores[ORACLE]["avg"] == pytest.approx((seed.scores[ORACLE]["en"] + seed.scores[ORACLE]["sw"]) / 2)
    assert all(seed.scores[ORACLE]["avg"] >= seed.scores[rule]["avg"] for rule in SCORES)
    assert (seed.tested, seed.evaluated) == (4, 5)
    assert seed.steps["per-language"] == {"en": ("en", 30), "sw": ("en", 10)}


def test_seeds_are_averaged_without_those_that_collapsed(data: Path, tmp_path: Path) -> None:
    for seed in (1, 2):
        write_rules(tmp_path, data, seed)
    write_rules(tmp_path, data, 3, status="collapsed", notes=["chance"])
    report = report_of(tmp_path)
    assert [s.collapsed for s in report.seeds] == [None, None, "chance"]
    one, two, _ = report.seeds
    for rule in (*SCORES, ORACLE):
        assert report.values[rule]["sw"] == pytest.approx((one.scores[rule]["sw"] + two.scores[rule]["sw"]) / 2)
        spread = abs(one.scores[rule]["avg"] - two.scores[rule]["avg"]) / 2**0.5
        assert report.std[rule] == pytest.approx(spread)


def test_records_of_other_runs_beside_each_other_are_refused(data: Path, tmp_path: Path) -> None:
    folder = write_rules(tmp_path, data, 1)
    path = folder / "english" / "seed1.json"
    record = read_record(path)
    other_settings = {"config": {**record["config"], "learning_rate": 0.5}}
    other_training = {"fine_tunings": [{"name": "en", "history": []}]}
    for changed in (other_settings, other_training):
        write_record(path, {**record, **changed})
        with pytest.raises(NotComparableError, match=r"english/seed1.json is not of the same run"):
            selection_report(folder)
    write_rules(tmp_path, data, 1)
    write_rules(tmp_path, data, 2, config={"preset": "quick", "languages": ["en", "sw"], "learning_rate": 0.5})
    with pytest.raises(NotComparableError, match="seeds 1 and 2 of toy differ in more than the seed"):
        selection_report(folder)


def test_a_record_outside_its_folders_is_refused(data: Path, tmp_path: Path) -> None:
    write_seed(tmp_path / "a" / "b" / "seed1.json", data, {"en": 0.8, "sw": 0.7})
    with pytest.raises(DataError, match="holds no folders of selection rules"):
        selection_report(tmp_path)


def test_the_command_labels_the_oracle_as_a_bound(data: Path, tmp_path: Path, capsys: Out) -> None:
    folder = write_rules(tmp_path, data, 1)
    assert main(["selection", str(folder)]) == 0
    text = capsys.readouterr().out
    lines = text.splitlines()
    assert lines[1].split() == ["selected", "by", "avg", "vs", "joint", "±", "sd", "en", "sw"]
    assert [line.split("  ")[0] for line in lines[3:7]] == ["joint", "per-language", "english", "oracle (upper bound)"]
    assert "seed 1: 4 of 5 evaluated checkpoints tested (joint: en 20; per-language: en 10, en 30; " in text
    assert "an upper bound among those, and no result" in lines[-1]
    assert main(["selection", str(folder / "joint"), "--format", "json"]) == 0
    (report,) = json.loads(capsys.readouterr().out)
    assert lines[3].split()[1] == f"{100 * report['values']['joint']['avg']:.1f}"


def test_records_of_a_real_run_are_reported_ranked_and_not_different_by_rule(
    unbroken: Path, tmp_path: Path, capsys: Out
) -> None:
    assert main(["selection", str(unbroken), "--format", "json"]) == 0
    (report,) = json.loads(capsys.readouterr().out)
    (seed,) = report["seeds"]
    first = next(r for _, r in find_records(unbroken))
    assert seed["evaluated"] == len(first["fine_tunings"][0]["history"]) >= seed["tested"] >= 1
    best = {c: max(column_values(r)[c] for _, r in find_records(unbroken)) for c in report["columns"]}
    assert {c: seed["scores"]["oracle"][c] for c in best} == best

    # The same run as another model's, and the gold of the built-in miniature.
    shutil.copytree(unbroken, tmp_path / "again")
    for path, record in find_records(tmp_path / "again"):
        write_record(path, {**record, "model": {**record["model"], "name": "again"}, "status": "ok", "notes": []})
    assert (
        main(["leaderboard", "rank", str(tmp_path), "--selection", "joint", "--origin", "run", "--format", "json"]) == 0
    )
    (board,) = json.loads(capsys.readouterr().out)
    assert (board["data"], board["official"], len(board["rows"])) == ("miniature", None, 1)
    a, b = (next(place.rglob("joint/seed1.json")) for place in (unbroken, tmp_path / "again"))
    assert main(["compare", str(a), str(b), "--format", "json"]) == 0
    assert {(r["difference"], r["p"]) for r in json.loads(capsys.readouterr().out)["rows"]} == {(0.0, 1.0)}
