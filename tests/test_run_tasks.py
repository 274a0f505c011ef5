"""Tags, answers, scores and pairs of tasks end to end on the miniature: records, scoring again, saved models."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from short_run import values

from xlmr_bench.answers import answer_statistics
from xlmr_bench.benchmarks import find_benchmark
from xlmr_bench.benchmarks.base import Benchmark
from xlmr_bench.cli import main
from xlmr_bench.device import Ranks
from xlmr_bench.examples import limited
from xlmr_bench.modeling.model import load_fine_tuned, open_source
from xlmr_bench.predict import predict_outputs
from xlmr_bench.request import locate, resolve
from xlmr_bench.results import read_record
from xlmr_bench.settings import override
from xlmr_bench.workload import load_workload, prepare

Run = Callable[..., Path]
LIMIT = "40"
SHORT = (
    *("--set", "epochs=0", "--set", "steps=6", "--set", "evaluate_every=1", "--set", "precision=fp32"),
    *("--set", "max_length=128", "--limit", LIMIT, "--seed", "1"),
)
FAST = ("--set", "learning_rate=2e-3")
# What is run: benchmark, protocol, columns, and the selection rule whose record is looked at.
CASES = {
    "ner": ("ner", "each", "en,de", "per-language"),
    "mlqa": ("mlqa", "transfer", "en,de,en-de", "joint"),
    "mlqa-translated": ("mlqa", "translate-test", "en,es", "english"),
    "glue": ("glue", "each", "MNLI-m,MNLI-mm,STS-B", "per-language"),
    "squad": ("squad", "each", "en", "per-language"),
    "xquad": ("xquad", "transfer", "en,es", "english"),
}


@pytest.fixture(scope="module")
def run(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A short run of a benchmark with saved models, once each; returns the folder of its protocol."""
    done: dict[str, Path] = {}

    def go(name: str) -> Path:
        if name not in done:
            benchmark, protocol, columns, _ = CASES[name]
            output = tmp_path_factory.mktemp(name)
            words = ["run", benchmark, "--model", str(model), "--protocol", protocol, "--languages", columns, *SHORT]
            assert main([*words, *FAST, "--output", str(output), "--save-models"]) == 0
            done[name] = output / "small" / benchmark / protocol
        return done[name]

    return go


def record_of(folder: Path, name: str) -> dict[str, Any]:
    return read_record(folder / CASES[name][3] / "seed1.json")


def file_of(folder: Path, name: str) -> Path:
    return folder / CASES[name][3] / "seed1.predictions.parquet"


def predictions_of(path: Path) -> dict[tuple[str, str], list[str]]:
    found: dict[tuple[str, str], list[str]] = {}
    for row in pq.read_table(path).to_pylist():
        found.setdefault((row["split"], row["language"]), []).append(row["prediction"])
    return found


@pytest.mark.parametrize("name", CASES)
def test_every_benchmark_ends_in_records_of_all_its_columns_and_metrics(run: Run, name: str) -> None:
    benchmark, _, columns, _ = CASES[name]
    check_record(record_of(run(name), name), find_benchmark(benchmark), columns.split(","))


def check_record(record: dict[str, Any], benchmark: Benchmark, columns: list[str]) -> None:
    tested = {s["language"]: s for s in record["scores"] if s["split"] == benchmark.tested}
    assert list(tested) == columns
    for code in columns:
        shown = [s["metric"] for s in record["scores"] if (s["split"], s["language"]) == (benchmark.tested, code)]
        assert len(shown) == len(benchmark.task_of(code).metrics)
    assert {s["n"] for s in record["scores"]} == {int(LIMIT)}
    assert {s["truncated"] for s in record["scores"]} == {0}


