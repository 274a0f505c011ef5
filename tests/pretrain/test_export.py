"""What a run leaves behind: a model folder for Hugging Face and xlmr_bench, and the same from any checkpoint."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from training import ALONE, checkpoint, environment, model_of, same_weights, settings_of, weights_of
from transformers import AutoTokenizer, XLMRobertaForMaskedLM

from pretrain.batches import Corpus
from pretrain.cli import main
from pretrain.model import MaskedLM
from pretrain.shards import open_shards
from xlmr_bench.modeling.checkpoint import load_state, open_checkpoint


def ours(folder: Path) -> MaskedLM:
    opened = open_checkpoint(folder)
    model = MaskedLM(opened.config)
    model.load_state_dict(load_state(opened, head="mlm"))
    return model.eval()


def exported(unbroken: Path, folder: Path, *words: str) -> Path:
    assert main(["export", str(unbroken), str(folder), *words]) == 0
    return folder


def test_hugging_face_computes_the_same_logits(config: Path, shards: Path, unbroken: Path) -> None:
    theirs = XLMRobertaForMaskedLM.from_pretrained(model_of(unbroken), attn_implementation="eager").eval()
    own = ours(model_of(unbroken))
    (batch,) = Corpus(open_shards(shards), settings_of(config)).validation_batches(0, 100)
    with torch.no_grad():
        expected = theirs(batch.ids).logits
        found = own.head(own.encoder(batch.ids, None).flatten(0, 1), own.encoder.word_embeddings.weight)
    torch.testing.assert_close(found, expected.flatten(0, 1), rtol=0, atol=1e-5)
    assert float(expected.std()) > 0.05


def test_hugging_face_tokenizes_as_the_shards_do(config: Path, shards: Path, unbroken: Path) -> None:
    manifest = open_shards(shards)
    tokenizer = AutoTokenizer.from_pretrained(model_of(unbroken))
    assert len(tokenizer) == manifest.vocab_size
    first = Corpus(manifest, settings_of(config)).streams[1].read(0, 40).tolist()
    sentence = (shards.parent / "text" / "sw.txt").read_text(encoding="utf-8").splitlines()[0]
    ids = tokenizer(sentence)["input_ids"]
    assert ids[1:] == first[: len(ids) - 1]


def test_the_folder_tells_its_origin(unbroken: Path) -> None:
    told = open_checkpoint(model_of(unbroken)).provenance["pretraining"]
    assert told["progress"]["step"] == 24
    assert told["progress"]["tokens"] == 24 * 256
    assert told["settings"]["training"]["learning_rate"] == 3e-3
    assert told["corpus"]


def test_the_newest_checkpoint_is_the_final_model(unbroken: Path, tmp_path: Path) -> None:
    exported(unbroken, model_of(tmp_path))
    assert same_weights(unbroken, tmp_path)


def test_an_earlier_step_is_an_earlier_model(
    unbroken: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    exported(unbroken, model_of(tmp_path), "--step", "8")
    assert "step 8" in capsys.readouterr().out
    assert not same_weights(unbroken, tmp_path)
    assert open_checkpoint(model_of(tmp_path)).provenance["pretraining"]["progress"]["step"] == 8
    assert all(torch.isfinite(w).all() for w in weights_of(tmp_path).values())


def test_shards_of_several_processes_are_put_together(by_four: dict[str, Path], tmp_path: Path) -> None:
    exported(by_four["fsdp"], model_of(tmp_path))
    assert same_weights(by_four["fsdp"], tmp_path)


def test_exporting_prints_nothing_of_the_libraries(unbroken: Path, tmp_path: Path) -> None:
    words = [*ALONE, "export", str(unbroken), str(tmp_path / "model")]
    done = subprocess.run(words, capture_output=True, text=True, env=environment(), timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"{tmp_path / 'model'}: step 24 of {unbroken}\n"


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["--step", "9"], 2, "has no complete checkpoint of step 9; it has 8, 16, 24."),
        (["--step", "0"], 2, "has no complete checkpoint of step 0"),
    ],
)
def test_a_step_that_is_not_there_is_refused(
    unbroken: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str], code: int, said: str
) -> None:
    assert main(["export", str(unbroken), str(tmp_path / "model"), *words]) == code
    assert said in capsys.readouterr().err
    assert not (tmp_path / "model").exists()


def test_a_folder_that_is_no_run_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["export", str(tmp_path), str(tmp_path / "model")]) == 3
    assert f"{tmp_path} holds no complete checkpoint. Give the folder of a run" in capsys.readouterr().err


def test_a_folder_that_is_not_empty_is_not_overwritten(
    unbroken: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "keep.txt").write_text("mine")
    assert main(["export", str(unbroken), str(tmp_path)]) == 2
    assert "exists and is not empty" in capsys.readouterr().err
    assert [p.name for p in tmp_path.iterdir()] == ["keep.txt"]


@pytest.mark.parametrize("name", ["__0_0.distcp", ".metadata", "training.json"])
def test_a_damaged_checkpoint_is_named(
    unbroken: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    run = tmp_path / "run"
    shutil.copytree(checkpoint(unbroken, 8), checkpoint(run, 8))
    part = checkpoint(run, 8) / name
    part.write_bytes(part.read_bytes()[:1000])
    assert main(["export", str(run), str(tmp_path / "model")]) == 3
    error = capsys.readouterr().err
    assert str(checkpoint(run, 8)) in error
    assert "cannot be read" in error
    assert "the checkpoint before it" in error.replace("the one", "the checkpoint")
    assert "Traceback" not in error


def test_shards_with_another_tokenizer_are_refused(
    unbroken: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path / "run"
    shutil.copytree(checkpoint(unbroken, 8), checkpoint(run, 8))
    path = checkpoint(run, 8) / "training.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"tokenizer": "0" * 64}))
    assert main(["export", str(run), str(tmp_path / "model")]) == 3
    assert "has another tokenizer than this run was trained with" in capsys.readouterr().err


@pytest.mark.slow
def test_the_harness_runs_on_the_exported_model(unbroken: Path, tmp_path: Path) -> None:
    words = ["run", "xnli", "--model", str(model_of(unbroken)), "--languages", "en,sw", "--output", str(tmp_path)]
    words += ["--set", "epochs=0", "--set", "steps=4", "--set", "evaluate_every=4", "--set", "precision=fp32"]
    done = subprocess.run(
        [sys.executable, "-m", "xlmr_bench", *words], env=environment(), capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
