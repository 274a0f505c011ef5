"""Checkpoint folders: what is written is read back, and what does not fit together is refused by name."""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from xlmr_bench.errors import DataError, UsageError, XlmrBenchError
from xlmr_bench.files import digest_of, sha256_of
from xlmr_bench.modeling.checkpoint import Checkpoint, convert, load_state, open_checkpoint, save_checkpoint
from xlmr_bench.modeling.config import EncoderConfig
from xlmr_bench.modeling.create import create_random
from xlmr_bench.modeling.encoder import Encoder
from xlmr_bench.modeling.names import to_hf
from xlmr_bench.modeling.tokenizer import load_sentencepiece

RandomState = Callable[..., dict[str, Tensor]]
HEADS = [(None, True), ("sequence", True), ("sequence", False), ("token", True), ("span", True), ("mlm", True)]


@pytest.fixture
def folder(tmp_path: Path, tiny: EncoderConfig, random_state: RandomState, spm_file: Path) -> Path:
    """A saved MLM checkpoint that a test may damage."""
    out = tmp_path / "model"
    state = random_state(tiny, "mlm")
    save_checkpoint(out, tiny, state, spm_file, kind="mlm", labels=None, provenance={"run": "test"})
    return out


@pytest.fixture
def loose(folder: Path) -> Path:
    """The same folder without provenance: as Hugging Face leaves one."""
    (folder / "provenance.json").unlink()
    return folder


def edit_config(folder: Path, **changes: Any) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def edit_weights(folder: Path, change: Callable[[dict[str, Tensor]], object]) -> None:
    tensors = {name: tensor.clone() for name, tensor in load_file(folder / "model.safetensors").items()}
    change(tensors)
    save_file(tensors, folder / "model.safetensors")


@pytest.mark.parametrize(("head", "dense"), HEADS)
def test_what_is_saved_is_loaded(
    tmp_path: Path, tiny: EncoderConfig, random_state: RandomState, spm_file: Path, head: str | None, dense: bool
) -> None:
    state = random_state(tiny, head, classes=5, dense=dense)
    labels = ["v", "w", "x", "y", "z"] if head in ("sequence", "token") else None
    out = tmp_path / "out"
    save_checkpoint(out, tiny, state, spm_file, kind=head, labels=labels, provenance={"lr": 3e-5})
    checkpoint = open_checkpoint(out)
    assert checkpoint.config == tiny
    assert checkpoint.labels == tuple(labels or ())
    assert checkpoint.provenance["lr"] == 3e-5
    loaded = load_state(checkpoint, head=head)
    assert loaded.keys() == state.keys()
    assert all(torch.equal(loaded[name], state[name]) for name in state)


def test_head_weights_are_left_out_unless_asked_for(folder: Path) -> None:
    names = load_state(open_checkpoint(folder), head=None)
    assert all(name.startswith("encoder.") for name in names)


def test_asking_for_a_head_that_is_not_there_names_the_one_that_is(folder: Path) -> None:
    with pytest.raises(DataError, match=r"no sequence head here .* the file has a mlm head"):
        load_state(open_checkpoint(folder), head="sequence")
    with pytest.raises(UsageError, match="Did you mean 'token'"):
        load_state(open_checkpoint(folder), head="tokens")


