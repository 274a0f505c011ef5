"""Presets say what their sources say; overrides are checked against name, type and range."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path

import pytest

from xlmr_bench.benchmarks.squad import PAPER as SQUAD
from xlmr_bench.benchmarks.xnli import PAPER, XNLI, XTREME
from xlmr_bench.errors import UsageError
from xlmr_bench.settings import QUICK, ExtractionSettings, describe, find_preset, override


def test_the_paper_preset_is_the_authors_answer() -> None:
    """fairseq issue 1367: Adam 5e-6, 8 x 16, 30 rounds of 5,000 batches, patience 5; PyText: 256, linear head."""
    s = PAPER.settings
    assert (s.learning_rate, s.batch_size, s.max_length) == (5e-6, 128, 256)
    assert (s.evaluate_every, s.steps, s.patience) == (5_000, 30 * 5_000, 5)
    assert (s.head, s.head_dropout, s.dropout, s.attention_dropout) == ("linear", 0.4, 0.1, 0.1)
    assert (s.schedule, s.warmup, s.weight_decay, s.clip_norm) == ("constant", 0.0, 0.0, 0.0)
    assert (s.adam_beta1, s.adam_beta2, s.adam_eps) == (0.9, 0.999, 1e-8)
    assert PAPER.seeds == (1, 2, 3, 4, 5)


def test_the_xtreme_preset_is_xtremes() -> None:
    s = XTREME.settings
    assert (s.learning_rate, s.batch_size, s.epochs, s.steps, s.max_length) == (3e-5, 32, 5, 0, 128)
    assert (s.schedule, s.patience, s.evaluate_every) == ("linear", 0, 0)
    assert XTREME.seeds == (1,)


def test_the_presets_agree_with_the_collected_hyper_parameters(shared_data: Path) -> None:
    yaml = pytest.importorskip("yaml")
    file = shared_data.parent / "paper" / "hyperparameters.yaml"
    if not file.is_file():
        pytest.skip(f"no {file}")
    xnli = yaml.safe_load(file.read_text(encoding="utf-8"))["xnli"]
    assert xnli["settings_v1_numbers"]["lr"] == PAPER.settings.learning_rate
    assert f"= {PAPER.settings.batch_size}" in xnli["settings_v1_numbers"]["batch"]
    assert f"{PAPER.settings.evaluate_every} batches" in xnli["settings_v1_numbers"]["evaluation_every"]
    assert xnli["authors_code_pytext"]["max_seq_len"] == PAPER.settings.max_length
    assert f"default {PAPER.settings.head_dropout}" in xnli["authors_code_pytext"]["head"]


def test_an_unknown_preset_gets_the_nearest() -> None:
    assert find_preset("paper", XNLI.presets) is PAPER
    with pytest.raises(UsageError, match=r"unknown preset 'papr'. Did you mean 'paper'\? Known: paper, xtreme, quick"):
        find_preset("papr", XNLI.presets)


def test_an_override_changes_one_setting_and_keeps_the_type() -> None:
    changed = override(QUICK, ["learning_rate=2e-5", "batch_size=8", "head=linear", "epochs=2"])
    assert changed == replace(QUICK, learning_rate=2e-5, batch_size=8, head="linear", epochs=2)
    assert isinstance(changed.batch_size, int)
    assert isinstance(override(QUICK, ["warmup=0"]).warmup, float)
    assert override(QUICK, []) == QUICK


def test_the_last_of_two_overrides_wins() -> None:
    assert override(QUICK, ["batch_size=8", "batch_size=16"]).batch_size == 16


def test_epochs_asked_for_replace_the_presets_steps_and_steps_its_epochs() -> None:
    by_epochs = override(PAPER.settings, ["epochs=3"])
    assert (by_epochs.epochs, by_epochs.steps, by_epochs.evaluate_every) == (3, 0, 0)
    assert override(PAPER.settings, ["epochs=3", "evaluate_every=70"]).evaluate_every == 70
    by_steps = override(XTREME.settings, ["steps=100"])
    assert (by_steps.epochs, by_steps.steps) == (0, 100)


@pytest.mark.parametrize(
    ("assignment", "words"),
    [
        (
            "learning_rat=1e-5",
            r"unknown setting 'learning_rat'. Did you mean 'learning_rate'\? Known: learning_rate",
        ),
        ("lr=1e-5", "unknown setting 'lr'.*Known: learning_rate"),
        ("Batch_Size=8", "Did you mean 'batch_size'"),
        ("batch_size", "--set takes key=value, not 'batch_size'"),
        ("batch_size=", "setting batch_size='' is not of type int"),
        ("batch_size=8.0", "setting batch_size='8.0' is not of type int"),
        ("learning_rate=fast", "setting learning_rate='fast' is not of type float"),
        ("learning_rate=-1e-5", "setting learning_rate=-1e-05 is not at least 0"),
        ("batch_size=0", "setting batch_size=0 is not at least 1"),
        ("max_length=7", "setting max_length=7 is not at least 8 tokens"),
        ("epochs=0", "setting epochs=0 is not positive where steps is 0"),
        ("steps=-1", "setting steps=-1 is not at least 0"),
        ("evaluate_every=-1", "setting evaluate_every=-1 is not"),
        ("patience=-1", "setting patience=-1 is not"),
        ("warmup=-0.5", r"setting warmup=-0.5 is not a fraction of the steps in \[0, 1\) or a number of steps"),
        ("weight_decay=-0.1", "setting weight_decay=-0.1 is not"),
        ("clip_norm=-1", "setting clip_norm=-1.0 is not at least 0"),
        ("adam_beta1=1", r"setting adam_beta1=1.0 is not in \[0, 1\)"),
        ("adam_beta2=-0.5", r"setting adam_beta2=-0.5 is not in \[0, 1\)"),
        ("adam_eps=0", "setting adam_eps=0.0 is not positive"),
        ("dropout=1", r"setting dropout=1.0 is not in \[0, 1\)"),
        ("head_dropout=-0.1", "setting head_dropout=-0.1 is not"),
        ("schedule=cosine", "setting schedule=cosine is not one of constant, linear"),
        ("head=mlp", "setting head=mlp is not one of dense, linear"),
        ("precision=fp16", "setting precision=fp16 is not one of auto, fp32, bf16"),
        ("length_window=0", "setting length_window=0 is not"),
    ],
)
def test_a_wrong_override_is_refused_with_the_rule(assignment: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        override(QUICK, [assignment])


@pytest.mark.parametrize("key", ["learning_rate", "weight_decay", "clip_norm", "adam_eps", "warmup", "dropout"])
@pytest.mark.parametrize("value", ["nan", "inf", "1e999"])
def test_what_is_no_number_is_no_setting(key: str, value: str) -> None:
    with pytest.raises(UsageError, match=f"setting {key}="):
        override(QUICK, [f"{key}={value}"])


def test_warmup_is_a_fraction_below_one_and_a_number_of_steps_from_there() -> None:
    assert override(QUICK, ["warmup=0.06"]).warmup == 0.06
    assert override(QUICK, ["warmup=500"]).warmup == 500


def test_answers_have_settings_of_their_own_with_the_same_checks() -> None:
    changed = override(SQUAD.settings, ["doc_stride=64", "n_best=5"])
    assert isinstance(changed, ExtractionSettings)
    assert (changed.doc_stride, changed.n_best, changed.max_answer_length) == (64, 5, 30)
    for key in ("doc_stride", "max_question_length", "n_best", "max_answer_length"):
        with pytest.raises(UsageError, match=f"setting {key}=0 is not at least 1"):
            override(SQUAD.settings, [f"{key}=0"])
        with pytest.raises(UsageError, match=f"unknown setting {key!r}"):
            override(QUICK, [f"{key}=5"])
    with pytest.raises(UsageError, match="setting batch_size=0 is not at least 1"):
        override(SQUAD.settings, ["batch_size=0"])


def test_a_description_names_every_setting() -> None:
    words = describe(PAPER.settings)
    assert words.startswith("learning_rate=5e-06, batch_size=128, max_length=256, epochs=0, steps=150000")
    assert all(f"{key}=" in words for key in asdict(PAPER.settings))
