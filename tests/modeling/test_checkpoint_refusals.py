"""Checkpoint folders whose files do not fit together are refused by name."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from checkpoint_edits import edit_config, edit_weights, shard
from torch import Tensor

from xlmr_bench.errors import DataError, UsageError
from xlmr_bench.files import sha256_of
from xlmr_bench.modeling.checkpoint import load_state, open_checkpoint, save_checkpoint
from xlmr_bench.modeling.config import EncoderConfig

RandomState = Callable[..., dict[str, Tensor]]

NORM = "roberta.encoder.layer.1.output.LayerNorm.weight"
DAMAGES: dict[str, tuple[Callable[[dict[str, Tensor]], object], str]] = {
    "missing": (lambda t: t.pop(NORM), f"1 missing: {NORM}"),
    "unknown": (lambda t: t.update({"roberta.adapter.weight": torch.ones(2)}), "1 unknown: roberta.adapter.weight"),
    "another shape": (lambda t: t.update({NORM: torch.ones(47)}), rf"{NORM} is \(47,\), not \(48,\)"),
    "no token types": (
        lambda t: t.pop("roberta.embeddings.token_type_embeddings.weight"),
        "missing: roberta.embeddings.token_type_embeddings.weight",
    ),
    "a further layer": (
        lambda t: t.update({n.replace("layer.1", "layer.2"): x.clone() for n, x in t.items() if "layer.1" in n}),
        "16 unknown: roberta.encoder.layer.2",
    ),
    "words missing": (
        lambda t: t.update({"roberta.embeddings.word_embeddings.weight": torch.ones(201, 48)}),
        r"word_embeddings.weight is \(201, 48\), not \(202, 48\)",
    ),
}


@pytest.mark.parametrize("file", ["absent.safetensors", "../part-1.safetensors"])
def test_an_index_that_names_a_file_elsewhere_is_refused(loose_folder: Path, file: str) -> None:
    shard(loose_folder)
    shutil.copy(loose_folder / "part-1.safetensors", loose_folder.parent)
    index = loose_folder / "model.safetensors.index.json"
    index.write_text(index.read_text().replace("part-1.safetensors", file, 1))
    with pytest.raises(DataError, match=file):
        open_checkpoint(loose_folder)


def test_an_index_that_disagrees_with_a_shard_is_refused(loose_folder: Path) -> None:
    shard(loose_folder)
    index = loose_folder / "model.safetensors.index.json"
    index.write_text(index.read_text().replace("part-1.safetensors", "part-2.safetensors", 1))
    with pytest.raises(DataError, match=r"disagrees with its files about lm_head\.bias"):
        open_checkpoint(loose_folder)


@pytest.mark.parametrize("name", ["lm_head.decoder.weight", "lm_head.weight"])
def test_an_untied_output_layer_is_refused(loose_folder: Path, name: str) -> None:
    edit_weights(loose_folder, lambda tensors: tensors.update({name: torch.ones(202, 48)}))
    with pytest.raises(DataError, match=f"{name} differs from roberta.embeddings.word_embeddings.weight"):
        load_state(open_checkpoint(loose_folder), head="mlm")


@pytest.mark.parametrize("name", DAMAGES)
def test_tensors_that_are_not_the_configurations_are_named(loose_folder: Path, name: str) -> None:
    change, message = DAMAGES[name]
    edit_weights(loose_folder, change)
    with pytest.raises(DataError, match=message):
        open_checkpoint(loose_folder)


def test_integer_weights_are_refused(loose_folder: Path) -> None:
    edit_weights(loose_folder, lambda tensors: tensors.update({NORM: torch.ones(48, dtype=torch.int64)}))
    with pytest.raises(DataError, match=f"{NORM} holds torch.int64"):
        load_state(open_checkpoint(loose_folder), head=None)


@pytest.mark.parametrize("kept", [4, 100, 5000, -1])
def test_truncated_weights_are_refused_by_name(loose_folder: Path, kept: int) -> None:
    path = loose_folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(DataError, match=r"model\.safetensors: (truncated|not a safetensors file)"):
        open_checkpoint(loose_folder)


def test_weights_followed_by_more_bytes_are_refused(loose_folder: Path) -> None:
    with (loose_folder / "model.safetensors").open("ab") as f:
        f.write(b"x")
    with pytest.raises(DataError, match="followed by foreign bytes"):
        open_checkpoint(loose_folder)


@pytest.mark.parametrize("content", ["", "{", "[]", '{"vocab_size": 202}', '{"model_type": "bert"}'])
def test_a_configuration_of_something_else_is_refused_by_name(loose_folder: Path, content: str) -> None:
    (loose_folder / "config.json").write_text(content)
    with pytest.raises(DataError, match=r"config\.json"):
        open_checkpoint(loose_folder)


@pytest.mark.parametrize(
    "change",
    [{"hidden_size": "wide"}, {"num_attention_heads": 0}, {"architectures": 3}, {"num_hidden_layers": 3}],
)
def test_configuration_values_that_cannot_be_are_refused(loose_folder: Path, change: dict[str, Any]) -> None:
    edit_config(loose_folder, **change)
    with pytest.raises(DataError, match=str(loose_folder)):
        open_checkpoint(loose_folder)


def test_a_changed_file_is_refused_with_both_digests(mlm_folder: Path) -> None:
    before = sha256_of(mlm_folder / "model.safetensors")
    edit_weights(mlm_folder, lambda tensors: tensors[NORM].add_(1e-6))
    after = sha256_of(mlm_folder / "model.safetensors")
    with pytest.raises(DataError, match=rf"model\.safetensors: .*{after}.*{before}"):
        open_checkpoint(mlm_folder)


def test_a_listed_file_that_is_gone_is_refused(mlm_folder: Path) -> None:
    (mlm_folder / "tokenizer.json").unlink()
    with pytest.raises(DataError, match=r"lists 'tokenizer\.json'"):
        open_checkpoint(mlm_folder)


def test_a_digest_of_a_file_elsewhere_is_refused(mlm_folder: Path) -> None:
    shutil.copy(mlm_folder / "config.json", mlm_folder.parent)
    path = mlm_folder / "provenance.json"
    path.write_text(path.read_text().replace('"config.json"', '"../config.json"'))
    with pytest.raises(DataError, match=r"lists '\.\./config\.json'"):
        open_checkpoint(mlm_folder)


def test_another_tokenizer_is_refused_with_both_sizes(loose_folder: Path, tiny: EncoderConfig) -> None:
    edit_config(loose_folder, vocab_size=208)
    edit_weights(loose_folder, pad_vocabulary)
    with pytest.raises(DataError, match=r"vocab_size is 208, but sentencepiece\.bpe\.model gives 202 ids"):
        open_checkpoint(loose_folder)


def pad_vocabulary(tensors: dict[str, Tensor]) -> None:
    tensors["roberta.embeddings.word_embeddings.weight"] = torch.zeros(208, 48)
    tensors["lm_head.bias"] = torch.zeros(208)


@pytest.mark.parametrize("file", ["config.json", "model.safetensors", "sentencepiece.bpe.model"])
def test_a_missing_file_is_named(loose_folder: Path, file: str) -> None:
    (loose_folder / file).unlink()
    with pytest.raises(DataError, match=file.replace(".", r"\.")):
        open_checkpoint(loose_folder)


def test_paths_that_are_no_folder_are_usage_errors(loose_folder: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"hf:NAME.*init"):
        open_checkpoint(tmp_path / "absent")
    with pytest.raises(UsageError, match="is a file"):
        open_checkpoint(loose_folder / "config.json")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match=r"neither config\.json nor model\.pt"):
        open_checkpoint(tmp_path / "empty")


def test_a_classifier_without_its_dense_layer_is_refused(
    tmp_path: Path, tiny: EncoderConfig, random_state: RandomState, spm_file: Path
) -> None:
    out = tmp_path / "out"
    state = random_state(tiny, "sequence", dense=False)
    save_checkpoint(out, tiny, state, spm_file, kind="sequence", labels=None, provenance={})
    assert open_checkpoint(out).architecture == "XlmrBenchLinearSequenceClassification"
    (out / "provenance.json").unlink()
    edit_config(out, architectures=["XLMRobertaForSequenceClassification"])
    with pytest.raises(DataError, match=r"classifier\.dense\.weight is missing"):
        open_checkpoint(out)
