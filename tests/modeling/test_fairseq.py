"""fairseq folders: every naming of its versions is read, and conversion is lossless."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from fairseq_release import names_of_2019, settings, write
from torch import Tensor

from xlmr_bench.errors import DataError, UsageError
from xlmr_bench.modeling.checkpoint import convert, load_state, open_checkpoint, save_checkpoint
from xlmr_bench.modeling.config import EncoderConfig
from xlmr_bench.modeling.pickled import attributes, load_pickled

RandomState = Callable[..., dict[str, Tensor]]


@pytest.fixture
def hf(tmp_path: Path, fairseq_config: EncoderConfig, fairseq_state: dict[str, Tensor], spm_file: Path) -> Path:
    """The model in the Hugging Face layout."""
    save_checkpoint(
        tmp_path / "hf", fairseq_config, fairseq_state, spm_file, kind="mlm", labels=None, provenance={"run": "r1"}
    )
    return tmp_path / "hf"


def newer_names(model: dict[str, Tensor]) -> dict[str, Tensor]:
    """As fairseq 0.12 names them, with the second copies it keeps of some layers and a fine-tuned classifier."""
    renamed = {
        name.replace("decoder.", "encoder.").replace("emb_layer_norm", "layernorm_embedding"): tensor
        for name, tensor in model.items()
    }
    return renamed | {
        "encoder.sentence_encoder.version": torch.tensor([3.0]),
        "encoder.sentence_encoder.layers.0.in_proj_weight": torch.zeros(384, 128),
        "encoder.sentence_encoder.layers.0.fc1_bias": torch.zeros(80),
        "classification_heads.xnli.out_proj.bias": torch.zeros(3),
    }


def stacked_names(model: dict[str, Tensor]) -> dict[str, Tensor]:
    """As before mid-2019: query, key and value in one matrix."""
    old = {name: tensor for name, tensor in model.items() if "_proj" not in name or "out_proj" in name}
    for i in range(2):
        attention = f"decoder.sentence_encoder.layers.{i}.self_attn."
        for leaf in ("weight", "bias"):
            parts = [model[f"{attention}{part}_proj.{leaf}"] for part in "qkv"]
            old[f"{attention}in_proj_{leaf}"] = torch.cat(parts)
    return old


@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "legacy"])
@pytest.mark.parametrize("rename", [dict, newer_names, stacked_names])
def test_every_naming_gives_the_same_weights(
    released: Path,
    fairseq_config: EncoderConfig,
    fairseq_state: dict[str, Tensor],
    rename: Callable[[dict[str, Tensor]], dict[str, Tensor]],
    zipped: bool,
) -> None:
    write(released, rename(names_of_2019(fairseq_state)), settings(), zipped)
    checkpoint = open_checkpoint(released)
    assert (checkpoint.layout, checkpoint.architecture) == ("fairseq", "XLMRobertaForMaskedLM")
    assert checkpoint.config == fairseq_config
    assert_same(load_state(checkpoint, head="mlm"), fairseq_state)
    body = {name: tensor for name, tensor in fairseq_state.items() if name.startswith("encoder.")}
    assert_same(load_state(checkpoint, head=None), body)


def assert_same(loaded: dict[str, Tensor], expected: dict[str, Tensor]) -> None:
    assert loaded.keys() == expected.keys()
    assert [name for name in expected if not torch.equal(loaded[name], expected[name])] == []


def test_settings_of_newer_versions_are_read_from_cfg(released: Path, fairseq_state: dict[str, Tensor]) -> None:
    write(released, names_of_2019(fairseq_state), None, cfg={"model": settings(encoder_attention_heads=8)})
    assert open_checkpoint(released).config.num_attention_heads == 8


def test_half_precision_becomes_fp32(released: Path, fairseq_state: dict[str, Tensor]) -> None:
    write(released, {name: t.half() for name, t in names_of_2019(fairseq_state).items()}, settings())
    assert_same(
        load_state(open_checkpoint(released), head="mlm"), {n: t.half().float() for n, t in fairseq_state.items()}
    )


def test_conversion_to_fairseq_and_back_loses_nothing(
    hf: Path, tmp_path: Path, fairseq_config: EncoderConfig, fairseq_state: dict[str, Tensor]
) -> None:
    convert(hf, "fairseq", tmp_path / "fairseq")
    assert sorted(path.name for path in (tmp_path / "fairseq").iterdir()) == [
        "dict.txt",
        "model.pt",
        "provenance.json",
        "sentencepiece.bpe.model",
    ]
    there = open_checkpoint(tmp_path / "fairseq")
    assert there.config == fairseq_config
    assert there.provenance["converted_from"]["provenance"]["run"] == "r1"
    assert there.provenance["converted_from"]["weights_sha256"] == open_checkpoint(hf).weights_digest
    assert_same(load_state(there, head="mlm"), fairseq_state)
    convert(tmp_path / "fairseq", "hf", tmp_path / "back")
    back = open_checkpoint(tmp_path / "back")
    assert back.config == fairseq_config
    assert back.weights_digest == open_checkpoint(hf).weights_digest
    assert_same(load_state(back, head="mlm"), fairseq_state)


def test_what_is_written_has_the_names_and_settings_of_the_release(hf: Path, released: Path, tmp_path: Path) -> None:
    convert(hf, "fairseq", tmp_path / "fairseq")
    ours, theirs = (load_pickled(folder / "model.pt") for folder in (tmp_path / "fairseq", released))
    assert_same(ours["model"], theirs["model"])
    expected = attributes(theirs["args"])
    del expected["lr"]
    assert attributes(ours["args"]).items() >= expected.items()
    # fairseq's checkpoint_utils._upgrade_state_dict reads these unconditionally.
    assert ours["optimizer_history"][-1].keys() >= {"optimizer_name", "lr_scheduler_state", "num_updates"}
    assert ours["extra_state"]["train_iterator"] == {"epoch": 1}
    assert (tmp_path / "fairseq" / "dict.txt").read_bytes() == (released / "dict.txt").read_bytes()


def test_a_body_without_output_layer_converts_to_a_bare_model(
    released: Path, tmp_path: Path, fairseq_state: dict[str, Tensor]
) -> None:
    write(released, {n: t for n, t in names_of_2019(fairseq_state).items() if "lm_head" not in n}, settings())
    convert(released, "hf", tmp_path / "out")
    opened = open_checkpoint(tmp_path / "out")
    assert opened.architecture == "XLMRobertaModel"
    assert_same(load_state(opened, head=None), {n: t for n, t in fairseq_state.items() if n.startswith("encoder.")})


def test_conversions_that_would_lose_something_are_refused(
    hf: Path, released: Path, tmp_path: Path, fairseq_config: EncoderConfig, random_state: RandomState, spm_file: Path
) -> None:
    other = replace(fairseq_config, layer_norm_eps=1e-12)
    body, eps = random_state(fairseq_config, None), random_state(other, "mlm")
    save_checkpoint(tmp_path / "body", fairseq_config, body, spm_file, kind=None, labels=None, provenance={})
    save_checkpoint(tmp_path / "eps", other, eps, spm_file, kind="mlm", labels=None, provenance={})
    with pytest.raises(UsageError, match="is a XLMRobertaModel; fairseq's layout holds a body with its MLM head"):
        convert(tmp_path / "body", "fairseq", tmp_path / "out")
    with pytest.raises(DataError, match="layer_norm_eps is 1e-12, fairseq has 1e-05"):
        convert(tmp_path / "eps", "fairseq", tmp_path / "out")
    with pytest.raises(UsageError, match="huggingface layout already"):
        convert(hf, "hf", tmp_path / "out")
    with pytest.raises(UsageError, match="Did you mean 'fairseq'"):
        convert(hf, "fair", tmp_path / "out")
    with pytest.raises(UsageError, match="not empty"):
        convert(released, "hf", hf)
    assert not (tmp_path / "out").exists()


def test_missing_heads_in_the_settings_are_assumed_aloud(
    released: Path, fairseq_state: dict[str, Tensor], capsys: pytest.CaptureFixture[str]
) -> None:
    args = settings()
    del args.encoder_attention_heads
    write(released, names_of_2019(fairseq_state), args)
    opened = open_checkpoint(released)
    assert opened.config.num_attention_heads == 2
    assert opened.provenance["assumed"] == {"num_attention_heads": 2}
    assert "assuming 2" in capsys.readouterr().err
