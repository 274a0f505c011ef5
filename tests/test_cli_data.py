"""`data` and `score` in real processes: what they say of a folder and of prediction files."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from command_line import refused, xlmr_bench
from samples import gold, pair_rows, write_manifest, write_rows, write_world, xnli_rows

from xlmr_bench.benchmarks.base import Where
from xlmr_bench.benchmarks.xnli import XNLI
from xlmr_bench.predictions import write_predictions


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_world(tmp_path_factory.mktemp("world") / "data", rows=60)


def test_verify_ends_with_3_where_data_are_not_official_and_says_so_on_stderr(world: Path, tmp_path: Path) -> None:
    done = xlmr_bench("data", "verify", "xnli", world)
    assert done.returncode == 3
    lines = done.stdout.splitlines()
    assert sum("as in its manifest (toy)" in line for line in lines) == 2 + 2 + 1
    assert sum("WRONG" in line and "holds no rows of language" in line for line in lines) == 26
    assert done.stderr == "xlmr_bench: 26 splits are not the official data.\n"
    nothing = xlmr_bench("data", "verify", "xnli", tmp_path)
    assert nothing.returncode == 3
    assert nothing.stdout.count("MISSING") == 30
    write_rows(tmp_path / "multinli.train.en.tsv", pair_rows(9, "en"))
    subset = xlmr_bench("data", "verify", "xnli", tmp_path)
    assert subset.stdout.splitlines()[-1].endswith("9 of 392,702 examples")
    assert subset.stderr == "xlmr_bench: 31 splits are not the official data.\n"


def test_status_says_which_protocols_the_files_admit(world: Path) -> None:
    done = xlmr_bench("data", "status", "xnli", world)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        "dev               2 languages: en sw",
        "test              2 languages: en sw",
        "train             1 languages: en",
        "transfer: en sw",
        "translate-test: en",
        "translate-train: en",
        "translate-train-all: en",
    ]


def test_translate_test_needs_english_dev_alone(tmp_path: Path) -> None:
    write_world(tmp_path, rows=60)
    write_rows(tmp_path / "XNLI-1.0" / "xnli.dev.tsv", xnli_rows(60, ["en"]))
    write_rows(tmp_path / "sw.trans.test.tsv", [("premise", "hypo", "label"), *pair_rows(60, "en")])
    write_manifest(tmp_path)
    lines = xlmr_bench("data", "status", "xnli", tmp_path).stdout.splitlines()
    assert "translate-test: en sw" in lines
    assert "transfer: en" in lines


def predictions(folder: Path, world: Path, right: int, code: str = "sw") -> Path:
    """A tsv file with `right` correct predictions first and wrong ones after."""
    labels = XNLI.task_of("en").labels
    rows = [
        ("test", code, str(i + 1), gold(i) if i < right else labels[(labels.index(gold(i)) + 1) % 3]) for i in range(60)
    ]
    return write_rows(folder / f"{code}.tsv", [("split", "language", "id", "prediction"), *rows])


NO_TORCH = "import sys\nsys.modules.update(dict.fromkeys(('torch', 'sentencepiece', 'transformers', 'datasets')))"


def test_scoring_needs_no_torch_and_no_model(world: Path, tmp_path: Path) -> None:
    file = predictions(tmp_path, world, right=45)
    words = ("score", file, "--benchmark", "xnli", "--data", world)
    done = xlmr_bench(*words, before=NO_TORCH)
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[2].split()[:4] == ["test", "sw", "accuracy", "75.0"]
    assert lines[-1] == "accuracy|scorer:xlmr_bench|version:1"
    scored = json.loads(xlmr_bench(*words, "--format", "json").stdout)
    assert scored["scores"][0]["value"] == scored["aggregate"][0]["value"] == 0.75
    assert scored["scores"][0]["n"] == 60


def test_score_refuses_what_is_not_a_prediction_of_these_data(world: Path, tmp_path: Path) -> None:
    def score(rows: Sequence[tuple[str, ...]], code: int, *more: str) -> str:
        file = write_rows(tmp_path / "p.tsv", [("split", "language", "id", "prediction"), *rows])
        return refused(code, "score", file, "--data", world, *more)

    complete = [("test", "sw", str(i + 1), "neutral") for i in range(60)]
    xnli = ("--benchmark", "xnli")
    assert "does not say which benchmark it is of" in score(complete, 2)
    assert "unknown benchmark 'xnl'. Did you mean 'xnli'" in score(complete, 2, "--benchmark", "xnl")
    assert "59 predictions for 60 examples (first missing id: 60)" in score(complete[:-1], 3, *xnli)
    assert "is predicted twice" in score([*complete, complete[0]], 3, *xnli)
    wrong = [*complete[:-1], ("test", "sw", "60", "netural")]
    assert "prediction 'netural' is none of entailment, neutral, contradiction" in score(wrong, 3, *xnli)
    assert "holds no rows of language 'ur'" in score([("test", "ur", *row[2:]) for row in complete], 3, *xnli)
    unknown = [("validation", *row[1:]) for row in complete]
    assert "split 'validation'" in score(unknown, 3, *xnli)
    assert "holds no predictions" in score([], 3, *xnli)


def test_score_refuses_gold_other_than_that_of_the_prediction_file(world: Path, tmp_path: Path) -> None:
    split = XNLI.read(Where((world,)), "test", "sw")
    columns = {
        "split": ["test"] * 60,
        "language": ["sw"] * 60,
        "id": [e.id for e in split.examples],
        "prediction": [e.label for e in split.examples],
    }
    about = {"benchmark": "xnli", "gold_sha256": {"test/sw": split.gold_digest}}
    write_predictions(tmp_path / "same.parquet", columns, about)
    assert xlmr_bench("score", tmp_path / "same.parquet", "--data", world).returncode == 0
    write_predictions(tmp_path / "other.parquet", columns, {**about, "gold_sha256": {"test/sw": "0" * 64}})
    message = refused(3, "score", tmp_path / "other.parquet", "--data", world)
    assert "was made for other 'sw' test data than these" in message
    assert "nothing was scored" in message


def test_score_knows_that_a_prediction_file_is_limited(world: Path, tmp_path: Path) -> None:
    columns = {"split": ["test"] * 6, "language": ["en"] * 6, "id": list("123456"), "prediction": [gold(0)] * 6}
    write_predictions(tmp_path / "p.parquet", columns, {"benchmark": "xnli", "limited": 6})
    done = xlmr_bench("score", tmp_path / "p.parquet", "--data", world, "--format", "json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["scores"][0]["n"] == 6
