"""fairseq folders: every naming of its versions is read, conversion is lossless, files that disagree are refused."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from xlmr_bench.errors import DataError, UsageError
from xlmr_bench.modeling.checkpoint import convert, load_state, open_checkpoint, save_checkpoint
from xlmr_bench.modeling.config import EncoderConfig
from xlmr_bench.modeling.hf_tokenizer import read_pieces
from xlmr_bench.modeling.pickled import attributes, load_pickled

RandomState = Callable[..., dict[str, Tensor]]


@pytest.fixture
def config(tiny: EncoderConfig) -> EncoderConfig:
    """`tiny` with the one epsilon that fairseq has, and 64 dimensions a head for the fallback."""
    return replace(tiny, layer_norm_eps=1e-5, hidden_size=128, num_attention_heads=2, initializer_range=0.02)


@pytest.fixture
def state(config: EncoderConfig, random_state: RandomState) -> dict[str, Tensor]:
    return random_state(config, "mlm")


@pytest.fixture
def hf(tmp_path: Path, config: EncoderConfig, state: dict[str, Tensor], spm_file: Path) -> Path:
    """The model in the Hugging Face layout."""
    save_checkpoint(tmp_path / "hf", config, state, spm_file, kind="mlm", labels=None, provenance={"run": "r1"})
    return tmp_path / "hf"


@pytest.fixture
def released(tmp_path: Path, state: dict[str, Tensor], spm_file: Path) -> Path:
    """The same model as fairseq wrote XLM-R: built here by the names in fairseq's source, not by ours."""
    folder = tmp_path / "released"
    folder.mkdir()
    (folder / "sentencepiece.bpe.model").write_bytes(spm_file.read_bytes())
    pieces = [piece for piece, _ in read_pieces(spm_file)]
    (folder / "dict.txt").write_text("".join(f"{piece} 1\n" for piece in pieces[4:-1]), encoding="utf-8")
    write(folder, names_of_2019(state), settings())
    return folder


def settings(**changes: Any) -> argparse.Namespace:
    """The settings of a release that matter, among others."""
    return argparse.Namespace(
        **{
            "arch": "roberta_base",
            "encoder_layers": 2,
            "encoder_embed_dim": 128,
            "encoder_ffn_embed_dim": 80,
            "encoder_attention_heads": 2,
            "max_positions": 64,
            "activation_fn": "gelu",
            "dropout": 0.05,
            "attention_dropout": 0.15,
            "lr": [0.0006],
            **changes,
        }
    )


def write(folder: Path, model: dict[str, Tensor], args: Any, zipped: bool = True, **more: Any) -> None:
    content = {"args": args, "model": model, "extra_state": {"epoch": 7}, **more}
    torch.save(content, folder / "model.pt", _use_new_zipfile_serialization=zipped)


