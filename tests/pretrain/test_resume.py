"""A run that was killed ends as one that was not: same metrics, same weights, bit for bit."""

from __future__ import annotations

import os
import random
import re
import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest
from training import (
    EVERY,
    STEPS,
    checkpoint,
    kill_when,
    largest_difference,
    launch,
    lines_of,
    losses_of,
    model_of,
    same_weights,
    steps_done,
    steps_saved,
    stopped_at,
    train_here,
)

from pretrain.checkpoints import complete_checkpoints


def assert_unbroken(run: Path, other: Path) -> None:
    assert losses_of(run) == losses_of(other)
    for kind in ("train", "validation"):
        assert lines_of(run, kind) == lines_of(other, kind)
    assert same_weights(run, other)
    assert (run / "FINISHED").read_text() == f"step {STEPS}\n"
    assert os.readlink(run / "checkpoints" / "latest") == f"step-{STEPS:08}"


def begun_after(stdout: str) -> int:
    """The step after which a run said it continues; 0 for a new one."""
    found = re.search(r"continues after step (\d+)", stdout)
    return int(found[1]) if found else 0


@pytest.mark.parametrize("step", [4, 14])
def test_kill_9_changes_nothing(
    config: Path, unbroken: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], step: int
) -> None:
    run = tmp_path / "run"
    kill_when(1, config, run, step=step, delay_s=random.uniform(0, 0.03))
    assert not (run / "FINISHED").exists()
    newest = max(complete_checkpoints(run), default=0)
    assert train_here(config, run) == 0
    assert begun_after(capsys.readouterr().out) == newest
    assert_unbroken(run, unbroken)


def test_kill_9_of_two_processes_changes_nothing(by_two: Mapping[str, Path]) -> None:
    assert_unbroken(by_two["killed"], by_two["ddp"])


