"""The main job end to end, on the miniature world, through the command line."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import torch
from short_run import LANGUAGES, SHORT, values

from xlmr_bench.benchmarks.xnli import XNLI
from xlmr_bench.cli import main
from xlmr_bench.device import Ranks
from xlmr_bench.files import sha256_of
from xlmr_bench.miniature import miniature_folder
from xlmr_bench.modeling.checkpoint import load_state, save_checkpoint
from xlmr_bench.modeling.encoder import initialise
from xlmr_bench.modeling.heads import SequenceHead
from xlmr_bench.modeling.model import build_model, open_source
from xlmr_bench.predict import predict_outputs
from xlmr_bench.request import locate
from xlmr_bench.results import read_record
from xlmr_bench.selection import Monitor
from xlmr_bench.settings import QUICK
from xlmr_bench.workload import prepare

Run = Callable[..., int]
ONE = Ranks(0, 1, torch.device("cpu"))


@pytest.fixture
def run(model: Path, tmp_path: Path) -> Run:
    """Run in this process, into tmp_path/out; returns the exit code."""

    def go(*words: str, languages: list[str] = LANGUAGES, settings: list[str] = SHORT) -> int:
        output = ["--output", str(tmp_path / "out")]
        return main(["run", "xnli", "--model", str(model), *languages, *settings, *output, *words])

    return go


def record(tmp_path: Path, protocol: str = "transfer", selection: str = "joint", seed: int = 1) -> dict[str, Any]:
    return read_record(tmp_path / "out" / "small" / "xnli" / protocol / selection / f"seed{seed}.json")


KEYS = {
    *("schema_version", "origin", "status", "limited", "benchmark", "protocol", "selection", "seed"),
    *("model", "data", "config", "scores", "aggregate", "predictions", "provenance", "timing"),
}


@pytest.mark.parametrize(
    ("protocol", "selections", "tunings"),
    [
        ("transfer", ["joint", "per-language", "english"], ["en"]),
        ("translate-test", ["english"], ["en"]),
        ("translate-train", ["per-language"], ["en", "zh", "sw"]),
        ("translate-train-all", ["joint", "per-language", "english"], ["all"]),
    ],
)
def test_every_protocol_ends_in_one_record_a_selection_rule(
    run: Run, tmp_path: Path, protocol: str, selections: list[str], tunings: list[str]
) -> None:
    assert run("--protocol", protocol) == 0
    found = sorted((tmp_path / "out" / "small" / "xnli" / protocol).glob("*/seed1.json"))
    assert sorted(selections) == [p.parent.name for p in found]
    for path in found:
        rec = read_record(path)
        assert rec.keys() >= KEYS
        assert list(values(rec)) == ["en", "zh", "sw"]
        assert [t["name"] for t in rec["fine_tunings"]] == tunings
        assert rec["aggregate"][-1]["value"] == pytest.approx(sum(values(rec).values()) / 3)
        assert all(
            s["ci95"][0] <= s["value"] <= s["ci95"][1] and s["n"] == 600 for s in rec["scores"] if s["split"] == "test"
        )
    assert not list((tmp_path / "out" / ".work").iterdir())


def test_translate_test_uses_english_text_and_reports_its_quality(run: Run, tmp_path: Path) -> None:
    run("--protocol", "translate-test")
    rec = record(tmp_path, "translate-test", "english")
    roles = {(s["language"], s["role"]) for s in rec["data"]["splits"]}
    assert {("en", "test"), ("sw", "translate-test"), ("zh", "translate-test"), ("en", "dev"), ("en", "train")} == roles
    assert [t["language"] for t in rec["translation"]] == ["zh", "sw"]
    for quality in rec["translation"]:
        assert 0.3 < quality["bleu"] < 1 and 0.5 < quality["chrf"] < 1
        assert quality["bleu_signature"].startswith("nrefs:1|case:mixed")


def test_each_rule_selects_what_it_would_select_alone(run: Run, tmp_path: Path) -> None:
    run("--set", "steps=80", "--set", "patience=2")
    rules = {"joint": ("en", "sw", "zh"), "english": ("en",)}
    history = record(tmp_path)["fine_tunings"][0]["history"]

    def best(languages: tuple[str, ...]) -> int:
        alone = Monitor("alone", languages)
        for entry in history:
            alone.update(entry["step"], entry["dev"], 2)
        return alone.best_step

    for rule, languages in rules.items():
        assert {s["step"] for s in record(tmp_path, selection=rule)["selected"]} == {best(languages)}
    by_language = record(tmp_path, selection="per-language")
    dev_scores = {entry["step"]: entry["dev"] for entry in history}
    for chosen in by_language["selected"]:
        code, step = chosen["language"], chosen["step"]
        assert step == best((code,))
        assert values(by_language, "dev")[code] == pytest.approx(dev_scores[step][code]), "dev as it was at selection"


def test_english_dev_selects_even_when_english_is_not_asked_for(run: Run, tmp_path: Path) -> None:
    assert run(languages=["--languages", "sw"]) == 0
    rec = record(tmp_path, selection="english")
    assert list(values(rec)) == ["sw"]
    assert "en" in rec["fine_tunings"][0]["history"][0]["dev"]


def test_scoring_the_prediction_file_again_gives_the_record(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run()
    rec = record(tmp_path)
    file = tmp_path / "out" / "small" / "xnli" / "transfer" / "joint" / rec["predictions"]["path"]
    capsys.readouterr()
    assert main(["score", str(file), "--format", "json"]) == 0
    again = json.loads(capsys.readouterr().out)
    assert again["aggregate"] == rec["aggregate"]
    assert [(s["language"], s["value"], s["ci95"]) for s in again["scores"]] == [
        (s["language"], s["value"], s["ci95"]) for s in rec["scores"]
    ]
    columns = pq.read_table(file).column_names
    assert columns == ["split", "language", "id", "prediction", "p_entailment", "p_neutral", "p_contradiction"]


def test_a_repeated_command_runs_nothing_and_prints_the_same(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run()
    first, path = capsys.readouterr().out, tmp_path / "out" / "small" / "xnli" / "transfer" / "joint" / "seed1.json"
    written = path.stat().st_mtime_ns
    assert run() == 0
    second = capsys.readouterr()
    assert second.out == first
    assert "already in" in second.err
    assert path.stat().st_mtime_ns == written


def test_an_output_of_other_settings_is_refused_with_the_difference(
    run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    run()
    assert run("--set", "learning_rate=0.5") == 2
    assert "config.learning_rate was 0.0005, is now 0.5" in capsys.readouterr().err


def test_limited_runs_are_marked_and_say_so(run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--limit", "30") == 0
    assert record(tmp_path)["limited"] == 30
    assert {s["n"] for s in record(tmp_path)["scores"]} == {30}
    assert "LIMITED" in capsys.readouterr().out


def test_a_classifier_at_chance_is_recorded_as_collapsed(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("--set", "learning_rate=0") == 0
    assert record(tmp_path)["status"] == "collapsed"
    assert "COLLAPSED seed 1 joint" in capsys.readouterr().out


def test_a_seed_that_fails_does_not_take_the_others_with_it(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [
        "run",
        "xnli",
        "--model",
        str(model),
        *LANGUAGES,
        *SHORT,
        "--output",
        str(tmp_path / "out"),
        "--seed",
        "1,2",
    ]
    # Seed 2 cannot write: a file stands where its record belongs.
    blocked = tmp_path / "out" / "small" / "xnli" / "transfer" / "joint" / "seed2.json"
    blocked.mkdir(parents=True)
    (blocked / "occupied").touch()
    assert main(words) == 4
    assert "1 of 2 seeds failed" in capsys.readouterr().err
    assert record(tmp_path, seed=1)["status"] in ("ok", "collapsed")


def test_saved_models_predict_what_the_record_says(run: Run, tmp_path: Path) -> None:
    assert run("--save-models") == 0
    rec = record(tmp_path)
    step = rec["selected"][0]["step"]
    place = tmp_path / "out" / "small" / "xnli" / "transfer"
    target = tmp_path / "sw.parquet"
    words = ["predict", "xnli", "--model", str(place / "models" / "seed1" / f"en-step{step}"), "--languages", "sw"]
    assert main([*words, "--max-length", "128", "--output", str(target)]) == 0
    ours = pq.read_table(target).to_pylist()
    recorded = pq.read_table(place / "joint" / rec["predictions"]["path"]).to_pylist()
    wanted = [r for r in recorded if r["split"] == "test" and r["language"] == "sw"]
    assert [r["prediction"] for r in ours] == [r["prediction"] for r in wanted]
    assert max(abs(a["p_neutral"] - b["p_neutral"]) for a, b in zip(ours, wanted, strict=True)) < 1e-5


def test_labels_are_mapped_by_name_whatever_their_order_in_the_model(model: Path, tmp_path: Path) -> None:
    source = open_source(str(model))
    assert source.checkpoint is not None
    config, tokenizer = source.checkpoint.config, source.checkpoint.tokenizer_file
    head = SequenceHead(config.hidden_size, 3, dense=True, dropout=0.0)
    initialise(head, 1.0, torch.Generator().manual_seed(0))
    # The `<s>` vectors of an untrained encoder differ little: centring their logits makes all labels occur.
    classifier = build_model(
        source, "sequence", 3, dense=True, dropout=0.0, attention_dropout=0.0, head_dropout=0.0, seed=0
    ).eval()
    classifier.head = head
    task = XNLI.task_of("en")
    english = prepare(task, XNLI.read(locate([], []), "test", "en"), source.tokenizer, QUICK).encoded
    head.out.bias.data -= torch.from_numpy(predict_outputs(classifier, english, 1, ONE).mean(0))
    state = load_state(source.checkpoint, head=None) | {f"head.{k}": v.detach() for k, v in head.state_dict().items()}
    labels, written = ["entailment", "neutral", "contradiction"], []
    for order in ([0, 1, 2], [2, 0, 1]):
        turned = {k: v[order].clone() if k.startswith("head.out") else v for k, v in state.items()}
        folder, target = tmp_path / str(order[0]), tmp_path / f"{order[0]}.parquet"
        names = [labels[i] for i in order]
        save_checkpoint(folder, config, turned, tokenizer, kind="sequence", labels=names, provenance={})
        words = ["predict", "xnli", "--model", str(folder), "--languages", "en", "--output", str(target)]
        assert main(words) == 0
        written.append(pq.read_table(target).column("prediction").to_pylist())
    assert written[0] == written[1]
    assert len(set(written[0])) == 3, "a constant prediction would hide a wrong order"


def test_test_labels_have_no_say_in_selection_or_prediction(model: Path, tmp_path: Path) -> None:
    outputs = []
    for name, swap in (("as-it-is", False), ("other-test-labels", True)):
        data = tmp_path / name
        for path in (miniature_folder() / "XNLI-1.0", miniature_folder() / "XNLI-MT-1.0"):
            shutil.copytree(path, data / path.name)
        test = data / "XNLI-1.0" / "xnli.test.tsv"
        if swap:
            exchange = {"entailment": "contradiction", "contradiction": "neutral", "neutral": "entailment"}
            rows = [line.split("\t") for line in test.read_text(encoding="utf-8").splitlines()]
            changed = [[row[0], exchange.get(row[1], row[1]), *row[2:]] for row in rows]
            test.write_text("\n".join("\t".join(row) for row in changed) + "\n", encoding="utf-8")
        files = {p.relative_to(data).as_posix(): {"sha256": sha256_of(p), "rows": 0} for p in data.rglob("*.tsv")}
        (data / "manifest.json").write_text(json.dumps({"name": name, "version": "1", "files": files}))
        output = tmp_path / f"{name}-out"
        words = ["run", "xnli", "--model", str(model), "--data", str(data), "--preset", "quick", *LANGUAGES, *SHORT]
        assert main([*words, "--output", str(output)]) == 0
        outputs.append(output / "small" / "xnli" / "transfer" / "joint")
    first, second = (read_record(o / "seed1.json") for o in outputs)
    assert first["selected"] == second["selected"]
    a, b = (pq.read_table(o / "seed1.predictions.parquet").column("prediction").to_pylist() for o in outputs)
    assert a == b
    assert values(first) != values(second)


def test_a_dry_run_tells_the_cost_and_writes_nothing(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("--dry-run") == 0
    text = capsys.readouterr().out
    assert re.search(r"FLOPs", text) and "embedding rows occur" in text and "24 steps" in text
    assert not (tmp_path / "out").exists()


def test_a_gpu_that_is_not_there_is_said(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    if torch.cuda.is_available():
        pytest.skip("this machine has a GPU")
    assert run("--device", "cuda") == 2
    assert "no CUDA GPU" in capsys.readouterr().err


def test_an_unwritable_output_is_said_before_anything_is_lost(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    words = ["run", "xnli", "--model", str(model), *LANGUAGES, *SHORT, "--output", str(tmp_path / "file" / "out")]
    assert main(words) == 1
    assert "cannot write" in capsys.readouterr().err
