"""Records: validated both ways, one file each, told apart by what decides a result."""

from __future__ import annotations

import copy
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from samples import REPOSITORY, result_record

from xlmr_bench.errors import DataError, UsageError, XlmrBenchError
from xlmr_bench.results import (
    existing,
    find_records,
    identity,
    identity_digest,
    read_record,
    record_path,
    write_record,
)

Change = Callable[[dict[str, Any]], object]


def changed(change: Change) -> dict[str, Any]:
    record = copy.deepcopy(result_record())
    change(record)
    return record


def test_a_record_comes_back_as_it_was_written(tmp_path: Path) -> None:
    path = record_path(tmp_path, "toy", "xnli", "transfer", "joint", 3)
    assert path == tmp_path / "toy" / "xnli" / "transfer" / "joint" / "seed3.json"
    record = result_record(seed=3, limited=10, status="collapsed", notes=["fine-tuning en, step 5: chance"])
    write_record(path, record)
    assert read_record(path) == record


VIOLATIONS: dict[str, tuple[Change, str]] = {
    "a missing part": (lambda r: r.pop("scores"), "'scores' is a required property"),
    "an unknown part": (lambda r: r.update(extra=1), "'extra' was unexpected"),
    "an unknown selection rule": (lambda r: r.update(selection="oracle"), "selection: 'oracle' is not one of"),
    "an unknown status": (lambda r: r.update(status="fine"), "status: 'fine' is not one of"),
    "another schema": (lambda r: r.update(schema_version=2), "schema_version: 1 was expected"),
    "a score in percent": (lambda r: r["scores"][0].update(value=75.0), r"scores\.0\.value: 75\.0 is greater than"),
    "a score below -1": (lambda r: r["aggregate"][0].update(value=-2), r"aggregate\.0\.value: -2 is less than"),
    "a score that is text": (lambda r: r["scores"][1].update(value="0.5"), r"scores\.1\.value: '0\.5' is not of type"),
    "a negative count": (lambda r: r["scores"][0].update(truncated=-1), r"scores\.0\.truncated: -1 is less than"),
    "half an interval": (lambda r: r["scores"][0].update(ci95=[0.5]), r"scores\.0\.ci95: \[0\.5\] is not valid"),
    "no scores": (lambda r: r.update(scores=[]), r"scores: \[\] .*(non-empty|too short)"),
    "a limit of zero": (lambda r: r.update(limited=0), "limited: 0 is less than"),
    "a model without weights": (lambda r: r["model"].pop("weights_sha256"), "model: 'weights_sha256' is a required"),
    "a split of no table": (
        lambda r: r["scores"][0].update(split="train"),
        r"scores\.0\.split: 'train'",
    ),
}


@pytest.mark.parametrize("name", VIOLATIONS)
def test_a_violation_of_the_schema_is_refused_on_writing_and_on_reading(tmp_path: Path, name: str) -> None:
    change, words = VIOLATIONS[name]
    record, path = changed(change), tmp_path / "seed1.json"
    with pytest.raises(XlmrBenchError, match=rf"refusing to write .*seed1\.json: .*{words}"):
        write_record(path, record)
    assert not path.exists()
    path.write_text(json.dumps(record))
    with pytest.raises(DataError, match=rf"seed1\.json is not a valid result record: .*{words}"):
        read_record(path)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
@pytest.mark.parametrize(
    "place",
    [
        lambda r, v: r["scores"][0].update(value=v),
        lambda r, v: r["aggregate"][0].update(ci95=[v, 1.0]),
        lambda r, v: r["config"].update(clip_norm=v),
    ],
)
def test_what_is_no_number_is_refused_on_writing_and_on_reading(tmp_path: Path, value: float, place: Any) -> None:
    record, path = changed(lambda r: place(r, value)), tmp_path / "seed1.json"
    with pytest.raises(XlmrBenchError, match=r"refusing to write .*seed1\.json"):
        write_record(path, record)
    assert not path.exists()
    path.write_text(json.dumps(record))
    with pytest.raises(DataError, match=r"seed1\.json"):
        read_record(path)


@pytest.mark.parametrize("content", [b"", b"{", b"\xff", b"[]", b"null"])
def test_a_file_that_is_no_record_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "seed1.json").write_bytes(content)
    with pytest.raises(DataError, match=r"seed1\.json is not a (readable|valid result) record"):
        read_record(tmp_path / "seed1.json")


def test_a_record_that_is_not_there_and_a_folder_are_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"there is no record .*none\.json"):
        read_record(tmp_path / "none.json")
    with pytest.raises(DataError, match="is not a readable record"):
        read_record(tmp_path)
    with pytest.raises(DataError, match="there is no record file or folder"):
        list(find_records(tmp_path / "none"))


