"""Validation: a mean over held-out blocks, the same whoever computes it and whatever was computed before."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor
from training import LANGUAGES, lines_of, model_of, settings_of
from transformers import XLMRobertaForMaskedLM

from pretrain.batches import Corpus
from pretrain.masking import IGNORED
from pretrain.model import build_model
from pretrain.parallel import Team, start_team
from pretrain.settings import ParallelSettings
from pretrain.shards import open_shards
from pretrain.validation import perplexity, validate
from xlmr_bench.device import stop_ranks

HELD_OUT = [code for code in LANGUAGES if code != "ur"]  # too small to hold anything out


@pytest.fixture
def alone() -> Iterator[Team]:
    yield start_team(ParallelSettings(device="cpu"))
    stop_ranks()


def test_the_last_validation_equals_what_hugging_face_computes(config: Path, shards: Path, unbroken: Path) -> None:
    model = XLMRobertaForMaskedLM.from_pretrained(model_of(unbroken), attn_implementation="eager").eval()
    corpus = Corpus(open_shards(shards), settings_of(config))
    found = lines_of(unbroken, "validation")[-1]["languages"]
    assert list(found) == HELD_OUT
    for code, values in found.items():
        (batch,) = corpus.validation_batches(corpus.languages.index(code), 100)
        labels = torch.full_like(batch.ids, IGNORED).scatter(1, batch.positions, batch.targets)
        with torch.no_grad():
            logits: Tensor = model(batch.ids).logits
        loss = F.cross_entropy(logits.flatten(0, 1), labels.flatten(), ignore_index=IGNORED).item()
        assert values["loss"] == pytest.approx(loss, abs=1e-5)
        assert values["perplexity"] == pytest.approx(math.exp(loss), rel=1e-5)
        assert values["masked_tokens"] == int((labels != IGNORED).sum())


def test_languages_too_small_to_hold_anything_out_are_absent(unbroken: Path) -> None:
    lines = lines_of(unbroken, "validation")
    assert [line["step"] for line in lines] == [12, 24]
    for line in lines:
        assert list(line["languages"]) == HELD_OUT
        assert line["mean_loss"] == pytest.approx(sum(v["loss"] for v in line["languages"].values()) / len(HELD_OUT))


def test_validation_falls_as_training_goes_on(unbroken: Path) -> None:
    first, last = lines_of(unbroken, "validation")
    assert last["mean_loss"] < first["mean_loss"] - 0.05


def test_epochs_are_draws_by_blocks(config: Path, shards: Path, unbroken: Path) -> None:
    corpus = Corpus(open_shards(shards), settings_of(config))
    for line in lines_of(unbroken, "validation"):
        drawn = {code: round(line["epochs"][code] * b) for code, b in zip(corpus.languages, corpus.blocks, strict=True)}
        assert sum(drawn.values()) == 16 * line["step"]


def test_two_processes_find_the_same(by_two: Mapping[str, Path], unbroken: Path) -> None:
    for mode in ("ddp", "fsdp"):
        for one, two in zip(*(lines_of(run, "validation") for run in (unbroken, by_two[mode])), strict=True):
            assert list(two["languages"]) == list(one["languages"])
            assert two["epochs"] == one["epochs"]
            for code, values in one["languages"].items():
                assert two["languages"][code] == pytest.approx(values, rel=1e-5)


def test_repeating_it_gives_the_same_without_gradients(config: Path, shards: Path, alone: Team) -> None:
    manifest = open_shards(shards)
    settings = settings_of(config)
    model = build_model(settings, manifest.vocab_size, manifest.tokenizer_sha256)
    corpus = Corpus(manifest, settings)
    assert validate(model, corpus, alone) == validate(model, corpus, alone)
    assert all(p.grad is None for p in model.parameters())
    uneven = Corpus(manifest, settings_of(config, "micro_batch=3"))
    for code, values in validate(model, uneven, alone).items():
        assert values == pytest.approx(validate(model, corpus, alone)[code], rel=1e-6)


def test_nothing_held_out_is_an_empty_line_and_no_failure(config: Path, shards: Path, alone: Team) -> None:
    manifest = open_shards(shards)
    settings = settings_of(config, "validation_blocks=0")
    model = build_model(settings, manifest.vocab_size, manifest.tokenizer_sha256)
    assert validate(model, Corpus(manifest, settings), alone) == {}


def test_a_diverged_model_has_a_perplexity_too() -> None:
    assert perplexity(math.log(250_002)) == pytest.approx(250_002)
    assert perplexity(1e6) > 1e300
    assert math.isnan(perplexity(math.nan))
    assert perplexity(math.inf) > 1e300
