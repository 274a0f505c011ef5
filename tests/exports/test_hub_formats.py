"""`.eval_results` and `model-index`, read back by the library of the Hub."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from huggingface_hub import ModelCard, parse_eval_result_entries

from xlmr_bench.benchmarks import BENCHMARKS, find_benchmark
from xlmr_bench.errors import UsageError
from xlmr_bench.exports import Document
from xlmr_bench.exports.datasets import hub_data, metric_id, task_type
from xlmr_bench.scoring import measures

Write = Callable[..., Path]
Export = Callable[..., list[Document]]


def entries(export: Export, **options: Any) -> dict[str, Any]:
    (document,) = export("hf-eval-results", **options)
    parsed = parse_eval_result_entries(yaml.safe_load(document.text))
    assert len(parsed) == document.text.count("- dataset:")
    return {e.task_id: e for e in parsed}


def card(export: Export, **options: Any) -> Any:
    (document,) = export("model-index", **options)
    return ModelCard(f"---\n{document.text}---\n# A model\n").data


def test_eval_results_are_percent_with_date_and_source(write: Write, export: Export) -> None:
    write({"en": 0.81234, "sw": 0.6})
    found = entries(export, model_id="me/toy")
    english = found["en-test-accuracy"]
    assert (english.dataset_id, english.value) == ("facebook/xnli", 81.23)
    assert english.date == "2026-01-01T10:00:00Z"
    assert (english.source_url, english.source_name) == ("https://huggingface.co/me/toy", "run with xlmr_bench 0.1.0")
    assert found["mean-test-accuracy"].value == 70.62
    assert set(found) == {f"{c}-{s}-accuracy" for c in ("en", "sw", "mean") for s in ("dev", "test")}


def test_without_a_model_id_no_source_is_made_up(write: Write, export: Export) -> None:
    write({"en": 0.8})
    assert entries(export)["en-test-accuracy"].source_url is None


def test_notes_tell_how_a_number_came_about(write: Write, export: Export) -> None:
    for seed in (1, 2):
        write({"en": 0.6 + 0.1 * seed}, seed=seed)
    notes = entries(export)["en-test-accuracy"].notes
    for part in (
        "accuracy in percent, test: reported", "protocol transfer: fine-tune on English",
        "selection joint: one checkpoint, by mean dev score", "mean over 2 seeds (1, 2)",
        "sample standard deviation over seeds 7.07", "signature accuracy|scorer:xlmr_bench|version:1",
        "data sha256 test-en-digest", "weights sha256 toy-weights", "xlmr_bench 0.1.0 commit c0ffee",
        "command python -m xlmr_bench run xnli --seed 1",
    ):  # fmt: skip
        assert part in notes
    assert "dev: chose the checkpoint" in entries(export)["en-dev-accuracy"].notes


def test_a_marked_result_has_a_task_id_that_no_leaderboard_has(write: Write, export: Export) -> None:
    write({"en": 0.8}, limited=5)
    marked = entries(export, anything=True)["en-test-accuracy-not-comparable"]
    assert marked.notes.startswith("LIMITED to 5 examples a split; ")


def test_each_result_has_a_file_also_where_two_have_one_name(write: Write, export: Export) -> None:
    write({"en": 0.8}, seed=1)
    write({"en": 0.8}, seed=1, protocol="translate-train-all")
    assert [str(d.path) for d in export("hf-eval-results")] == [
        ".eval_results/xnli_transfer_joint.yaml",
        ".eval_results/xnli_translate-train-all_joint.yaml",
    ]
    write({"en": 0.8}, seed=2, config={"preset": "paper", "languages": ["en"]})
    assert len({d.path for d in export("hf-eval-results")}) == 3


def test_the_model_index_holds_fractions_that_the_library_reads_back(write: Write, export: Export) -> None:
    write({"en": 0.81234, "sw": 0.6})
    data = card(export, model_id="me/toy")
    assert data.model_name == "me/toy"
    by_name = {(e.dataset_config, e.dataset_split): e for e in data.eval_results}
    swahili = by_name["sw", "test"]
    assert (swahili.dataset_type, swahili.task_type) == ("facebook/xnli", "text-classification")
    assert (swahili.metric_type, swahili.metric_value) == ("accuracy", 0.6)
    assert swahili.metric_name == "accuracy (transfer, joint selection, test; fraction)"
    assert swahili.metric_args["ci95_over_examples"] == [0.58, 0.62]
    assert swahili.metric_args["data_sha256"] == "test-sw-digest"
    assert by_name[None, "validation"].metric_name.startswith("accuracy, mean of 2 columns (")
    assert len(data.eval_results) == 6


def test_the_model_index_has_mean_and_spread_over_seeds_and_all_results(write: Write, export: Export) -> None:
    for seed in (1, 2):
        write({"en": 0.6 + 0.1 * seed}, seed=seed)
    write({"en": 0.5}, protocol="translate-train-all")
    found = {
        e.metric_name: e for e in card(export).eval_results if (e.dataset_config, e.dataset_split) == ("en", "test")
    }
    transfer = found["accuracy (transfer, joint selection, test; fraction)"]
    assert transfer.metric_value == pytest.approx(0.75)
    assert (transfer.metric_args["n_seeds"], transfer.metric_args["seeds"]) == (2, "mean over 2 seeds (1, 2)")
    assert transfer.metric_args["std_over_seeds"] == pytest.approx(0.0707, abs=1e-4)
    assert found["accuracy (translate-train-all, joint selection, test; fraction)"].metric_value == 0.5


def test_a_model_index_marks_what_is_no_result(write: Write, export: Export) -> None:
    write({"en": 0.8}, official=None)
    (first, *_) = card(export, anything=True).eval_results
    assert first.metric_name.startswith("NOT COMPARABLE: ")
    assert first.metric_args["notes"] == "NOT THE PUBLISHED DATA: data set 'files'"


def test_both_are_of_one_model(write: Write, export: Export) -> None:
    write({"en": 0.8})
    write({"en": 0.8}, name="other")
    for style in ("hf-eval-results", "model-index"):
        with pytest.raises(UsageError, match="describes one model"):
            export(style)


@pytest.mark.parametrize("benchmark", BENCHMARKS, ids=lambda b: b.name)
def test_every_column_of_every_benchmark_has_a_data_set_a_task_and_metrics(benchmark: Any) -> None:
    for code in benchmark.languages:
        data = hub_data(benchmark, benchmark.tested, code)
        owner, name = data.id.split("/")
        assert owner
        assert name
        assert data.config
        assert task_type(benchmark, code) in ("text-classification", "token-classification", "question-answering")
        assert all(metric_id(m.metric.name) for m in measures(benchmark.task_of(code)))


@pytest.mark.parametrize(
    ("benchmark", "split", "column", "expected"),
    [
        ("xnli", "dev", "sw", ("facebook/xnli", "sw", "validation")),
        ("mlqa", "test", "de", ("facebook/mlqa", "mlqa.de.de", "test")),
        ("mlqa", "test", "de-en", ("facebook/mlqa", "mlqa.de.en", "test")),
        ("xquad", "test", "el", ("google/xquad", "xquad.el", "validation")),
        ("xquad", "dev", "en", ("rajpurkar/squad", "plain_text", "validation")),
        ("squad", "dev", "en", ("rajpurkar/squad", "plain_text", "validation")),
        ("glue", "dev", "MNLI-mm", ("nyu-mll/glue", "mnli", "validation_mismatched")),
        ("glue", "dev", "STS-B", ("nyu-mll/glue", "stsb", "validation")),
        ("ner", "test", "en", ("eriktks/conll2003", "conll2003", "test")),
        ("ner", "test", "nl", ("eriktks/conll2002", "nl", "test")),
    ],
)
def test_columns_by_the_hubs_names(benchmark: str, split: str, column: str, expected: tuple[str, ...]) -> None:
    data = hub_data(find_benchmark(benchmark), split, column)
    assert (data.id, data.config, data.split) == expected
