"""Checkpoint folders: what is written is read back whatever the layout, and writing leaves all or nothing."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from checkpoint_edits import edit_weights, shard
from safetensors.torch import load_file
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


def test_head_weights_are_left_out_unless_asked_for(mlm_folder: Path) -> None:
    names = load_state(open_checkpoint(mlm_folder), head=None)
    assert all(name.startswith("encoder.") for name in names)


def test_asking_for_a_head_that_is_not_there_names_the_one_that_is(mlm_folder: Path) -> None:
    with pytest.raises(DataError, match=r"no sequence head here .* the file has a mlm head"):
        load_state(open_checkpoint(mlm_folder), head="sequence")
    with pytest.raises(UsageError, match="Did you mean 'token'"):
        load_state(open_checkpoint(mlm_folder), head="tokens")


def test_an_opened_folder_is_described_by_its_content(mlm_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    checkpoint = open_checkpoint(mlm_folder)
    assert (checkpoint.name, checkpoint.layout) == ("model", "huggingface")
    assert checkpoint.architecture == "XLMRobertaForMaskedLM"
    assert checkpoint.weights_digest == sha256_of(mlm_folder / "model.safetensors")
    assert checkpoint.tokenizer_digest == sha256_of(mlm_folder / "sentencepiece.bpe.model")
    assert checkpoint.provenance["run"] == "test"
    assert checkpoint.provenance["created_by"].startswith("xlmr_bench ")
    monkeypatch.chdir(mlm_folder)
    assert open_checkpoint(Path(".")).name == "model"


def test_opening_safetensors_does_not_import_torch(mlm_folder: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from xlmr_bench.modeling.checkpoint import open_checkpoint; "
        f"open_checkpoint(Path({str(mlm_folder)!r})); assert 'torch' not in sys.modules"
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


def test_sharded_weights_equal_the_single_file(loose_folder: Path) -> None:
    whole = load_state(open_checkpoint(loose_folder), head="mlm")
    shard(loose_folder)
    checkpoint = open_checkpoint(loose_folder)
    assert [path.name for path in checkpoint.weights_files] == ["part-1.safetensors", "part-2.safetensors"]
    assert checkpoint.weights_digest == digest_of([sha256_of(path) for path in checkpoint.weights_files])
    sharded = load_state(checkpoint, head="mlm")
    assert all(torch.equal(sharded[name], whole[name]) for name in whole)


@pytest.mark.parametrize("zipped", [True, False])
def test_pickled_weights_equal_safetensors(loose_folder: Path, zipped: bool) -> None:
    whole = load_state(open_checkpoint(loose_folder), head="mlm")
    tensors = {
        **load_file(loose_folder / "model.safetensors"),
        "roberta.embeddings.position_ids": torch.arange(66)[None],
    }
    torch.save(tensors, loose_folder / "pytorch_model.bin", _use_new_zipfile_serialization=zipped)
    (loose_folder / "model.safetensors").unlink()
    checkpoint = open_checkpoint(loose_folder)
    assert checkpoint.weights_files == (loose_folder / "pytorch_model.bin",)
    loaded = load_state(checkpoint, head="mlm")
    assert all(torch.equal(loaded[name], whole[name]) for name in whole)


def test_half_precision_weights_become_fp32(loose_folder: Path) -> None:
    whole = load_state(open_checkpoint(loose_folder), head="mlm")
    edit_weights(loose_folder, lambda tensors: tensors.update({name: t.half() for name, t in tensors.items()}))
    loaded = load_state(open_checkpoint(loose_folder), head="mlm")
    assert all(t.dtype == torch.float32 for t in loaded.values())
    assert all(torch.equal(loaded[n], whole[n].half().float()) for n in whole if "position" not in n)


def test_pooler_and_tied_copies_are_ignored(loose_folder: Path) -> None:
    whole = load_state(open_checkpoint(loose_folder), head="mlm")

    def add(tensors: dict[str, Tensor]) -> None:
        words = tensors["roberta.embeddings.word_embeddings.weight"]
        tensors["roberta.pooler.dense.weight"] = torch.ones(48, 48)
        tensors["lm_head.decoder.weight"] = words.clone()
        tensors["lm_head.decoder.bias"] = tensors["lm_head.bias"].clone()

    edit_weights(loose_folder, add)
    loaded = load_state(open_checkpoint(loose_folder), head="mlm")
    assert loaded.keys() == whole.keys()


def test_an_occupied_folder_is_not_overwritten(
    mlm_folder: Path, tmp_path: Path, tiny: EncoderConfig, random_state: RandomState, spm_file: Path
) -> None:
    def save(out: Path) -> None:
        state = random_state(tiny, None)
        save_checkpoint(out, tiny, state, spm_file, kind=None, labels=None, provenance={})

    before = {path.name: sha256_of(path) for path in mlm_folder.iterdir()}
    with pytest.raises(UsageError, match="exists and is not empty"):
        save(mlm_folder)
    with pytest.raises(UsageError, match="is a file"):
        save(mlm_folder / "config.json")
    assert {path.name: sha256_of(path) for path in mlm_folder.iterdir()} == before
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


def test_a_copied_folder_opens_elsewhere_and_read_only(mlm_folder: Path, tmp_path: Path) -> None:
    copied = shutil.copytree(mlm_folder, tmp_path / "elsewhere")
    for path in copied.iterdir():
        os.chmod(path, 0o444)
    assert open_checkpoint(copied).weights_digest == open_checkpoint(mlm_folder).weights_digest