@pytest.mark.slow
def test_20_kills_of_two_processes_change_nothing(
    config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    long = tmp_path / "long.toml"
    long.write_text(config.read_text().replace("steps = 24", f"steps = {20 * EVERY}"))
    assert launch(2, long, tmp_path / "whole").returncode == 0
    run, rng = tmp_path / "run", random.Random(int.from_bytes(os.urandom(4), "little"))
    resumed: list[tuple[int, int]] = []
    for kill in range(20):
        reached = steps_done(run)
        newest = max(complete_checkpoints(run), default=0)
        at_start = kill % 5 == 4
        wanted = 0 if at_start else min(newest + rng.randint(1, EVERY + 4), 20 * EVERY - 1)
        said = kill_when(2, long, run, step=wanted, delay_s=rng.uniform(0, 6 if at_start else 0.1), one=kill % 4 == 3)
        assert at_start or begun_after(said) == newest
        # Nothing is lost but the steps since a checkpoint was complete, of which one may have been on its way.
        assert reached - newest <= 2 * EVERY
        resumed.append((newest, reached - newest))
    done = launch(2, long, run)
    assert done.returncode == 0, done.stderr
    with capsys.disabled():
        print(f"\n20 kills; continued after step (lost steps): {', '.join(f'{n} ({lost})' for n, lost in resumed)}")
    for kind in ("train", "validation"):
        assert lines_of(run, kind) == lines_of(tmp_path / "whole", kind)
    assert same_weights(run, tmp_path / "whole")


def test_two_processes_continue_what_one_began(by_two: Mapping[str, Path], unbroken: Path) -> None:
    run = by_two["continues one"]
    assert losses_of(run)[:8] == losses_of(unbroken)[:8]
    assert losses_of(run) == pytest.approx(losses_of(unbroken), abs=1e-5)
    assert largest_difference(run, unbroken) < 1e-5


@pytest.mark.parametrize(("mode", "step"), [("ddp", 8), ("fsdp", 16)])
def test_one_process_continues_what_two_began(
    config: Path, by_two: Mapping[str, Path], unbroken: Path, tmp_path: Path, mode: str, step: int
) -> None:
    run = stopped_at(by_two[mode], step, tmp_path / "run")
    assert train_here(config, run, "parallel.mode=ddp") == 0
    assert losses_of(run) == pytest.approx(losses_of(unbroken), abs=1e-5)
    assert largest_difference(run, unbroken) < 1e-5


def test_one_process_continues_the_uneven_shards_of_four(
    config: Path, by_four: Mapping[str, Path], unbroken: Path, tmp_path: Path
) -> None:
    run = stopped_at(by_four["fsdp"], 16, tmp_path / "run")
    assert train_here(config, run, "parallel.mode=fsdp", "micro_batch=16") == 0
    assert losses_of(run) == pytest.approx(losses_of(unbroken), abs=1e-5)


def test_an_incomplete_checkpoint_is_ignored_and_removed(
    config: Path, unbroken: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = stopped_at(unbroken, 16, tmp_path / "run")
    for step in (20, 99):
        shutil.copytree(checkpoint(unbroken, 24), checkpoint(run, step))
        (checkpoint(run, step) / ".metadata").unlink()
    assert train_here(config, run) == 0
    assert begun_after(capsys.readouterr().out) == 16
    assert_unbroken(run, unbroken)
    assert steps_saved(run) == [16, 24]


def test_latest_is_mended_where_a_kill_came_before_it(config: Path, unbroken: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    shutil.copytree(unbroken, run, symlinks=True)
    latest = run / "checkpoints" / "latest"
    latest.unlink()
    latest.symlink_to("step-00000016")
    assert train_here(config, run) == 0
    assert_unbroken(run, unbroken)


def test_repeating_a_finished_run_computes_nothing(
    config: Path, unbroken: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path / "run"
    shutil.copytree(unbroken, run, symlinks=True)
    before = (run / "metrics.jsonl").read_bytes()
    assert train_here(config, run) == 0
    assert begun_after(capsys.readouterr().out) == STEPS
    assert (run / "metrics.jsonl").read_bytes() == before
    assert_unbroken(run, unbroken)


def test_old_checkpoints_go_and_chosen_ones_stay(config: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    assert train_here(config, run, "checkpoint.every=4", "checkpoint.keep=2", "keep_every=8") == 0
    assert steps_saved(run) == [8, 16, 20, 24]
    assert train_here(config, run, "checkpoint.every=4", "checkpoint.keep=1") == 0
    assert steps_saved(run) == [24]


def test_where_it_computes_and_reports_may_change(config: Path, unbroken: Path, tmp_path: Path, shards: Path) -> None:
    run = stopped_at(unbroken, 16, tmp_path / "run")
    shutil.copytree(shards, tmp_path / "elsewhere")
    moved = [f"data.shards={tmp_path / 'elsewhere'}", "micro_batch=16", "checkpoint.keep=1", "report.every=3"]
    assert train_here(config, run, *moved, "spike_steps=5", "parallel.mode=hsdp") == 0
    assert largest_difference(run, unbroken) < 1e-5


CHANGES = ["learning_rate=1e-3", "alpha=0.5", "validation_blocks=2", "hidden_dropout_prob=0.2", "languages=en,sw"]


def test_another_configuration_is_refused_by_name_and_costs_nothing(
    config: Path, unbroken: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path / "run"
    shutil.copytree(unbroken, run, symlinks=True)
    before = sorted((p, p.stat().st_mtime_ns) for p in run.rglob("*") if p.is_file() and p.name != ".lock")
    assert train_here(config, run, *CHANGES, "checkpoint.keep=1") == 2
    error = capsys.readouterr().err
    assert f"{run} holds checkpoints of another configuration: " in error
    for change in (
        "training.learning_rate was 0.003, is 0.001",
        "data.alpha was 0.3, is 0.5",
        "data.validation_blocks was 4, is 2",
        "model.hidden_dropout_prob was 0.1, is 0.2",
        "data.languages was ['en', 'sw', 'th', 'ur', 'zh'], is ('en', 'sw')",
    ):
        assert change in error
    assert "another output=FOLDER, or --accept-changes" in error
    assert sorted((p, p.stat().st_mtime_ns) for p in run.rglob("*") if p.is_file() and p.name != ".lock") == before


def test_accepted_changes_go_on(
    config: Path, unbroken: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = stopped_at(unbroken, 16, tmp_path / "run")
    assert train_here(config, run, *CHANGES, "--accept-changes") == 0
    assert begun_after(capsys.readouterr().out) == 16
    assert losses_of(run)[:16] == losses_of(unbroken)[:16]
    assert losses_of(run)[16:] != losses_of(unbroken)[16:]
    # From here on these are the settings of the run.
    assert train_here(config, run, *CHANGES) == 0


@pytest.mark.parametrize("change", ["hidden_size=64", "num_hidden_layers=3", "num_attention_heads=4"])
def test_another_shape_is_never_accepted(
    config: Path, unbroken: Path, capsys: pytest.CaptureFixture[str], change: str
) -> None:
    assert train_here(config, unbroken, change, "--accept-changes") == 2
    error = capsys.readouterr().err
    assert f"{unbroken} holds checkpoints of another model: model.{change.partition('=')[0]} was" in error
    assert "Give the settings it was begun with, or another output=FOLDER." in error


def test_shards_with_another_content_are_refused(
    config: Path, shards: Path, unbroken: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from pretrain.sharding import shard_text

    run = stopped_at(unbroken, 16, tmp_path / "run")
    text = tmp_path / "text"
    shutil.copytree(shards.parent / "text", text)
    with (text / "sw.txt").open("a") as f:
        f.write("David aliuza farasi.\n")
    shutil.copytree(shards, tmp_path / "other")
    shard_text(text, tmp_path / "other", shards / "sentencepiece.bpe.model", line_documents=True)
    other = f"data.shards={tmp_path / 'other'}"
    assert train_here(config, run, other) == 2
    assert "another configuration: the shards have another content" in capsys.readouterr().err
    assert train_here(config, run, other, "--accept-changes") == 0


def test_a_damaged_checkpoint_is_named_and_the_one_before_it_is_used(
    config: Path, unbroken: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path / "run"
    shutil.copytree(unbroken, run, symlinks=True)
    part = next(checkpoint(run, 24).glob("*.distcp"))
    part.write_bytes(part.read_bytes()[: part.stat().st_size // 2])
    assert train_here(config, run) == 3
    error = capsys.readouterr().err
    assert f"{checkpoint(run, 24)} cannot be read" in error
    assert "Delete that folder and repeat the command: it takes the checkpoint before it" in error
    shutil.rmtree(checkpoint(run, 24))
    assert train_here(config, run) == 0
    assert_unbroken(run, unbroken)


def test_a_run_from_given_weights_continues_without_them(config: Path, unbroken: Path, tmp_path: Path) -> None:
    shutil.copytree(model_of(unbroken), tmp_path / "given")
    words = [f"model.start_from={tmp_path / 'given'}", "report.validate_every=0"]
    assert train_here(config, tmp_path / "whole", *words) == 0
    run = stopped_at(tmp_path / "whole", 16, tmp_path / "run")
    shutil.rmtree(tmp_path / "given")
    assert train_here(config, run, *words) == 0
    assert losses_of(run) == losses_of(tmp_path / "whole")
    assert same_weights(run, tmp_path / "whole")
    assert losses_of(run)[0] < losses_of(unbroken)[0] - 0.4
