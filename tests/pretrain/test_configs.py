"""Every configuration loads, says what it stands for, and holds the paper's values."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from samples import REPOSITORY

from pretrain.cli import build_parser
from pretrain.configuration import load_settings, variants_of
from pretrain.languages import cc100, resolve_languages
from pretrain.plan import gpu_days, micro_batches, tokens_in_all
from pretrain.settings import Settings
from pretrain.shape import encoder_config, flops_per_token, parameter_table

CONFIGS = sorted((REPOSITORY / "pretrain" / "configs").glob("*.toml"))
BY_NAME = {path.stem: path for path in CONFIGS}
RUNS = [(path, variant) for path in CONFIGS for variant in variants_of(path) or (None,)]


def named(run: tuple[Path, str | None]) -> str:
    path, variant = run
    return path.stem + (f"-{variant}" if variant else "")


def days(settings: Settings, gpus: int) -> float:
    config = encoder_config(settings, settings.model.vocab_size)
    token = flops_per_token(config, settings.data.block_tokens, settings.masked_per_block)
    return gpu_days(tokens_in_all(settings) * token, 790, 0.5) / gpus


def after_equals_comment(path: Path, variant: str) -> str:
    """The comment beside the first line of a variant."""
    found = re.search(rf'^"?{re.escape(variant)}"?[ .].*#(.*)$', path.read_text(encoding="utf-8"), re.MULTILINE)
    assert found, variant
    return found[1]


def test_the_configurations_are_the_ones_the_paper_and_the_laptop_need():
    assert set(BY_NAME) == {"xlmr_base", "xlmr_large", "bert_mono", "xlm7", "ablations", "tiny", "miniature"}


@pytest.mark.parametrize("run", RUNS, ids=named)
def test_every_run_loads_and_its_model_can_be_built(run: tuple[Path, str | None]):
    settings = load_settings(run[0], variant=run[1])

    assert resolve_languages(settings.data.languages, cc100())
    assert encoder_config(settings, settings.model.vocab_size or 8002)
    assert micro_batches(settings, 2)
    assert settings.output == f"runs/{named(run)}"


@pytest.mark.parametrize("path", CONFIGS, ids=lambda p: p.stem)
def test_every_configuration_says_what_it_is_where_it_runs_and_what_to_expect(path: Path):
    head = re.match(r"(#.*\n)+", path.read_text(encoding="utf-8"))

    assert head
    assert re.search(r"^# Hardware   ", head[0], re.MULTILINE) and re.search(r"^# Expected   ", head[0], re.MULTILINE)
    if path.stem not in ("tiny", "miniature"):
        assert re.search(r"^# .*paper, section", head[0]), "the paper's section"
        assert re.search(r"^# From the paper: ", head[0], re.MULTILINE), "which values are the paper's"


@pytest.mark.parametrize("path", CONFIGS, ids=lambda p: p.stem)
def test_commands_in_headers_are_ones_that_can_be_typed(path: Path):
    text = path.read_text(encoding="utf-8")
    commands = re.findall(r"python -m pretrain ((?:(?!&&|`|\n|\.\.\.).)+)$", text, re.MULTILINE)

    for command in commands:
        build_parser().parse_args(shlex.split(command.split("#")[0]))
    assert commands or path.stem == "bert_mono" or "launch.sh" in text


@pytest.mark.parametrize(("name", "gpus", "expected"), [("xlmr_base", 64, "2.1 days"), ("xlmr_large", 512, "19 hours")])
def test_the_days_of_the_header_are_those_of_the_plan(name: str, gpus: int, expected: str):
    settings = load_settings(BY_NAME[name])
    number, unit = expected.split()
    planned = days(settings, gpus) * (24 if unit == "hours" else 1)

    assert f"{gpus} H200: {expected}" in BY_NAME[name].read_text(encoding="utf-8")
    assert f"({days(settings, 1):.0f} days of one GPU)" in BY_NAME[name].read_text(encoding="utf-8")
    assert round(planned, len(number.partition(".")[2])) == float(number)


@pytest.mark.parametrize(("name", "variant", "expected"), [("xlm7", "cc", 1.5), ("bert_mono", "sw-cc", 1.4)])
def test_the_days_of_the_smaller_runs_are_those_of_the_plan(name: str, variant: str, expected: float):
    assert round(days(load_settings(BY_NAME[name], variant=variant), 8), 1) == expected
    assert f"8 H200: {expected} days" in BY_NAME[name].read_text(encoding="utf-8")


def test_xlmr_is_the_papers_recipe():
    base, large = (load_settings(BY_NAME[name]) for name in ("xlmr_base", "xlmr_large"))

    for settings in (base, large):
        training, data = settings.training, settings.data
        assert (training.steps, training.batch_size) == (1_500_000, 8192)
        assert (data.alpha, data.block_tokens, data.mask_fraction) == (0.3, 512, 0.15)
        assert (data.languages, settings.model.vocab_size) == (("xlm100",), 250_002)
        assert (training.adam_beta1, training.adam_beta2, training.adam_eps) == (0.9, 0.98, 1e-6)
        assert (training.weight_decay, training.clip_norm, training.schedule) == (0.01, 0.0, "polynomial")
        assert (settings.model.hidden_dropout_prob, settings.model.attention_probs_dropout_prob) == (0.1, 0.1)
        assert micro_batches(settings, 512) == (16, 1)
    assert (base.training.learning_rate, base.training.warmup_steps) == (6e-4, 24_000)
    assert (large.training.learning_rate, large.training.warmup_steps) == (4e-4, 30_000)


def test_monolingual_models_are_seven_languages_on_two_corpora():
    variants = variants_of(BY_NAME["bert_mono"])

    assert set(variants) == {f"{c}-{d}" for c in ("en", "fr", "de", "ru", "zh", "sw", "ur") for d in ("wiki", "cc")}
    for variant in variants:
        settings = load_settings(BY_NAME["bert_mono"], variant=variant)
        code, corpus = variant.split("-")
        assert settings.data.languages == (code,)
        assert f"{corpus}-{code}" in settings.data.shards
        assert settings.model.vocab_size == 40_002


def test_monolingual_expectations_are_those_of_table_5(shared_data: Path):
    table = (shared_data.parent / "paper" / "table5_mono_vs_multi.yaml").read_text(encoding="utf-8")

    for corpus in ("wiki", "cc"):
        row = re.search(rf"id: t5\.bert\.{corpus}\.monolingual.*?acc: {{(.*?)}}", table, re.DOTALL)
        assert row
        for cell in row[1].split(", "):
            code, score = cell.split(": ")
            assert after_equals_comment(BY_NAME["bert_mono"], f"{code}-{corpus}").strip() == score


# A figure's bars: key in figures.yaml, the group that holds "all", and the variant of each bar.
FIGURES = {
    "figure2": ("all", [f"languages-{n}" for n in (7, 15, 30, 60, 100)]),
    "figure4": ("increased_capacity", [None, "wide-30", "wide-100"]),
    "figure5": ("all", ["alpha-0.01", "alpha-0.3", "alpha-0.7", "alpha-1"]),
    "figure6": ("fixed_capacity", [
        "vocabulary-32k-fixed", "vocabulary-64k-fixed", "vocabulary-128k", "vocabulary-256k-fixed",
        "vocabulary-512k-fixed",
    ]),
    "figure7": ("acc", ["batch-2048", "batch-4096", "batch-8192"]),
}  # fmt: skip
OTHER_BARS = ["vocabulary-256k", "vocabulary-512k", "spm", "bpe"]


def test_the_ablations_are_the_bars_of_the_figures():
    bars = [bar for _, bars in FIGURES.values() for bar in bars if bar] + OTHER_BARS

    assert sorted(variants_of(BY_NAME["ablations"])) == sorted(bars)


@pytest.mark.parametrize("figure", FIGURES)
def test_expectations_of_the_ablations_are_those_of_the_figures(figure: str, shared_data: Path):
    text = (shared_data.parent / "paper" / "figures.yaml").read_text(encoding="utf-8")
    key, bars = FIGURES[figure]
    values = re.search(rf"^{figure}:.*?^ +{key}: \[(.*?)\]", text, re.DOTALL | re.MULTILINE)
    assert values

    for bar, value in zip(bars, values[1].split(", "), strict=True):
        assert bar is None or re.match(rf" all {re.escape(value)}\b", after_equals_comment(BY_NAME["ablations"], bar))


def ablation(variant: str) -> Settings:
    return load_settings(BY_NAME["ablations"], variant=variant)


def test_each_ablation_varies_what_its_figure_varies():
    assert [ablation(f"languages-{n}").data.languages for n in (7, 60)] == [("xlm7",), ("xlm60",)]
    assert [ablation(v).model.hidden_size for v in ("languages-7", "wide-30", "wide-100")] == [0, 960, 1152]
    assert [ablation(f"alpha-{a}").data.alpha for a in ("0.01", "0.3", "0.7", "1")] == [0.01, 0.3, 0.7, 1.0]
    assert [ablation(f"batch-{n}").training.batch_size for n in (2048, 4096, 8192)] == [2048, 4096, 8192]
    assert ablation("spm").data.shards + "-bpe" == ablation("bpe").data.shards
    # All but the sizes of Figure 6 have the vocabulary of 150k.
    sizes = {v: ablation(v).model.vocab_size for v in variants_of(BY_NAME["ablations"])}
    assert {v: n for v, n in sizes.items() if n != 150_002} == {
        v: int(v.split("-")[1].removesuffix("k")) * 1000 + 2 for v in sizes if v.startswith("vocabulary")
    }


def test_fixed_capacity_keeps_the_number_of_parameters_and_growing_keeps_the_body():
    total = {}
    for size in (32, 64, 128, 256, 512):
        settings = ablation(f"vocabulary-{size}k" + ("-fixed" if size != 128 else ""))
        config = encoder_config(settings, settings.model.vocab_size)
        assert config.intermediate_size == 4 * config.hidden_size
        assert config.hidden_size % 24 == 0 and config.num_attention_heads == 12
        total[size] = sum(parameter_table(config).values())

    assert all(count == pytest.approx(total[128], rel=0.026) for count in total.values())
    assert [ablation(f"vocabulary-{size}k").model.hidden_size for size in (128, 256, 512)] == [0, 0, 0]


def test_the_miniature_and_tiny_models_fit_a_laptop():
    tiny, miniature = (load_settings(BY_NAME[name]) for name in ("tiny", "miniature"))

    for settings, vocabulary in ((tiny, 32_002), (miniature, 2_402)):
        assert sum(parameter_table(encoder_config(settings, vocabulary)).values()) < 13e6
        assert settings.data.languages == ("all",)
        assert settings.parallel.device == "auto"
    assert miniature.data.block_tokens <= 128
