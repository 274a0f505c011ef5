"""What cannot be trained is said before anything is computed: what, where, and what to do next; nothing is left."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest
from training import model_of, train_here

from pretrain.cli import main
from pretrain.shards import open_shards


@pytest.fixture
def refused(config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):  # type: ignore[no-untyped-def]
    """Train with overrides that must be refused with an exit code; the one line on stderr."""

    def run(code: int, *words: str, config: Path = config) -> str:
        assert train_here(config, tmp_path / "run", *words) == code
        said = capsys.readouterr()
        assert said.out == ""
        assert said.err.startswith("pretrain: ")
        assert "Traceback" not in said.err
        assert not list(tmp_path.glob("run/[a-z]*"))  # at most a lock
        return said.err.removeprefix("pretrain: ").strip()

    return run


def damaged(shards: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "shards"
    shutil.copytree(shards, folder)
    return folder


def test_languages_without_shards_are_named_with_those_there_are(refused) -> None:  # type: ignore[no-untyped-def]
    error = refused(3, "data.languages=en,fr,de")
    assert error == (
        "2 of 3 languages asked for have no shards: de, fr. There are: en, sw, th, ur, vi, zh. Write the missing ones "
        "with `python -m pretrain shard`, or change data.languages (`all`: what is there)."
    )


def test_a_language_that_does_not_exist_is_refused(refused) -> None:  # type: ignore[no-untyped-def]
    assert "unknown language 'eng'. Did you mean 'en'?" in refused(2, "data.languages=eng")


def test_a_language_smaller_than_a_block_is_named(refused, shards: Path) -> None:  # type: ignore[no-untyped-def]
    tokens = open_shards(shards).languages["vi"].tokens
    assert refused(3, "data.languages=en,vi", "block_tokens=128") == (
        f"language 'vi' has {tokens} tokens in {shards}, less than one block of 126. Add text, drop it from "
        "data.languages, or lower data.block_tokens."
    )


def test_blocks_beyond_the_positions_are_refused(refused) -> None:  # type: ignore[no-untyped-def]
    error = refused(2, "block_tokens=513", "data.languages=en")
    assert error.startswith("data.block_tokens is 513, but the encoder takes at most 512 tokens")


@pytest.mark.parametrize("alpha", ["-0.1", "1.1"])
def test_alpha_outside_its_range_is_refused(refused, alpha: str) -> None:  # type: ignore[no-untyped-def]
    assert refused(2, f"data.alpha={alpha}") == (
        f"data.alpha is {alpha}; it lies between 0 (all languages alike) and 1 (as in the corpus)."
    )


def test_another_vocabulary_than_that_of_the_shards_is_refused(refused, shards: Path) -> None:  # type: ignore[no-untyped-def]
    assert refused(2, "model.vocab_size=250002") == (
        f"model.vocab_size is 250,002, but the shards in {shards} were made with a tokenizer of "
        f"{open_shards(shards).vocab_size} ids. Shard the text with the right tokenizer, or correct model.vocab_size."
    )


def test_the_vocabulary_of_the_shards_may_be_said(config: Path, shards: Path, tmp_path: Path) -> None:
    said = f"model.vocab_size={open_shards(shards).vocab_size}"
    assert train_here(config, tmp_path / "run", said, "training.steps=4", "report.validate_every=0") == 0


def test_fewer_steps_than_the_warmup_are_refused(refused) -> None:  # type: ignore[no-untyped-def]
    assert refused(2, "training.steps=3") == "training.steps is 3, less than warmup_steps 4."


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["training.step=5"], "unknown setting 'training.step'. Did you mean 'training.steps'?"),
        (["batch_size=many"], "training.batch_size = 'many', but it must be a whole number."),
        (["parallel.mode=zero"], "unknown parallel.mode 'zero'. Known: ddp, fsdp, hsdp."),
        (["model.size=huge"], "unknown model.size 'huge'."),
        (["--variant", "long"], "has no variants."),
        (["--variants", "long"], "Did you mean '--variant'?"),
        (["model.num_attention_heads=3"], "hidden_size 32 is not a multiple of num_attention_heads 3"),
        (["parallel.compile=true", "micro_batch=3"], "do not divide by parallel.micro_batch 3."),
    ],
)
def test_settings_that_cannot_be_meant_are_refused(refused, words: list[str], said: str) -> None:  # type: ignore[no-untyped-def]
    assert said in refused(3 if "hidden_size" in said else 2, *words)


def test_a_configuration_that_is_not_there_or_no_toml_is_refused(refused, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    missing = refused(2, config=tmp_path / "none.toml")
    assert f"cannot read {tmp_path / 'none.toml'}: No such file or directory. Configurations in" in missing
    (tmp_path / "bad.toml").write_text("[training\n")
    assert f"{tmp_path / 'bad.toml'} is not TOML" in refused(2, config=tmp_path / "bad.toml")


def test_shards_that_are_not_there_are_answered_with_the_command_that_makes_them(  # type: ignore[no-untyped-def]
    refused, tmp_path: Path
) -> None:
    error = refused(3, f"data.shards={tmp_path / 'none'}")
    assert f"no shards in {tmp_path / 'none'}" in error
    assert "python -m pretrain shard TEXT" in error


def test_a_truncated_shard_is_named(refused, shards: Path, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    folder = damaged(shards, tmp_path)
    path = folder / "sw" / "00000.bin"
    path.write_bytes(path.read_bytes()[:-10])
    size = path.stat().st_size
    error = refused(3, f"data.shards={folder}")
    assert f"1 damaged file in {folder}: sw/00000.bin: {size:,} bytes instead of {size + 10:,}." in error
    assert "Delete them and repeat the `python -m pretrain shard`" in error


def test_shards_with_another_tokenizer_in_their_folder_are_refused(  # type: ignore[no-untyped-def]
    refused, shards: Path, tmp_path: Path, model: Path
) -> None:
    folder = damaged(shards, tmp_path)
    shutil.copy(model / "sentencepiece.bpe.model", folder / "sentencepiece.bpe.model")
    assert "is not the tokenizer that made these shards" in refused(3, f"data.shards={folder}")


def test_a_start_that_is_not_there_or_does_not_fit_is_refused(  # type: ignore[no-untyped-def]
    refused, unbroken: Path, tmp_path: Path, model: Path
) -> None:
    assert "no checkpoint folder" in refused(2, f"model.start_from={tmp_path / 'none'}")
    assert "another tokenizer than the shards" in refused(3, f"model.start_from={model}")
    error = refused(2, f"model.start_from={model_of(unbroken)}", "intermediate_size=32")
    assert "another shape than [model] describes" in error
    assert "Set model.size or its numbers to those of that model." in error


def test_no_gpu_is_said(refused) -> None:  # type: ignore[no-untyped-def]
    import torch

    if torch.cuda.is_available():
        pytest.skip("there is a GPU")
    assert "no CUDA GPU is visible to torch" in refused(2, "parallel.device=cuda")


def test_an_output_that_cannot_be_written_is_named(
    config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    assert train_here(config, tmp_path / "file" / "run") == 1
    assert f"cannot write {tmp_path / 'file' / 'run' / '.lock'}" in capsys.readouterr().err


def test_a_batch_that_the_processes_do_not_divide_is_refused(by_two: Mapping[str, Path]) -> None:
    error = (
        "pretrain: training.batch_size 15 does not divide by 2 processes. Take a multiple of 2, e.g. "
        "training.batch_size=16.\n"
    )
    assert by_two["stderr"].read_text().count(error) == 1  # though every process comes to it
    assert not list(by_two["refused"].glob("[a-z]*"))


def test_the_help_of_train_needs_no_torch(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "--help"]) == 0
    assert "--accept-changes" in capsys.readouterr().out