def test_an_opened_folder_is_described_by_its_content(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    checkpoint = open_checkpoint(folder)
    assert (checkpoint.name, checkpoint.layout) == ("model", "huggingface")
    assert checkpoint.architecture == "XLMRobertaForMaskedLM"
    assert checkpoint.weights_digest == sha256_of(folder / "model.safetensors")
    assert checkpoint.tokenizer_digest == sha256_of(folder / "sentencepiece.bpe.model")
    assert checkpoint.provenance["run"] == "test"
    assert checkpoint.provenance["created_by"].startswith("xlmr_bench ")
    monkeypatch.chdir(folder)
    assert open_checkpoint(Path(".")).name == "model"


def test_opening_safetensors_does_not_import_torch(folder: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from xlmr_bench.modeling.checkpoint import open_checkpoint; "
        f"open_checkpoint(Path({str(folder)!r})); assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_two_folders_of_one_name_differ_by_their_digests(
    tmp_path: Path, tiny: EncoderConfig, random_state: RandomState, spm_file: Path
) -> None:
    state = random_state(tiny, None)
    opened = []
    for run in ("a", "b"):
        out = tmp_path / run / "checkpoint-best"
        save_checkpoint(out, tiny, state, spm_file, kind=None, labels=None, provenance={})
        opened.append(open_checkpoint(out))
        state = {**state, "encoder.embedding_norm.bias": state["encoder.embedding_norm.bias"] + 1e-3}
    assert opened[0].name == opened[1].name
    assert opened[0].weights_digest != opened[1].weights_digest
    assert opened[0].tokenizer_digest == opened[1].tokenizer_digest


def test_sharded_weights_equal_the_single_file(loose: Path) -> None:
    whole = load_state(open_checkpoint(loose), head="mlm")
    shard(loose)
    checkpoint = open_checkpoint(loose)
    assert [path.name for path in checkpoint.weights_files] == ["part-1.safetensors", "part-2.safetensors"]
    assert checkpoint.weights_digest == digest_of([sha256_of(path) for path in checkpoint.weights_files])
    sharded = load_state(checkpoint, head="mlm")
    assert all(torch.equal(sharded[name], whole[name]) for name in whole)


def shard(folder: Path) -> None:
    tensors = load_file(folder / "model.safetensors")
    weight_map = {name: f"part-{1 + i % 2}.safetensors" for i, name in enumerate(sorted(tensors))}
    for file in set(weight_map.values()):
        save_file({n: t.clone() for n, t in tensors.items() if weight_map[n] == file}, folder / file)
    (folder / "model.safetensors").unlink()
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": weight_map}))


@pytest.mark.parametrize("file", ["absent.safetensors", "../part-1.safetensors"])
def test_an_index_that_names_a_file_elsewhere_is_refused(loose: Path, file: str) -> None:
    shard(loose)
    shutil.copy(loose / "part-1.safetensors", loose.parent)
    index = loose / "model.safetensors.index.json"
    index.write_text(index.read_text().replace("part-1.safetensors", file, 1))
    with pytest.raises(DataError, match=file):
        open_checkpoint(loose)


def test_an_index_that_disagrees_with_a_shard_is_refused(loose: Path) -> None:
    shard(loose)
    index = loose / "model.safetensors.index.json"
    index.write_text(index.read_text().replace("part-1.safetensors", "part-2.safetensors", 1))
    with pytest.raises(DataError, match=r"disagrees with its files about lm_head\.bias"):
        open_checkpoint(loose)


@pytest.mark.parametrize("zipped", [True, False])
def test_pickled_weights_equal_safetensors(loose: Path, zipped: bool) -> None:
    whole = load_state(open_checkpoint(loose), head="mlm")
    tensors = {**load_file(loose / "model.safetensors"), "roberta.embeddings.position_ids": torch.arange(66)[None]}
    torch.save(tensors, loose / "pytorch_model.bin", _use_new_zipfile_serialization=zipped)
    (loose / "model.safetensors").unlink()
    checkpoint = open_checkpoint(loose)
    assert checkpoint.weights_files == (loose / "pytorch_model.bin",)
    loaded = load_state(checkpoint, head="mlm")
    assert all(torch.equal(loaded[name], whole[name]) for name in whole)


def test_half_precision_weights_become_fp32(loose: Path) -> None:
    whole = load_state(open_checkpoint(loose), head="mlm")
    edit_weights(loose, lambda tensors: tensors.update({name: t.half() for name, t in tensors.items()}))
    loaded = load_state(open_checkpoint(loose), head="mlm")
    assert all(t.dtype == torch.float32 for t in loaded.values())
    assert all(torch.equal(loaded[n], whole[n].half().float()) for n in whole if "position" not in n)


def test_pooler_and_tied_copies_are_ignored(loose: Path) -> None:
    whole = load_state(open_checkpoint(loose), head="mlm")

    def add(tensors: dict[str, Tensor]) -> None:
        words = tensors["roberta.embeddings.word_embeddings.weight"]
        tensors["roberta.pooler.dense.weight"] = torch.ones(48, 48)
        tensors["lm_head.decoder.weight"] = words.clone()
        tensors["lm_head.decoder.bias"] = tensors["lm_head.bias"].clone()

    edit_weights(loose, add)
    loaded = load_state(open_checkpoint(loose), head="mlm")
    assert loaded.keys() == whole.keys()


@pytest.mark.parametrize("name", ["lm_head.decoder.weight", "lm_head.weight"])
def test_an_untied_output_layer_is_refused(loose: Path, name: str) -> None:
    edit_weights(loose, lambda tensors: tensors.update({name: torch.ones(202, 48)}))
    with pytest.raises(DataError, match=f"{name} differs from roberta.embeddings.word_embeddings.weight"):
        load_state(open_checkpoint(loose), head="mlm")


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


@pytest.mark.parametrize("name", DAMAGES)
def test_tensors_that_are_not_the_configurations_are_named(loose: Path, name: str) -> None:
    change, message = DAMAGES[name]
    edit_weights(loose, change)
    with pytest.raises(DataError, match=message):
        open_checkpoint(loose)


def test_integer_weights_are_refused(loose: Path) -> None:
    edit_weights(loose, lambda tensors: tensors.update({NORM: torch.ones(48, dtype=torch.int64)}))
    with pytest.raises(DataError, match=f"{NORM} holds torch.int64"):
        load_state(open_checkpoint(loose), head=None)


@pytest.mark.parametrize("kept", [4, 100, 5000, -1])
def test_truncated_weights_are_refused_by_name(loose: Path, kept: int) -> None:
    path = loose / "model.safetensors"
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(DataError, match=r"model\.safetensors: (truncated|not a safetensors file)"):
        open_checkpoint(loose)


def test_weights_followed_by_more_bytes_are_refused(loose: Path) -> None:
    with (loose / "model.safetensors").open("ab") as f:
        f.write(b"x")
    with pytest.raises(DataError, match="followed by foreign bytes"):
        open_checkpoint(loose)


@pytest.mark.parametrize("content", ["", "{", "[]", '{"vocab_size": 202}', '{"model_type": "bert"}'])
def test_a_configuration_of_something_else_is_refused_by_name(loose: Path, content: str) -> None:
    (loose / "config.json").write_text(content)
    with pytest.raises(DataError, match=r"config\.json"):
        open_checkpoint(loose)


@pytest.mark.parametrize(
    "change",
    [{"hidden_size": "wide"}, {"num_attention_heads": 0}, {"architectures": 3}, {"num_hidden_layers": 3}],
)
def test_configuration_values_that_cannot_be_are_refused(loose: Path, change: dict[str, Any]) -> None:
    edit_config(loose, **change)
    with pytest.raises(DataError, match=str(loose)):
        open_checkpoint(loose)


def test_a_changed_file_is_refused_with_both_digests(folder: Path) -> None:
    before = sha256_of(folder / "model.safetensors")
    edit_weights(folder, lambda tensors: tensors[NORM].add_(1e-6))
    after = sha256_of(folder / "model.safetensors")
    with pytest.raises(DataError, match=rf"model\.safetensors: .*{after}.*{before}"):
        open_checkpoint(folder)


def test_a_listed_file_that_is_gone_is_refused(folder: Path) -> None:
    (folder / "tokenizer.json").unlink()
    with pytest.raises(DataError, match=r"lists 'tokenizer\.json'"):
        open_checkpoint(folder)


def test_a_digest_of_a_file_elsewhere_is_refused(folder: Path) -> None:
    shutil.copy(folder / "config.json", folder.parent)
    path = folder / "provenance.json"
    path.write_text(path.read_text().replace('"config.json"', '"../config.json"'))
    with pytest.raises(DataError, match=r"lists '\.\./config\.json'"):
        open_checkpoint(folder)


def test_another_tokenizer_is_refused_with_both_sizes(loose: Path, tiny: EncoderConfig) -> None:
    edit_config(loose, vocab_size=208)
    edit_weights(loose, pad_vocabulary)
    with pytest.raises(DataError, match=r"vocab_size is 208, but sentencepiece\.bpe\.model gives 202 ids"):
        open_checkpoint(loose)


def pad_vocabulary(tensors: dict[str, Tensor]) -> None:
    tensors["roberta.embeddings.word_embeddings.weight"] = torch.zeros(208, 48)
    tensors["lm_head.bias"] = torch.zeros(208)


@pytest.mark.parametrize("file", ["config.json", "model.safetensors", "sentencepiece.bpe.model"])
def test_a_missing_file_is_named(loose: Path, file: str) -> None:
    (loose / file).unlink()
    with pytest.raises(DataError, match=file.replace(".", r"\.")):
        open_checkpoint(loose)


def test_paths_that_are_no_folder_are_usage_errors(loose: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"hf:NAME.*init"):
        open_checkpoint(tmp_path / "absent")
    with pytest.raises(UsageError, match="is a file"):
        open_checkpoint(loose / "config.json")
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


def test_an_occupied_folder_is_not_overwritten(
    folder: Path, tmp_path: Path, tiny: EncoderConfig, random_state: RandomState, spm_file: Path
) -> None:
    def save(out: Path) -> None:
        state = random_state(tiny, None)
        save_checkpoint(out, tiny, state, spm_file, kind=None, labels=None, provenance={})

    before = {path.name: sha256_of(path) for path in folder.iterdir()}
    with pytest.raises(UsageError, match="exists and is not empty"):
        save(folder)
    with pytest.raises(UsageError, match="is a file"):
        save(folder / "config.json")
    assert {path.name: sha256_of(path) for path in folder.iterdir()} == before
    (tmp_path / "empty").mkdir()
    save(tmp_path / "empty")
    assert open_checkpoint(tmp_path / "empty").architecture == "XLMRobertaModel"


def test_a_failed_save_leaves_nothing(
    tmp_path: Path, tiny: EncoderConfig, random_state: RandomState, spm_file: Path
) -> None:
    good = random_state(tiny, None)
    refused: list[tuple[EncoderConfig, dict[str, Tensor], str | None, list[str] | None]] = [
        (tiny, {**good, "encoder.extra": torch.ones(1)}, None, None),
        (replace(tiny, num_hidden_layers=3), good, None, None),
        (tiny, random_state(tiny, "token"), "token", ["only", "two"]),
        (tiny, random_state(tiny, "token"), None, None),
    ]
    for config, state, kind, labels in refused:
        with pytest.raises(DataError):
            save_checkpoint(tmp_path / "out", config, state, spm_file, kind=kind, labels=labels, provenance={})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("layout", ["hf", "fairseq"])
def test_a_full_disk_leaves_nothing_and_is_explained(
    tmp_path: Path, tiny: EncoderConfig, random_state: RandomState, spm_file: Path, layout: str
) -> None:
    config = replace(tiny, layer_norm_eps=1e-5)
    save_checkpoint(
        tmp_path / "whole", config, random_state(config, "mlm"), spm_file, kind="mlm", labels=None, provenance={}
    )
    convert(tmp_path / "whole", "fairseq", tmp_path / "fairseq")
    source = tmp_path / {"hf": "fairseq", "fairseq": "whole"}[layout]
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, limits[1]))  # writing beyond it fails, as on a full disk
    try:
        with pytest.raises(XlmrBenchError, match=f"cannot write {tmp_path / 'target'}"):
            convert(source, layout, tmp_path / "target")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["fairseq", "whole"]