def test_records_are_found_below_a_folder_in_order_and_unfinished_work_is_not(tmp_path: Path) -> None:
    for seed in (2, 1, 3):
        write_record(tmp_path / "toy" / f"seed{seed}.json", result_record(seed=seed))
    (tmp_path / ".work").mkdir()
    (tmp_path / ".work" / "seed4.json").write_text("half")
    (tmp_path / "models" / "seed1").mkdir(parents=True)
    (tmp_path / "models" / "seed1" / "config.json").write_text("{}")
    (tmp_path / "toy" / "seed1.predictions.parquet").write_text("no record")
    assert [r["seed"] for _, r in find_records(tmp_path)] == [1, 2, 3]
    assert [r["seed"] for _, r in find_records(tmp_path / "toy" / "seed2.json")] == [2]


SAME: dict[str, Change] = {
    "timing": lambda r: r.update(timing={"seconds": 5}),
    "provenance": lambda r: r.update(provenance={"git_commit": "abc"}),
    "the model's name": lambda r: r["model"].update(name="other"),
    "scores": lambda r: r["scores"][0].update(value=0.5),
    "the order of the splits": lambda r: r["data"]["splits"].reverse(),
}
OTHER: dict[str, tuple[Change, str]] = {
    "weights": (lambda r: r["model"].update(weights_sha256="w2"), "model.weights_sha256 was w, is now w2"),
    "tokenizer": (lambda r: r["model"].update(tokenizer_sha256="t2"), "model.tokenizer_sha256 was t, is now t2"),
    "data": (lambda r: r["data"]["splits"][1].update(sha256="sw2"), "data.test/sw was sw-data, is now sw2"),
    "a split more": (
        lambda r: r["data"]["splits"].append({**r["data"]["splits"][0], "role": "dev"}),
        "data.dev/en was None, is now en-data",
    ),
    "settings": (lambda r: r["config"].update(learning_rate=2e-5), "config.learning_rate was 0.001, is now 2e-05"),
    "limit": (lambda r: r.update(limited=7), "limited was None, is now 7"),
}


@pytest.mark.parametrize("name", SAME)
def test_what_does_not_decide_a_result_is_not_part_of_its_identity(tmp_path: Path, name: str) -> None:
    wanted, path = changed(SAME[name]), tmp_path / "seed1.json"
    assert identity(wanted) == identity(result_record())
    assert identity_digest(wanted) == identity_digest(result_record())
    write_record(path, result_record())
    assert existing(path, wanted) == result_record()


@pytest.mark.parametrize("name", OTHER)
def test_a_record_of_another_identity_is_never_taken_for_ours_and_the_difference_is_listed(
    tmp_path: Path, name: str
) -> None:
    change, words = OTHER[name]
    write_record(tmp_path / "seed1.json", result_record())
    with pytest.raises(UsageError) as caught:
        existing(tmp_path / "seed1.json", changed(change))
    assert f"belongs to another run: {words}. Choose another --output or --name" in str(caught.value)
    assert identity_digest(changed(change)) != identity_digest(result_record())


def test_all_differences_are_listed(tmp_path: Path) -> None:
    write_record(tmp_path / "seed1.json", result_record())
    wanted = changed(lambda r: [OTHER[name][0](r) for name in ("weights", "settings", "limit")])
    with pytest.raises(UsageError, match=r"config\.learning_rate was .*; limited was .*; model\.weights_sha256 was "):
        existing(tmp_path / "seed1.json", wanted)


def test_where_there_is_no_record_none_exists(tmp_path: Path) -> None:
    assert existing(tmp_path / "seed1.json", result_record()) is None


def test_runs_that_differ_only_in_seed_or_protocol_work_in_different_places() -> None:
    digests = {
        identity_digest(result_record(seed=s, protocol=p)) for s in (1, 2) for p in ("transfer", "translate-test")
    }
    assert len(digests) == 4


WRITE = """
import sys
from pathlib import Path
sys.path.insert(0, "tests")
from samples import result_record
from xlmr_bench.results import write_record
for seed in range(int(sys.argv[2]), 40, 2):
    write_record(Path(sys.argv[1]) / "toy" / f"seed{seed}.json", result_record(seed=seed))
    write_record(Path(sys.argv[1]) / "toy" / "shared.json", result_record(seed=seed))
"""


def test_two_processes_writing_into_one_folder_lose_nothing(tmp_path: Path) -> None:
    started = [subprocess.Popen([sys.executable, "-c", WRITE, str(tmp_path), str(i)], cwd=REPOSITORY) for i in range(2)]
    assert [p.wait(timeout=60) for p in started] == [0, 0]
    records = {path.name: record["seed"] for path, record in find_records(tmp_path)}
    assert records.pop("shared.json") in (38, 39)
    assert records == {f"seed{i}.json": i for i in range(40)}
    assert [p.name for p in (tmp_path / "toy").iterdir() if p.name.startswith(".")] == []
