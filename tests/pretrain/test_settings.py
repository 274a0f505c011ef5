"""Configurations: files, variants, overrides, and what is refused with which words."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pretrain.configuration import load_settings, settings_from_dict, variants_of
from pretrain.settings import CHOICES, Settings
from xlmr_bench.errors import UsageError

TOML = """
[data]
languages = ["en", "sw"]
alpha = 0.7

[training]
steps = 1e3
warmup_steps = 10

[variants.small.model]
size = "tiny"

[variants.long.training]
steps = 5000
"""


def written(tmp_path: Path, text: str = TOML) -> Path:
    path = tmp_path / "mine.toml"
    path.write_text(text, encoding="utf-8")
    return path


def refused(path: Path, *overrides: str, variant: str | None = None) -> str:
    with pytest.raises(UsageError) as caught:
        load_settings(path, overrides, variant)
    return str(caught.value)


def test_defaults_are_the_recipe_of_the_paper() -> None:
    s = Settings()
    t = s.training
    assert (s.data.alpha, s.data.block_tokens, s.data.mask_fraction) == (0.3, 512, 0.15)
    assert (t.steps, t.batch_size, t.learning_rate, t.warmup_steps) == (1_500_000, 8192, 6e-4, 24_000)
    assert (t.adam_beta1, t.adam_beta2, t.adam_eps, t.weight_decay, t.clip_norm) == (0.9, 0.98, 1e-6, 0.01, 0.0)
    assert (s.model.hidden_dropout_prob, s.model.attention_probs_dropout_prob) == (0.1, 0.1)
    assert s.masked_per_block == 76  # 15 % of 510


def test_a_variant_wins_over_the_file_and_the_command_line_over_both(tmp_path: Path) -> None:
    path = written(tmp_path)
    assert load_settings(path, (), "small").training.steps == 1000
    found = load_settings(path, ("training.steps=7000", "warmup_steps=20", "data.alpha=1"), "long")
    assert (found.training.steps, found.training.warmup_steps) == (7000, 20)
    assert found.data.alpha == 1.0
    assert found.data.languages == ("en", "sw")
    assert load_settings(path, (), "long").training.steps == 5000


def test_each_run_has_a_folder_of_its_own(tmp_path: Path) -> None:
    assert load_settings(written(tmp_path), (), "small").output == "runs/mine-small"
    assert load_settings(written(tmp_path, ""), ()).output == "runs/mine"
    assert load_settings(written(tmp_path, 'output = "here"')).output == "here"
    assert load_settings(written(tmp_path, ""), ("output=there",)).output == "there"


def test_a_configuration_of_several_runs_wants_one_chosen(tmp_path: Path) -> None:
    assert "2 runs; choose one with --variant: small, long" in refused(written(tmp_path))
    assert set(variants_of(written(tmp_path))) == {"small", "long"}


def test_an_unknown_variant_is_named_with_the_nearest(tmp_path: Path) -> None:
    assert "unknown variant 'smal'. Did you mean 'small'?" in refused(written(tmp_path), variant="smal")
    assert "has no variants" in refused(written(tmp_path, ""), variant="small")


@pytest.mark.parametrize("key", ["checkpoint.every", "report.every"])
def test_keys_of_several_sections_need_their_section(tmp_path: Path, key: str) -> None:
    found = load_settings(written(tmp_path, ""), (f"{key}=7",))
    section = key.partition(".")[0]
    assert getattr(found, section).every == 7
    assert {found.checkpoint.every, found.report.every} > {7}
    assert "every may be checkpoint.every or report.every; give the section too" in refused(
        written(tmp_path, ""), "every=7"
    )


def test_every_setting_can_be_overridden_by_its_full_name(tmp_path: Path) -> None:
    path = written(tmp_path, "")
    for section, values in Settings().as_dict().items():
        for key, value in values.items() if isinstance(values, dict) else ():
            text = ",".join(value) if isinstance(value, tuple) else str(value).lower()
            if value != "":
                assert load_settings(path, (f"{section}.{key}={text}",)).as_dict()[section] == values


def test_lists_paths_and_codes_need_no_quotes(tmp_path: Path) -> None:
    found = load_settings(written(tmp_path, ""), ("languages=en, sw", "shards=/data/my shards", "mode=fsdp"))
    assert found.data.languages == ("en", "sw")
    assert found.data.shards == "/data/my shards"
    assert load_settings(written(tmp_path, ""), ('languages=["no"]',)).data.languages == ("no",)
    assert found.parallel.mode == "fsdp"


def test_settings_survive_json(tmp_path: Path) -> None:
    found = load_settings(written(tmp_path), ("parallel.compile=true",), "small")
    assert settings_from_dict(json.loads(json.dumps(found.as_dict()))) == found


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[training]\nsteps = 'many'", "training.steps = 'many', but it must be a whole number"),
        ("[training]\nsteps = 1.5", "training.steps = 1.5, but it must be a whole number"),
        ("[training]\nlearning_rate = true", "training.learning_rate = True, but it must be a number"),
        ("[training]\nlearning_rate = nan", "training.learning_rate = nan, but it must be a number"),
        ("[parallel]\ncompile = 1", "parallel.compile = 1, but it must be true or false"),
        ("[data]\nlanguages = 3", "data.languages = 3, but it must be a list of words"),
        ("[data]\nlanguages = []", "data.languages = [], but it must be a list of words"),
        ("[data]\nshards = 3", "data.shards = 3, but it must be text"),
        ("output = 3", "output = 3, but it must be text"),
        ("[training]\nsteps_ = 3", "Did you mean 'steps'?"),
        ("[trainin]\nsteps = 3", "Did you mean 'training'?"),
        ("training = 3", "training is a section ([training]), not a value"),
        ("variants = 3", "variants is a table of tables"),
        ("variants = {a = 3}", "variants is a table of tables"),
        ("[training]\nsteps = ", "is not TOML"),
        ("[data]\nalpha = 1.01", "data.alpha is 1.01; it lies between 0 (all languages alike) and 1"),
        ("[data]\nalpha = -0.1", "data.alpha is -0.1"),
        ("[data]\nmask_fraction = 0", "data.mask_fraction is 0.0; it lies between 0 and 1, usually 0.15"),
        ("[data]\nblock_tokens = 7", "data.block_tokens is 7; a block needs at least 8 tokens"),
        ("[training]\nsteps = 0", "training.steps is 0; it must be above 0"),
        ("[training]\nbatch_size = -2", "training.batch_size is -2; it must be above 0"),
        ("[training]\nlearning_rate = 0", "training.learning_rate is 0.0; it must be above 0"),
        ("[checkpoint]\nkeep = 0", "checkpoint.keep is 0; it must be above 0"),
        ("[training]\nwarmup_steps = -1", "training.warmup_steps is -1; it cannot be below 0"),
        ("[training]\nclip_norm = -1", "training.clip_norm is -1.0; it cannot be below 0"),
        ("[report]\nvalidate_every = -1", "report.validate_every is -1; it cannot be below 0"),
        ("[model]\nhidden_dropout_prob = 1", "model.hidden_dropout_prob is 1.0; it lies between 0 and 1"),
        ("[training]\nadam_beta2 = 1", "training.adam_beta2 is 1.0; it lies between 0 and 1"),
        ("[training]\nsteps = 5\nwarmup_steps = 6", "training.steps is 5, less than warmup_steps 6"),
        (
            "[training]\nschedule = 'wsd'\nsteps = 9\nwarmup_steps = 6\ndecay_steps = 4",
            "training.steps is 9, less than warmup_steps 6 + decay_steps 4",
        ),
    ],
)
def test_what_cannot_be_meant_is_refused(tmp_path: Path, text: str, said: str) -> None:
    assert said in refused(written(tmp_path, text))


@pytest.mark.parametrize("name", sorted(CHOICES))
def test_an_unknown_choice_is_refused_with_the_known_ones(tmp_path: Path, name: str) -> None:
    error = refused(written(tmp_path, ""), f"{name}=nonsense")
    assert f"unknown {name} 'nonsense'" in error
    assert ", ".join(CHOICES[name]) in error


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("training.step=5", "unknown setting 'training.step'. Did you mean 'training.steps'?"),
        ("data.steps=5", "unknown setting 'data.steps'"),
        ("step=5", "unknown setting 'step'"),
        ("training.steps", "'training.steps' is not key=value, e.g. training.steps=1000"),
        ("training.steps=abc", "the command line: training.steps = 'abc', but it must be a whole number"),
        ("training=5", "unknown setting 'training'"),
        ("=5", "unknown setting ''"),
    ],
)
def test_an_override_that_means_nothing_is_refused(tmp_path: Path, word: str, said: str) -> None:
    assert said in refused(written(tmp_path, ""), word)


def test_a_missing_file_is_answered_with_those_that_come_along(tmp_path: Path) -> None:
    error = refused(tmp_path / "none.toml")
    assert "No such file" in error
    assert "xlmr_base" in error
    assert "Is a directory" in refused(tmp_path)


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe\x00")
    assert "is not TOML" in refused(tmp_path / "binary.toml")


def test_all_configurations_that_come_along_are_valid() -> None:
    folder = Path(__file__).resolve().parents[2] / "pretrain" / "configs"
    found = sorted(folder.glob("*.toml"))
    assert len(found) >= 7
    for path in found:
        for variant in variants_of(path) or (None,):
            assert load_settings(path, (), variant).training.steps > 0
