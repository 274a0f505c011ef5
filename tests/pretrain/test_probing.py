"""The downstream probe within a training."""

from __future__ import annotations

from pathlib import Path

import pytest
from training import CONFIG, train_here, write_config

from pretrain.journal import read_journal

PROBE = "xnli --languages en,sw --set epochs=0 --set steps=4 --set precision=fp32"


def test_a_probe_scores_the_model_as_it_is_and_leaves_its_records(
    shards: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path / "run"
    config = write_config(tmp_path / "c.toml", shards, CONFIG | {"report": {"every": 2, "probe": PROBE}})
    assert train_here(config, run, "training.steps=4", "report.probe_every=4", "data.block_tokens=128") == 0
    (line,) = [x for x in read_journal(run / "metrics.jsonl") if x["kind"] == "probe"]
    assert line["step"] == 4
    assert set(line["scores"]["xnli/transfer/joint"]) == {"en", "sw", "avg"}
    assert "step 4: xnli/transfer/joint, dev: en " in capsys.readouterr().out
    folder = run / "probes" / "step-00000004"
    assert list(folder.rglob("seed1.json"))
    assert not list(folder.rglob("*.safetensors"))


def test_a_probe_that_fails_is_said_and_training_goes_on(
    shards: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path / "run"
    config = write_config(
        tmp_path / "c.toml", shards, CONFIG | {"report": {"every": 2, "probe": "xnli --protocol nonsense"}}
    )
    assert train_here(config, run, "training.steps=4", "report.probe_every=2") == 0
    assert "the probe of step 2 failed, training goes on" in capsys.readouterr().err
    assert [x["step"] for x in read_journal(run / "metrics.jsonl") if x["kind"] == "probe"] == [2, 4]
    assert (run / "FINISHED").is_file()