def names_of_2019(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Our random weights under the names of the released `model.pt`."""
    body, head = "decoder.sentence_encoder.", "decoder.lm_head."
    modules = {
        "attention_out": "self_attn.out_proj",
        "attention_norm": "self_attn_layer_norm",
        "ffn_in": "fc1",
        "ffn_out": "fc2",
        "ffn_norm": "final_layer_norm",
    }
    model = {
        f"{body}embed_tokens.weight": state["encoder.word_embeddings.weight"],
        f"{body}embed_positions.weight": state["encoder.position_embeddings.weight"],
        f"{head}weight": state["encoder.word_embeddings.weight"],
        f"{head}bias": state["head.bias"],
    }
    for leaf in ("weight", "bias"):
        model[f"{body}emb_layer_norm.{leaf}"] = state[f"encoder.embedding_norm.{leaf}"]
        model[f"{head}dense.{leaf}"] = state[f"head.dense.{leaf}"]
        model[f"{head}layer_norm.{leaf}"] = state[f"head.norm.{leaf}"]
        for i in range(2):
            q, k, v = state[f"encoder.layers.{i}.qkv.{leaf}"].chunk(3)
            for part, tensor in (("q", q), ("k", k), ("v", v)):
                model[f"{body}layers.{i}.self_attn.{part}_proj.{leaf}"] = tensor.clone()
            for ours, theirs in modules.items():
                model[f"{body}layers.{i}.{theirs}.{leaf}"] = state[f"encoder.layers.{i}.{ours}.{leaf}"]
    return model


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
    config: EncoderConfig,
    state: dict[str, Tensor],
    rename: Callable[[dict[str, Tensor]], dict[str, Tensor]],
    zipped: bool,
) -> None:
    write(released, rename(names_of_2019(state)), settings(), zipped)
    checkpoint = open_checkpoint(released)
    assert (checkpoint.layout, checkpoint.architecture) == ("fairseq", "XLMRobertaForMaskedLM")
    assert checkpoint.config == config
    assert_same(load_state(checkpoint, head="mlm"), state)
    body = {name: tensor for name, tensor in state.items() if name.startswith("encoder.")}
    assert_same(load_state(checkpoint, head=None), body)


def assert_same(loaded: dict[str, Tensor], expected: dict[str, Tensor]) -> None:
    assert loaded.keys() == expected.keys()
    assert [name for name in expected if not torch.equal(loaded[name], expected[name])] == []


def test_settings_of_newer_versions_are_read_from_cfg(released: Path, state: dict[str, Tensor]) -> None:
    write(released, names_of_2019(state), None, cfg={"model": settings(encoder_attention_heads=8)})
    assert open_checkpoint(released).config.num_attention_heads == 8


def test_half_precision_becomes_fp32(released: Path, state: dict[str, Tensor]) -> None:
    write(released, {name: t.half() for name, t in names_of_2019(state).items()}, settings())
    assert_same(load_state(open_checkpoint(released), head="mlm"), {n: t.half().float() for n, t in state.items()})


def test_conversion_to_fairseq_and_back_loses_nothing(
    hf: Path, tmp_path: Path, config: EncoderConfig, state: dict[str, Tensor]
) -> None:
    convert(hf, "fairseq", tmp_path / "fairseq")
    assert sorted(path.name for path in (tmp_path / "fairseq").iterdir()) == [
        "dict.txt",
        "model.pt",
        "provenance.json",
        "sentencepiece.bpe.model",
    ]
    there = open_checkpoint(tmp_path / "fairseq")
    assert there.config == config
    assert there.provenance["converted_from"]["provenance"]["run"] == "r1"
    assert there.provenance["converted_from"]["weights_sha256"] == open_checkpoint(hf).weights_digest
    assert_same(load_state(there, head="mlm"), state)
    convert(tmp_path / "fairseq", "hf", tmp_path / "back")
    back = open_checkpoint(tmp_path / "back")
    assert back.config == config
    assert back.weights_digest == open_checkpoint(hf).weights_digest
    assert_same(load_state(back, head="mlm"), state)


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
    released: Path, tmp_path: Path, state: dict[str, Tensor]
) -> None:
    write(released, {n: t for n, t in names_of_2019(state).items() if "lm_head" not in n}, settings())
    convert(released, "hf", tmp_path / "out")
    opened = open_checkpoint(tmp_path / "out")
    assert opened.architecture == "XLMRobertaModel"
    assert_same(load_state(opened, head=None), {n: t for n, t in state.items() if n.startswith("encoder.")})


def test_conversions_that_would_lose_something_are_refused(
    hf: Path, released: Path, tmp_path: Path, config: EncoderConfig, random_state: RandomState, spm_file: Path
) -> None:
    other = replace(config, layer_norm_eps=1e-12)
    body, eps = random_state(config, None), random_state(other, "mlm")
    save_checkpoint(tmp_path / "body", config, body, spm_file, kind=None, labels=None, provenance={})
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
    released: Path, state: dict[str, Tensor], capsys: pytest.CaptureFixture[str]
) -> None:
    args = settings()
    del args.encoder_attention_heads
    write(released, names_of_2019(state), args)
    opened = open_checkpoint(released)
    assert opened.config.num_attention_heads == 2
    assert opened.provenance["assumed"] == {"num_attention_heads": 2}
    assert "assuming 2" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"encoder_layers": 12}, "encoder_layers 12, its tensors 2"),
        ({"encoder_embed_dim": 64}, "encoder_embed_dim 64, its tensors 128"),
        ({"encoder_ffn_embed_dim": 81}, "encoder_ffn_embed_dim 81, its tensors 80"),
        ({"max_positions": 66}, "max_positions 66, its tensors 64"),
        ({"activation_fn": "relu"}, "activation_fn relu"),
        ({"encoder_attention_heads": "many"}, "encoder_attention_heads many"),
        ({"encoder_attention_heads": 3}, "num_attention_heads 3"),
    ],
)
def test_settings_that_contradict_the_tensors_are_refused(
    released: Path, state: dict[str, Tensor], change: dict[str, Any], message: str
) -> None:
    write(released, names_of_2019(state), settings(**change))
    with pytest.raises(DataError, match=message):
        open_checkpoint(released)


def test_tensors_of_another_model_are_named(released: Path, state: dict[str, Tensor]) -> None:
    model = names_of_2019(state)
    lost = "decoder.sentence_encoder.layers.1.fc2.bias"
    write(released, {name: t for name, t in model.items() if name != lost}, settings())
    with pytest.raises(DataError, match=f"1 missing: {lost}"):
        open_checkpoint(released)
    final = "decoder.sentence_encoder.layer_norm.weight"  # of the pre-norm XLM-R XL
    write(released, model | {final: torch.ones(128)}, settings())
    with pytest.raises(DataError, match=f"1 unknown: {final}"):
        open_checkpoint(released)
    write(released, model | {"decoder.lm_head.weight": torch.ones(202, 128)}, settings())
    with pytest.raises(DataError, match=r"lm_head\.weight differs from"):
        load_state(open_checkpoint(released), head="mlm")
    write(released, {"encoder.conv.weight": torch.ones(2)}, settings())
    with pytest.raises(DataError, match="not a RoBERTa or XLM-R model"):
        open_checkpoint(released)


def edit_dictionary(folder: Path, change: Callable[[list[str]], object]) -> None:
    path = folder / "dict.txt"
    lines = path.read_text(encoding="utf-8").split("\n")[:-1]
    change(lines)
    path.write_text("\n".join([*lines, ""]), encoding="utf-8")


def test_a_dictionary_in_another_order_is_refused_by_line(released: Path) -> None:
    def swap(lines: list[str]) -> None:
        lines[40], lines[41] = lines[41], lines[40]

    edit_dictionary(released, swap)
    with pytest.raises(DataError, match=r"dict\.txt, line 41: .* where the SentencePiece model has piece"):
        open_checkpoint(released)


@pytest.mark.parametrize(
    ("change", "count"), [(lambda lines: lines.pop(), 196), (lambda lines: lines.append("more 1"), 198)]
)
def test_a_dictionary_of_another_length_is_refused(
    released: Path, change: Callable[[list[str]], object], count: int
) -> None:
    edit_dictionary(released, change)
    with pytest.raises(DataError, match=f"{count} lines, the SentencePiece model needs 197"):
        open_checkpoint(released)


def test_embeddings_of_another_vocabulary_are_refused(
    released: Path, config: EncoderConfig, random_state: RandomState
) -> None:
    more = random_state(replace(config, vocab_size=203), "mlm")
    write(released, names_of_2019(more), settings())
    with pytest.raises(DataError, match=r"is 202 ids, and model\.pt has 203 embeddings"):
        open_checkpoint(released)


def test_a_truncated_model_and_a_missing_file_are_named(released: Path) -> None:
    content = (released / "model.pt").read_bytes()
    (released / "model.pt").write_bytes(content[: len(content) // 2])
    with pytest.raises(DataError, match=r"model\.pt: not readable"):
        open_checkpoint(released)
    (released / "model.pt").write_bytes(content)
    (released / "dict.txt").unlink()
    with pytest.raises(DataError, match=r"dict\.txt: cannot read"):
        open_checkpoint(released)


def test_the_real_vocabulary_has_249997_lines_and_250002_ids(shared_data: Path) -> None:
    pieces = read_pieces(shared_data / "tokenizer" / "xlmr.sentencepiece.bpe.model")
    assert len(pieces) == 250_002
    assert len(pieces[4:-1]) == 249_997
    assert [piece for piece, _ in pieces[:6]] == ["<s>", "<pad>", "</s>", "<unk>", ",", "."]
    assert pieces[-1][0] == "<mask>"