def test_hugging_faces_names_hold_everything_and_zeros(tiny: EncoderConfig, random_state: RandomState) -> None:
    state = random_state(tiny, None)
    assert torch.equal(to_hf(state, None)["embeddings.token_type_embeddings.weight"], torch.zeros(1, 48))
    with pytest.raises(DataError, match=r"1 unknown: encoder\.adapter"):
        to_hf({**state, "encoder.adapter": torch.ones(1)}, None)
    with pytest.raises(DataError, match=r"missing: head\.out\.weight"):
        to_hf(state, "token")


def test_a_random_model_depends_on_its_seed_alone(tmp_path: Path, spm_file: Path) -> None:
    def create(out: str, seed: int) -> tuple[Checkpoint, dict[str, Tensor]]:
        checkpoint = create_random("tiny", spm_file, tmp_path / out, seed)
        return checkpoint, load_state(checkpoint, head="mlm")

    torch.manual_seed(1)
    checkpoint, first = create("a", 5)
    again, second = create("b", 5)
    other, third = create("c", 6)
    assert checkpoint.weights_digest == again.weights_digest != other.weights_digest
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert checkpoint.config.vocab_size == load_sentencepiece(spm_file).vocab_size == 202
    words = first["encoder.word_embeddings.weight"]
    assert (words[1] == 0).all(), "<pad>"
    assert words[2:].std().item() == pytest.approx(0.02, rel=0.05)
    assert all((first[name] == 0).all() for name in first if name.endswith("bias"))
    Encoder(checkpoint.config).load_state_dict(
        {name.removeprefix("encoder."): t for name, t in third.items() if name.startswith("encoder.")}
    )


def test_what_init_cannot_do_is_explained(tmp_path: Path, spm_file: Path) -> None:
    with pytest.raises(UsageError, match="Did you mean 'small'"):
        create_random("smal", spm_file, tmp_path / "out", 1)
    with pytest.raises(DataError, match="absent"):
        create_random("tiny", tmp_path / "absent", tmp_path / "out", 1)
    (tmp_path / "text").write_text("no model")
    with pytest.raises(DataError, match="not a SentencePiece model"):
        create_random("tiny", tmp_path / "text", tmp_path / "out", 1)
    assert not (tmp_path / "out").exists()


def test_a_copied_folder_opens_elsewhere_and_read_only(folder: Path, tmp_path: Path) -> None:
    copied = shutil.copytree(folder, tmp_path / "elsewhere")
    for path in copied.iterdir():
        os.chmod(path, 0o444)
    assert open_checkpoint(copied).weights_digest == open_checkpoint(folder).weights_digest