@pytest.mark.parametrize("name", CASES)
def test_scoring_the_predictions_again_gives_the_record(
    run: Run, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = run(name)
    capsys.readouterr()
    assert main(["score", str(file_of(folder, name)), "--format", "json"]) == 0
    again, record = json.loads(capsys.readouterr().out), record_of(folder, name)
    assert again["aggregate"] == record["aggregate"]
    keys = ("split", "language", "metric", "value", "ci95", "n")
    assert [[s[k] for k in keys] for s in again["scores"]] == [[s[k] for k in keys] for s in record["scores"]]


def test_one_model_serves_both_dev_sets_of_mnli_with_one_checkpoint(run: Run) -> None:
    folder = run("glue")
    record = record_of(folder, "glue")
    assert [t["name"] for t in record["fine_tunings"]] == ["MNLI-m", "STS-B"]
    chosen = {s["language"]: (s["fine_tuning"], s["step"]) for s in record["selected"]}
    assert chosen["MNLI-mm"] == chosen["MNLI-m"]
    assert chosen["MNLI-m"][0] == "MNLI-m"
    files = {s["language"]: s["files"] for s in record["data"]["splits"] if s["role"] == "dev"}
    assert (files["MNLI-m"], files["MNLI-mm"]) == (["dev_matched.tsv"], ["dev_mismatched.tsv"])
    history = record["fine_tunings"][0]["history"]
    assert all(set(entry["dev"]) == {"MNLI-m"} for entry in history), "the mismatched set has no say"
    at_selection = next(entry["dev"]["MNLI-m"] for entry in history if entry["step"] == chosen["MNLI-m"][1])
    scores = {s["language"]: s["value"] for s in record["scores"] if s["metric"] in ("accuracy", "pearson")}
    assert scores["MNLI-m"] == pytest.approx(at_selection)
    assert [(a["average"], a["metric"], a["languages"]) for a in record["aggregate"]] == [("partial", "score", 3)]
    mean = (scores["MNLI-m"] + scores["MNLI-mm"]) / 4 + scores["STS-B"] / 2
    assert record["aggregate"][0]["value"] == pytest.approx(mean)


def test_settings_of_single_tasks_are_recorded_beside_those_of_all(run: Run, model: Path, tmp_path: Path) -> None:
    assert "exceptions" not in record_of(run("glue"), "glue")["config"]
    words = ["run", "glue", "--model", str(model), "--tasks", "STS-B,RTE", "--preset", "paper", *SHORT]
    assert main([*words, *FAST, "--set", "batch_size=4", "--output", str(tmp_path)]) == 0
    record = read_record(tmp_path / "small" / "glue" / "each" / "per-language" / "seed1.json")
    assert record["config"]["batch_size"] == 4
    assert "exceptions" not in record["config"], "what was set by hand holds for all of them"
    assert main([*words, "--output", str(tmp_path / "own")]) == 0
    record = read_record(tmp_path / "own" / "small" / "glue" / "each" / "per-language" / "seed1.json")
    assert record["config"]["learning_rate"] == 1e-5
    assert record["config"]["exceptions"]["STS-B"] == {"batch_size": 16, "learning_rate": 2e-5}
    assert not record["config"]["exceptions"].get("RTE")


def test_a_task_with_a_length_of_its_own_is_encoded_at_that_length(model: Path) -> None:
    source = open_source(str(model))
    asked: dict[str, Any] = dict.fromkeys(("protocol", "preset", "seeds", "name"))
    request = resolve(
        **asked, benchmark="glue", model=str(model), languages="MNLI-m,MNLI-mm,STS-B", data=[], files=[], limit=30,
        assignments=["max_length=64"], output=Path("out"), device="cpu", save_models=False,
    )  # fmt: skip
    own = replace(request, assignments=(), preset=replace(request.preset, exceptions=(("MNLI-m", "max_length", 12),)))
    usual, shorter = (load_workload(r, source.tokenizer) for r in (request, own))
    for place in ("train", "dev", "test"):
        long, short = getattr(usual, place), getattr(shorter, place)
        for code in short:
            a, b = (x if place == "train" else x.encoded for x in (long[code], short[code]))
            assert (b.lengths.max() == 12 < a.lengths.max()) == code.startswith("MNLI"), (place, code)


def test_pairs_of_languages_are_averaged_beside_the_languages(run: Run) -> None:
    record = record_of(run("mlqa"), "mlqa")
    test = {(a["average"], a["metric"]): a for a in record["aggregate"] if a["split"] == "test"}
    assert [key[0] for key in test] == ["mean", "mean", "generalised", "generalised"]
    f1 = {s["language"]: s["value"] for s in record["scores"] if (s["split"], s["metric"]) == ("test", "f1")}
    assert test["mean", "f1"]["value"] == pytest.approx((f1["en"] + f1["de"]) / 2)
    assert test["generalised", "f1"]["value"] == pytest.approx(sum(f1.values()) / 3)


def test_translated_contexts_have_translated_gold(run: Run) -> None:
    record = record_of(run("mlqa-translated"), "mlqa-translated")
    roles = {(s["language"], s["role"]) for s in record["data"]["splits"]}
    assert roles == {("en", "train"), ("en", "dev"), ("en", "test"), ("es", "translate-test")}
    assert [t["language"] for t in record["translation"]] == ["es"]
    where, mlqa = locate([], []), find_benchmark("mlqa")
    listed = {s["language"]: s["gold_sha256"] for s in record["data"]["splits"] if s["role"] == "translate-test"}
    translated, original = (limited(mlqa.read(where, role, "es"), int(LIMIT)) for role in ("translate-test", "test"))
    assert listed["es"] == translated.gold_digest != original.gold_digest
    predicted = predictions_of(file_of(run("mlqa-translated"), "mlqa-translated"))["test", "es"]
    in_english = answer_statistics([e.answers for e in translated.examples], predicted, "en")[:, 0].mean()
    f1 = {s["language"]: s["value"] for s in record["scores"] if (s["split"], s["metric"]) == ("test", "f1")}
    assert f1["es"] == pytest.approx(in_english)


# --- saved models ---

SAVED = {"ner": ("each", "de"), "mlqa": ("transfer", "en-de"), "squad": ("each", "en"), "glue": ("each", "STS-B")}


def saved_model(folder: Path, name: str, column: str) -> Path:
    """The model that predicted a column."""
    chosen = next(s for s in record_of(folder, name)["selected"] if s["language"] == column)
    return folder / "models" / "seed1" / f"{chosen['fine_tuning']}-step{chosen['step']}"


@pytest.mark.parametrize("name", SAVED)
def test_a_saved_model_predicts_and_scores_as_its_run_did(
    run: Run, name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, column, target = run(name), SAVED[name][1], tmp_path / "again.parquet"
    words = ["predict", name, "--model", str(saved_model(folder, name, column)), "--languages", column]
    assert main([*words, "--max-length", "128", "--limit", LIMIT, "--output", str(target)]) == 0
    split = find_benchmark(name).tested
    recorded = predictions_of(file_of(folder, name))
    assert len(set(recorded[split, column])) > 3, "a constant prediction would hide a mistake"
    assert predictions_of(target) == {(split, column): recorded[split, column]}
    capsys.readouterr()
    assert main(["score", str(target), "--format", "json"]) == 0
    again = {s["metric"]: s["value"] for s in json.loads(capsys.readouterr().out)["scores"]}
    scores = record_of(folder, name)["scores"]
    assert again == {s["metric"]: s["value"] for s in scores if (s["split"], s["language"]) == (split, column)}


def test_every_selected_checkpoint_is_saved_with_its_own_weights(run: Run, tmp_path: Path) -> None:
    folder = run("mlqa")
    places = {
        rule: read_record(folder / rule / "seed1.json")["selected"] for rule in ("joint", "per-language", "english")
    }
    chosen = {s["step"]: (rule, s["language"]) for rule, selected in places.items() for s in selected}
    saved = sorted(p.name for p in (folder / "models" / "seed1").iterdir())
    assert saved == sorted(f"en-step{step}" for step in chosen)
    assert len(chosen) > 1, "one checkpoint alone would hide that all models are the last one"
    for step, (rule, column) in chosen.items():
        target = tmp_path / f"{step}.parquet"
        words = [
            "predict",
            "mlqa",
            "--model",
            str(folder / "models" / "seed1" / f"en-step{step}"),
            "--output",
            str(target),
        ]
        assert main([*words, "--languages", column, "--max-length", "128", "--limit", LIMIT]) == 0
        recorded = predictions_of(folder / rule / "seed1.predictions.parquet")
        assert predictions_of(target)["test", column] == recorded["test", column]


@pytest.mark.parametrize("name", ["ner", "squad"])
def test_hugging_face_computes_the_same_with_a_saved_model(run: Run, name: str) -> None:
    transformers = pytest.importorskip("transformers")
    column = SAVED[name][1]
    folder, benchmark = saved_model(run(name), name, column), find_benchmark(name)
    source, task = open_source(str(folder)), benchmark.task_of(column)
    split = benchmark.read(locate([], []), benchmark.tested, column)
    settings = override(benchmark.presets[0].settings, ["max_length=128"])
    encoded = prepare(task, split, source.tokenizer, settings).encoded
    ours = predict_outputs(
        load_fine_tuned(source, task.head, task.labels, task.outputs), encoded, 1, Ranks(0, 1, torch.device("cpu"))
    )
    kinds = {"ner": transformers.XLMRobertaForTokenClassification, "squad": transformers.XLMRobertaForQuestionAnswering}
    theirs = kinds[name].from_pretrained(folder).eval()
    if task.labels:
        assert tuple(theirs.config.id2label.values()) == task.labels
    assert encoded.reads is not None
    rows = list(pairwise(encoded.output_offsets))
    for i in range(0, len(encoded), len(encoded) // 5):
        ids = torch.from_numpy(encoded.tokens[encoded.offsets[i] : encoded.offsets[i + 1]].astype(np.int64))[None]
        with torch.inference_mode():
            output = theirs(ids)
        logits = output.logits if name == "ner" else torch.stack([output.start_logits, output.end_logits], dim=-1)
        a, b = rows[i]
        np.testing.assert_allclose(ours[a:b], logits[0].numpy()[encoded.reads[a:b]], rtol=0, atol=1e-4)
    assert ours.std() > 0.1


def test_a_model_of_another_task_is_refused(run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ner = saved_model(run("ner"), "ner", "de")
    words = ["predict", "xnli", "--model", str(ner), "--languages", "en", "--output", str(tmp_path / "p.parquet")]
    assert main(words) == 2
    assert "no classifier for the labels entailment, neutral, contradiction (found: O, B-LOC" in capsys.readouterr().err
    score = saved_model(run("glue"), "glue", "STS-B")
    words = ["predict", "squad", "--model", str(score), "--output", str(tmp_path / "p.parquet")]
    assert main(words) in (2, 3)
    assert not (tmp_path / "p.parquet").exists()


def test_tasks_of_several_models_are_predicted_one_at_a_time(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["predict", "glue", "--model", "m", "--output", str(tmp_path / "p.parquet")]
    assert main(words) == 2
    assert "glue has a model a task. Name one with --tasks: MNLI-m, MRPC" in capsys.readouterr().err


def test_a_repeated_run_of_every_kind_does_nothing(run: Run, model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = run("ner")
    before = values(record_of(folder, "ner"))
    words = ["run", "ner", "--model", str(model), "--protocol", "each", "--languages", "en,de", *SHORT, *FAST]
    assert main([*words, "--output", str(folder.parents[2]), "--save-models"]) == 0
    assert "already in" in capsys.readouterr().err
    assert values(record_of(folder, "ner")) == before
