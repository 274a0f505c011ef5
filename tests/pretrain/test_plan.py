"""The plan's arithmetic against values worked by hand and against the model itself."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from samples import REPOSITORY

from pretrain.cli import main
from pretrain.plan import (
    exposures,
    gpu_days,
    kept_checkpoints,
    memory,
    micro_batches,
    shards_of,
    tokens_in_all,
    world_sizes,
)
from pretrain.settings import CheckpointSettings, DataSettings, ModelSettings, ParallelSettings, Settings
from pretrain.settings import TrainingSettings as Training
from pretrain.shape import encoder_config, flops, flops_per_token, parameter_table
from pretrain.shards import LanguageShards, ShardFile, write_manifest
from xlmr_bench.errors import UsageError
from xlmr_bench.modeling.config import SIZES, EncoderConfig

# Small enough to count on paper.
SMALL = EncoderConfig(
    vocab_size=10, hidden_size=4, num_hidden_layers=2, num_attention_heads=2, intermediate_size=8,
    max_position_embeddings=8,
)  # fmt: skip
BASE = Settings(data=DataSettings(languages=("xlm100",)))


@pytest.mark.parametrize(("size", "total"), [("base", 278_294_418), ("large", 560_141_458)])
def test_parameters_of_the_published_sizes(size: str, total: int):
    table = parameter_table(SIZES[size])

    assert sum(table.values()) == total
    head = table["MLM head (dense, norm, bias)"]
    assert sum(table.values()) - head == SIZES[size].parameters()


def test_parameters_are_those_of_the_model_that_is_trained():
    from pretrain.model import MaskedLM

    assert sum(p.numel() for p in MaskedLM(SMALL).parameters()) == sum(parameter_table(SMALL).values())


def test_flop_a_token_of_a_model_small_enough_to_count():
    part = flops(SMALL, block_tokens=6, masked_per_block=1)

    # A layer multiplies with 4 x 16 + 2 x 32 = 128 weights; 2 layers, 6 FLOP a weight.
    assert part.matmuls == 6 * 2 * 128
    # Scores and mixed values: 2 layers x 2 x 6 tokens x 4, 6 FLOP each.
    assert part.attention == 6 * 2 * 2 * 6 * 4
    # One token in six goes through the head: 16 + 40 weights.
    assert part.head == 56
    assert part.head_everywhere == 6 * 56
    assert flops_per_token(SMALL, 6, 1) == part.total == 1536 + 576 + 56


@pytest.mark.parametrize(
    ("size", "encoder", "head", "total", "everywhere"),
    [("base", 566, 173, 740, 1722), ("large", 1963, 231, 2194, 3505)],
)
def test_flop_a_token_of_the_published_sizes(size: str, encoder: int, head: int, total: int, everywhere: int):
    part = flops(SIZES[size], 512, 0.15 * 512)

    assert round((part.matmuls + part.attention) / 1e6) == encoder
    assert round(part.head / 1e6) == head
    assert round(part.total / 1e6) == total
    assert round((part.matmuls + part.attention + part.head_everywhere) / 1e6) == everywhere


def small_settings(precision: str = "bf16") -> Settings:
    """Blocks of 20 tokens with 2 masked."""
    return Settings(
        data=DataSettings(block_tokens=20, mask_fraction=0.1), parallel=ParallelSettings(precision=precision)
    )


def test_memory_of_a_model_small_enough_to_count():
    total = sum(parameter_table(SMALL).values())
    m = memory(SMALL, small_settings(), "ddp", 4, micro_batch=3, accumulating=True)

    assert m.state == 16 * total
    assert m.working == 2 * total + 4 * total
    # 60 tokens: 2 layers x (2 bytes x (8 x 4 + 2 x 8) + 2 x 4) + embeddings 2 x 2 x 4 + 4.
    assert m.saved == 60 * (2 * 104 + 20)
    assert m.saved_checkpointed == 60 * (2 * 8 + 104 + 20)
    # 6 masked tokens x 10 logits in bf16, twice in fp32, and the gradient of 10 x 4 embeddings.
    assert m.logits == 60 * (2 + 8) + 2 * 40
    assert m.total(checkpointing=False) == m.state + m.working + m.logits + m.saved


def test_fsdp_divides_the_state_by_all_ranks_and_hsdp_by_those_of_a_node():
    config, settings = SIZES["base"], BASE
    state = {
        mode: memory(config, settings, mode, 64, micro_batch=2, accumulating=False).state
        for mode in ("ddp", "fsdp", "hsdp")
    }

    assert state["fsdp"] == state["ddp"] // 64
    assert state["hsdp"] == state["ddp"] // 8
    assert memory(config, settings, "hsdp", 4, 2, accumulating=False).state == state["ddp"] // 4


def test_fp32_doubles_the_activations_but_for_the_dropout_masks():
    half, full = (
        memory(SMALL, small_settings(p), "ddp", 1, micro_batch=1, accumulating=False).saved for p in ("bf16", "fp32")
    )

    masks = 20 * (2 * 8 + 4)
    assert full - masks == 2 * (half - masks)


def test_the_memory_of_logits_is_bounded_by_the_chunk():
    small, large = (memory(SIZES["base"], BASE, "ddp", 1, micro_batch=n, accumulating=False).logits for n in (64, 4096))

    assert small == large


def test_epochs_of_xlmr_are_about_three_for_english_and_eight_hundred_for_the_smallest():
    met = {e.language: e for e in exposures(BASE, None)}

    assert len(met) == 100
    assert sum(e.share for e in met.values()) == pytest.approx(1)
    assert met["en"].share == pytest.approx(0.029, abs=5e-4)
    assert met["en"].epochs == pytest.approx(3, abs=0.1)
    assert met["as"].share == pytest.approx(0.0027, abs=5e-5)
    assert 800 < met["as"].epochs < 860


def test_the_most_repeated_language_comes_first():
    epochs = [e.epochs for e in exposures(BASE, None)]

    assert epochs == sorted(epochs, reverse=True)


def write_shards(folder: Path, languages: dict[str, tuple[int, int]]) -> Path:
    """Shards with the given (sentences, tokens)."""
    described = {}
    for code, (sentences, tokens) in languages.items():
        (folder / code).mkdir(parents=True)
        np.full(tokens, 5, dtype="<u4").tofile(folder / code / "00000.bin")
        file = ShardFile(f"{code}/00000.bin", tokens, "0" * 64)
        described[code] = LanguageShards(code, sentences, 1, tokens, 5 * tokens, (file,))
    (folder / "sentencepiece.bpe.model").write_bytes(b"a model")
    write_manifest(folder, hashlib.sha256(b"a model").hexdigest(), 1000, described)
    return folder


def test_epochs_from_shards_are_drawn_by_sentences_or_tokens(tmp_path: Path):
    folder = write_shards(tmp_path / "shards", {"en": (90, 3000), "sw": (10, 1000)})
    settings = Settings(
        data=DataSettings(shards=str(folder), alpha=0.5, block_tokens=22),
        training=Training(steps=10, batch_size=4, warmup_steps=1),
    )

    by_sentences = {e.language: e for e in exposures(settings, shards_of(settings))}
    by_tokens = exposures(replace(settings, data=replace(settings.data, sampling_unit="tokens")), shards_of(settings))

    # sqrt(.9) : sqrt(.1) = 3 : 1; 10 steps x 4 blocks x 20 tokens of text = 800.
    assert by_sentences["en"].share == pytest.approx(0.75)
    assert by_sentences["en"].epochs == pytest.approx(600 / 3000)
    assert by_sentences["sw"].epochs == pytest.approx(200 / 1000)
    # sqrt(3) : 1
    assert {e.language: e.share for e in by_tokens}["en"] == pytest.approx(3**0.5 / (3**0.5 + 1))


def test_gpu_days_of_the_published_run():
    assert tokens_in_all(BASE) == 1_500_000 * 8192 * 512
    # 6.29e12 tokens x 740e6 FLOP at half of 790e12 FLOP/s: 1.18e7 seconds.
    assert gpu_days(tokens_in_all(BASE) * 740e6, 790, 0.5) == pytest.approx(136.4, abs=0.1)


@pytest.mark.parametrize(
    ("every", "keep", "keep_every", "kept"),
    [(10, 2, 0, 2), (10, 2, 50, 3), (10, 20, 0, 11), (40, 2, 80, 2), (60, 2, 0, 2), (500, 2, 0, 1)],
)
def test_checkpoints_kept_at_the_end_of_105_steps(every: int, keep: int, keep_every: int, kept: int):
    settings = Settings(
        training=Training(steps=105, warmup_steps=5), checkpoint=CheckpointSettings(every, keep, keep_every)
    )

    assert kept_checkpoints(settings) == kept


def test_micro_batches_are_as_many_as_the_rank_needs():
    settings = Settings(training=Training(batch_size=96), parallel=ParallelSettings(micro_batch=32))

    assert micro_batches(settings, 1) == (32, 3)
    assert micro_batches(settings, 2) == (32, 2)  # 48 blocks: 32 and 16
    assert micro_batches(settings, 8) == (12, 1)
    assert micro_batches(settings, 5) is None
    assert world_sizes(settings, 0) == (1, 8)
    assert world_sizes(settings, 5) == (5,)


def test_a_width_of_the_configuration_replaces_that_of_the_size():
    settings = Settings(model=ModelSettings(size="base", hidden_size=960, intermediate_size=3840))

    assert encoder_config(settings, 100) == replace(
        SIZES["base"], vocab_size=100, hidden_size=960, intermediate_size=3840
    )


def test_a_block_longer_than_the_positions_is_refused():
    with pytest.raises(UsageError, match="at most 512 tokens"):
        encoder_config(Settings(data=DataSettings(block_tokens=513)), 100)


def plan(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    code = main(["plan", *words])
    out, err = capsys.readouterr()
    return code, out, err


def test_the_plan_prints_every_section_with_its_assumptions(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    config = tmp_path / "run.toml"
    config.write_text("[model]\nvocab_size = 250002\n[data]\nlanguages = ['xlm100']\n")

    code, out, _ = plan(capsys, str(config), "--gpus", "64")

    assert code == 0
    lines = out.splitlines()
    assert any(line.startswith("total") and "278,294,418" in line for line in lines)
    assert any(line.startswith("64 x ddp *") for line in lines)
    assert any(line.split()[:3] == ["64", "2.1", "days"] for line in lines)
    assert "50% of 790 TFLOP/s" in out
    assert "76 of 512 tokens a block" in out
    assert "5.3 bytes a token" in out and "Table 6" in out
    assert "... 90 more" in out
    assert "3.11 GiB" in out  # 12 bytes x 278,294,418


def test_all_of_a_few_languages_are_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    config = tmp_path / "run.toml"
    config.write_text("[model]\nvocab_size = 150002\n[data]\nlanguages = ['xlm15']\n")

    _, out, _ = plan(capsys, str(config))

    shown = [line.split()[0] for line in out[out.index("Epochs of") :].splitlines()[3:19]]
    assert len(shown) == 16 and {"sw", "th", "zh-Hans", "zh-Hant"} < set(shown)
    assert "... " not in out


def test_the_vocabulary_is_that_of_the_shards(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    folder = write_shards(tmp_path / "shards", {"en": (90, 3000)})
    config = tmp_path / "run.toml"
    config.write_text(f"[data]\nshards = '{folder}'\n")

    assert "vocabulary 1,000\n" in plan(capsys, str(config))[1]
    code, _, err = plan(capsys, str(config), "model.vocab_size=2000")
    assert code == 2 and "model.vocab_size is 2,000" in err and "1,000 ids" in err


def test_a_vocabulary_nobody_knows_is_asked_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    config = tmp_path / "run.toml"
    config.write_text("[data]\nshards = 'nowhere'\n")

    code, _, err = plan(capsys, str(config))

    assert code == 2 and "model.vocab_size=250002" in err


@pytest.mark.parametrize("wrong", [("--mfu", "1.5"), ("--mfu", "0"), ("--gpu-tflops", "0"), ("--gpus", "-1")])
def test_impossible_hardware_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str], wrong: tuple[str, str]):
    config = tmp_path / "run.toml"
    config.write_text("[model]\nvocab_size = 1000\n")

    assert plan(capsys, str(config), *wrong)[0] == 2


def test_planning_never_loads_torch(tmp_path: Path):
    config = tmp_path / "run.toml"
    config.write_text("[model]\nvocab_size = 1000\n")
    program = (
        "import sys; from pretrain.cli import main\n"
        f"code = main(['plan', {str(config)!r}])\n"
        "sys.exit(code or ('torch was loaded' if 'torch' in sys.modules else 0))"
    )

    done = subprocess.run([sys.executable, "-c", program], cwd=REPOSITORY, capture_output=True, text=True, timeout=60)

    assert (done.returncode, done.stderr) == (0, "")
