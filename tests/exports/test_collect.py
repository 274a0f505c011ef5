"""What is exported: seeds summed up, and what is refused or marked."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from samples import REPOSITORY

from xlmr_bench.benchmarks import find_benchmark
from xlmr_bench.errors import DataError, UsageError
from xlmr_bench.exports.collect import Entry, Result, collect, score_signature

Write = Callable[..., Path]


def entry(result: Result, name: str, split: str = "test") -> Entry:
    return next(e for e in result.entries if (e.split, e.name) == (split, name))


def test_seeds_give_their_mean_and_sample_standard_deviation(write: Write, runs: Path) -> None:
    for seed, value in enumerate((0.7, 0.8, 0.75), 1):
        write({"en": value, "sw": 0.5}, seed=seed)
    (result,) = collect([runs])
    english = entry(result, "en")
    assert english.value == pytest.approx(0.75)
    assert english.std == pytest.approx(0.05)
    assert english.values == (0.7, 0.8, 0.75)
    average = entry(result, "mean")
    assert (average.column, average.columns, average.value) == (None, 2, pytest.approx(0.625))


def test_glue_is_summed_up_by_the_median(write: Write, runs: Path) -> None:
    for seed, value in enumerate((0.6, 0.9, 0.7), 1):
        write({"RTE": value}, seed=seed, benchmark="glue", splits=("dev",), protocol="each", selection="per-language")
    (result,) = collect([runs])
    assert (result.summary, entry(result, "RTE", "dev").value) == ("median", 0.7)


def test_there_is_one_entry_a_column_metric_and_split_and_one_an_average(write: Write, runs: Path) -> None:
    write({"en": 0.9, "de": 0.7}, benchmark="ner", protocol="all")
    (result,) = collect([runs])
    keys = [(e.split, e.name, e.metric) for e in result.entries]
    assert len(keys) == len(set(keys)) == 2 * (2 * 3 + 1)
    assert entry(result, "de").data_sha256 == "test-de-digest"


def test_a_column_that_was_tested_on_a_translation_has_the_digest_of_that(write: Write, runs: Path) -> None:
    splits = [{"role": "translate-test", "language": "sw", "n": 1, "sha256": "machine", "official": True}]
    splits += [{**splits[0], "role": role, "sha256": role} for role in ("test", "dev")]
    data = {"name": "files", "official": True, "splits": splits}
    write({"sw": 0.7}, protocol="translate-test", selection="english", data=data)
    (result,) = collect([runs])
    assert (entry(result, "sw").data_sha256, entry(result, "sw", "dev").data_sha256) == ("machine", "dev")


def test_each_column_has_the_signature_of_its_own_metric(write: Write, runs: Path) -> None:
    about = {"benchmark": "glue", "splits": ("dev",), "protocol": "each", "selection": "per-language"}
    write({"MRPC": 0.8, "STS-B": 0.7, "RTE": 0.6}, **about)
    (result,) = collect([runs])
    by_metric = {(e.name, e.metric): e.signature.split("|")[0] for e in result.entries}
    assert by_metric["STS-B", "pearson"] == "pearson"
    assert by_metric["MRPC", "f1"] == "f1"  # which enters no average
    assert by_metric["partial", "score"] == "accuracy"


def test_a_signature_of_another_scorer_version_is_not_made_up(write: Write) -> None:
    about = {"benchmark": "glue", "splits": ("dev",), "protocol": "each", "selection": "per-language"}
    record = json.loads(write({"MRPC": 0.8, "STS-B": 0.7}, **about).read_text())
    benchmark = find_benchmark("glue")
    assert score_signature(record, benchmark, "dev", "MRPC", "f1").startswith("f1|")
    for aggregate in record["aggregate"]:
        aggregate["signature"] = aggregate["signature"].replace("version:1", "version:0")
    assert score_signature(record, benchmark, "dev", "MRPC", "f1") == "not recorded"


@pytest.mark.parametrize(
    ("changes", "mark"),
    [
        ({"limited": 50}, "LIMITED to 50 examples a split"),
        ({"status": "collapsed", "notes": ["one class"]}, "COLLAPSED seed 1: one class"),
        ({"official": False}, "NOT THE PUBLISHED DATA: en dev (3 of 4 examples), en test (3 of 4 examples)"),
        ({"official": None}, "NOT THE PUBLISHED DATA: data set 'files'"),
    ],
)
def test_what_is_no_result_is_refused_and_with_any_marked(
    write: Write, runs: Path, changes: dict[str, Any], mark: str
) -> None:
    path = write({"en": 0.7}, **changes)
    with pytest.raises(UsageError) as e:
        collect([runs])
    assert f"{path}: {mark}" in str(e.value)
    assert "--any" in str(e.value)
    (result,) = collect([runs], anything=True)
    assert result.marks == (mark,)


def test_a_collapsed_seed_is_counted_and_not_in_the_mean(write: Write, runs: Path) -> None:
    write({"en": 0.7}, seed=1)
    write({"en": 0.3}, seed=2, status="collapsed", notes=["one class"])
    (result,) = collect([runs], anything=True)
    assert entry(result, "en").values == (0.7,)
    assert [r["seed"] for r in result.collapsed] == [2]


def test_where_all_seeds_collapsed_they_are_what_there_is(write: Write, runs: Path) -> None:
    write({"en": 0.3}, status="collapsed", notes=["one class"])
    (result,) = collect([runs], anything=True)
    assert (entry(result, "en").value, result.collapsed) == (0.3, ())


def test_published_numbers_are_not_ours_to_export_not_even_with_any() -> None:
    with pytest.raises(UsageError, match="published numbers"):
        collect([REPOSITORY / "leaderboards" / "paper" / "XLM-R" / "xnli"], anything=True)


def test_a_seed_may_be_there_once(write: Write, runs: Path, tmp_path: Path) -> None:
    copy = tmp_path / "runs" / "copy" / "seed1.json"
    copy.parent.mkdir(parents=True)
    copy.write_bytes(write({"en": 0.7}).read_bytes())
    with pytest.raises(UsageError, match="seed 1 is there twice"):
        collect([runs])


def test_naming_a_folder_and_its_file_exports_the_file_once(
    write: Write, runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write({"en": 0.7})
    monkeypatch.chdir(runs.parent)
    (result,) = collect([Path(runs.name), path])
    assert len(result.records) == 1


def test_seeds_of_two_scorers_have_no_mean(write: Write, runs: Path) -> None:
    write({"en": 0.7}, seed=1)
    path = write({"en": 0.7}, seed=2)
    path.write_text(path.read_text().replace("version:1", "version:2"))
    with pytest.raises(UsageError, match="different scorers"):
        collect([runs])


def test_results_of_other_settings_are_other_results(write: Write, runs: Path) -> None:
    write({"en": 0.7}, seed=1)
    write({"en": 0.8}, seed=2, config={"preset": "paper", "languages": ["en"]})
    assert len(collect([runs])) == 2


def test_a_folder_without_records_is_explained(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no result records below"):
        collect([tmp_path])
