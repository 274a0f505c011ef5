"""How a step is spread over processes changes nothing but rounding: real processes that talk over gloo."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest
import torch
from training import (
    STEPS,
    largest_difference,
    lines_of,
    losses_of,
    settings_of,
    train_here,
    weights_of,
)

from pretrain.batches import Corpus, step_batch
from pretrain.shards import open_shards

# Of losses relative, of weights absolute: three orders of magnitude below what one step changes.
CLOSE = 1e-6
WORDS = "roberta.embeddings.word_embeddings.weight"


def assert_same(run: Path, other: Path, tolerance: float = CLOSE) -> None:
    assert losses_of(run) == pytest.approx(losses_of(other), rel=tolerance)
    assert largest_difference(run, other) < tolerance


def test_these_runs_have_unequal_mask_counts_and_an_uneven_vocabulary(config: Path, shards: Path) -> None:
    manifest = open_shards(shards)
    corpus = Corpus(manifest, settings_of(config))
    assert manifest.vocab_size % 2
    assert corpus.settings.model.hidden_dropout_prob > 0
    for world in (2, 4):
        uneven = [
            len({step_batch(corpus, step, rank, world).masked for rank in range(world)}) > 1
            for step in range(1, STEPS + 1)
        ]
        assert sum(uneven) > STEPS * 0.75


def test_these_runs_learn_something(unbroken: Path) -> None:
    losses = losses_of(unbroken)
    assert len(losses) == STEPS
    assert losses[-1] < losses[0] - 0.4


def test_two_processes_with_two_micro_batches_equal_one_with_four(by_two: Mapping[str, Path], unbroken: Path) -> None:
    assert_same(by_two["ddp"], unbroken)


def test_four_processes_with_one_micro_batch_equal_one_with_four(by_four: Mapping[str, Path], unbroken: Path) -> None:
    assert_same(by_four["ddp"], unbroken)


def test_the_size_of_micro_batches_does_not_matter(config: Path, unbroken: Path, tmp_path: Path) -> None:
    assert train_here(config, tmp_path / "run", "micro_batch=7") == 0  # 7, 7 and 2 blocks
    assert_same(tmp_path / "run", unbroken)


def test_shards_over_two_processes_equal_one_process(by_two: Mapping[str, Path], unbroken: Path) -> None:
    assert_same(by_two["fsdp"], unbroken)


def test_shards_over_four_processes_equal_one_process(by_four: Mapping[str, Path], unbroken: Path) -> None:
    assert_same(by_four["fsdp"], unbroken)


def test_every_row_of_an_uneven_vocabulary_is_trained(by_four: Mapping[str, Path], unbroken: Path) -> None:
    whole, sharded = (weights_of(run)[WORDS] for run in (unbroken, by_four["fsdp"]))
    assert len(whole) % 4
    torch.testing.assert_close(sharded[-3:], whole[-3:], rtol=0, atol=CLOSE)
    assert (weights_of(by_four["fsdp"])["lm_head.bias"][4:] != 0).all()


def test_validation_and_the_interval_of_reports_change_nothing(by_two: Mapping[str, Path], unbroken: Path) -> None:
    assert largest_difference(by_two["silent"], unbroken) < CLOSE
    losses = losses_of(unbroken)
    means = {line["step"]: line["loss"] for line in lines_of(by_two["silent"])}
    assert set(means) == {5, 8, 10, 15, 16, 20, 24}  # also where the state is saved
    assert means[8] == pytest.approx(sum(losses[5:8]) / 3, abs=CLOSE)
    assert means[15] == pytest.approx(sum(losses[10:15]) / 5, abs=CLOSE)


def test_two_nodes_with_a_copy_each_equal_one_process(by_four: Mapping[str, Path], unbroken: Path) -> None:
    assert_same(by_four["hsdp"], unbroken)


def test_bf16_on_two_processes_is_close_to_fp32_on_one(by_two: Mapping[str, Path], unbroken: Path) -> None:
    losses, exact = losses_of(by_two["bf16"]), losses_of(unbroken)
    assert losses != exact
    assert losses == pytest.approx(exact, abs=0.02)


def test_bf16_on_two_processes_is_close_to_one(config: Path, by_two: Mapping[str, Path], tmp_path: Path) -> None:
    assert train_here(config, tmp_path / "run", "parallel.precision=bf16") == 0
    assert losses_of(by_two["bf16"]) == pytest.approx(losses_of(tmp_path / "run"), abs=2e-3)
    assert all(w.dtype == torch.float32 for w in weights_of(tmp_path / "run").values())


def test_hsdp_of_one_process_is_one_copy(config: Path, unbroken: Path, tmp_path: Path) -> None:
    assert train_here(config, tmp_path / "run", "parallel.mode=hsdp", "training.steps=24") == 0
    assert_same(tmp_path / "run", unbroken, 1e-7)


def test_the_journal_counts_tokens_and_names_its_rate(by_two: Mapping[str, Path], unbroken: Path) -> None:
    for run in (unbroken, by_two["ddp"]):
        assert [line["tokens"] for line in lines_of(run)] == [256 * step for step in range(1, STEPS + 1)]
        assert [line["learning_rate"] for line in lines_of(run)][:4] == pytest.approx([75e-5, 15e-4, 225e-5, 3e-3])
        written = [json.loads(text) for text in (run / "metrics.jsonl").read_text().splitlines()]
        assert all(0 <= line["data_wait"] <= 1 and line["mfu"] > 0 for line in written if line["kind"] == "train")
    one, two = ([line["gradient_norm"] for line in lines_of(run)] for run in (unbroken, by_two["ddp"]))
    assert two == pytest.approx(one, rel=1e-4)
