"""A run that is asked to stop, runs out of disk, diverges, or meets another command at its work."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from contextlib import ExitStack
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from training import (
    STEPS,
    checkpoint,
    command,
    environment,
    launch,
    lines_of,
    losses_of,
    model_of,
    same_weights,
    started,
    steps_done,
    steps_saved,
    stopped_at,
    train_here,
    wait_for_step,
    weights_of,
)

from pretrain.cli import main
from xlmr_bench.files import locked

# Signals, and the step after which they are sent; 0: before the first.
SIGNALS = {
    "terminate": (signal.SIGTERM, 10), "user": (signal.SIGUSR1, 10), "ctrl-c": (signal.SIGINT, 10),
    "early": (signal.SIGTERM, 0),
}  # fmt: skip
Stopped = tuple[Path, int, str]


@pytest.fixture(scope="module")
def stopped(config: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Stopped]:
    """Runs that got a signal: folder, exit code and stderr. They run at the same time."""
    folder = tmp_path_factory.mktemp("stopped")
    runs = {name: folder / name for name in SIGNALS}
    found = {}
    with ExitStack() as stack:
        processes = {name: stack.enter_context(started(command(1, config, run))) for name, run in runs.items()}
        waiting = list(processes)
        while waiting:
            for name in [n for n in waiting if processes[n].poll() is not None or _reached(runs[n], SIGNALS[n][1])]:
                processes[name].send_signal(SIGNALS[name][0])
                waiting.remove(name)
            time.sleep(0.005)
        for name, process in processes.items():
            errors = process.communicate(timeout=60)[1]
            found[name] = (runs[name], process.returncode, errors)
    return found


def _reached(run: Path, step: int) -> bool:
    return steps_done(run) >= step if step else (run / "settings.json").exists()


@pytest.mark.parametrize("name", SIGNALS)
def test_a_signal_saves_and_the_same_command_continues(
    config: Path, unbroken: Path, stopped: dict[str, Stopped], name: str
) -> None:
    run, code, errors = stopped[name]
    assert code == 130, errors
    step = max(steps_saved(run))
    assert SIGNALS[name][1] <= step < STEPS
    assert f"stopped at step {step}; the same command continues after step {step}." in errors
    assert "Traceback" not in errors
    assert (run / "PREEMPTED").read_text() == f"step {step}\n"
    assert not (run / "FINISHED").exists()
    assert not (run / "model").exists()
    assert train_here(config, run) == 0
    assert not (run / "PREEMPTED").exists()
    assert (run / "FINISHED").exists()
    assert lines_of(run) == lines_of(unbroken)
    assert same_weights(run, unbroken)


def test_two_processes_stop_at_the_same_step(config: Path, unbroken: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    with started(command(2, config, run)) as process:
        wait_for_step(run, 6, process)
        process.send_signal(signal.SIGTERM)  # torchrun passes it on
        errors = process.communicate(timeout=60)[1]
    step = max(steps_saved(run))
    assert (run / "PREEMPTED").read_text() == f"step {step}\n", errors
    assert errors.count(f"stopped at step {step};") == 1
    assert train_here(config, run) == 0
    assert losses_of(run) == pytest.approx(losses_of(unbroken), abs=1e-5)


# Files of at most 300 kB: checkpoints do not fit, as on a disk that is full; metrics do.
def limited(words: list[str]) -> subprocess.CompletedProcess[str]:
    full = ["bash", "-c", 'ulimit -f 300; exec "$@"', "bash", *words]
    return subprocess.run(full, capture_output=True, text=True, env=environment(), timeout=120, check=False)


def test_a_full_disk_costs_the_checkpoint_and_not_the_run(config: Path, unbroken: Path, tmp_path: Path) -> None:
    run = stopped_at(unbroken, 8, tmp_path / "run")
    done = limited(command(1, config, run))
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    kept = checkpoint(run, 8)
    for step in (16, 24):
        said = f"the checkpoint of step {step} was not written: File too large. Newest complete one: {kept}. Free space"
        assert said in done.stderr
    assert f"pretrain: the state at step 24 could not be saved; newest complete checkpoint: {kept}." in done.stderr
    assert "Free space, then repeat the command: it continues from there." in done.stderr
    # It trained to the end, and what was there before is still there and whole.
    assert losses_of(run) == losses_of(unbroken)
    assert steps_saved(run) == [8]
    assert not (run / "FINISHED").exists()
    assert train_here(config, run) == 0
    assert lines_of(run) == lines_of(unbroken)
    assert same_weights(run, unbroken)


def test_a_last_checkpoint_that_cannot_be_begun_fails_the_run(
    config: Path, unbroken: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = stopped_at(unbroken, 16, tmp_path / "run")
    checkpoint(run, 24).write_text("a file where the folder should be")
    assert train_here(config, run) == 1
    error = capsys.readouterr().err
    assert "the checkpoint of step 24 was not written" in error
    assert f"the state at step 24 could not be saved; newest complete checkpoint: {checkpoint(run, 16)}." in error
    assert not (run / "FINISHED").exists()


@pytest.mark.parametrize("every", [1, 100])
def test_nan_stops_the_run_with_advice(
    config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], every: int
) -> None:
    run = tmp_path / "run"
    # The warm-up ends at step 4: only from there on the rate is beyond all measure.
    huge = ["learning_rate=1e38", "warmup_steps=0", "report.validate_every=0", f"report.every={every}"]
    assert train_here(config, run, *huge) == 1
    error = capsys.readouterr().err
    assert "training diverged" in error
    assert "lower rate (training.learning_rate=" in error
    assert "--accept-changes" in error
    assert "Traceback" not in error
    assert steps_saved(run) == []
    assert not (run / "model").exists()


def test_divergence_keeps_the_checkpoint_before_it(
    config: Path, unbroken: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = stopped_at(unbroken, 8, tmp_path / "run")
    assert train_here(config, run, "learning_rate=1e38", "--accept-changes") == 1
    assert str(checkpoint(run, 8)) in capsys.readouterr().err
    assert steps_saved(run) == [8]
    assert train_here(config, run) == 0  # as it was begun
    assert lines_of(run) == lines_of(unbroken)
    assert same_weights(run, unbroken)


@pytest.mark.parametrize("every", [1, 8])
def test_a_gradient_that_is_no_number_is_not_saved(
    config: Path, unbroken: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], every: int
) -> None:
    """The loss of such a step is still a number: it is that of the weights before."""
    given = tmp_path / "given"
    shutil.copytree(model_of(unbroken), given)
    weights = load_file(given / "model.safetensors")
    weights["lm_head.layer_norm.weight"] *= 1e25
    save_file(weights, given / "model.safetensors", metadata={"format": "pt"})
    (given / "provenance.json").unlink()
    words = [f"model.start_from={given}", f"checkpoint.every={every}", "report.every=100", "learning_rate=1e-9"]
    assert train_here(config, tmp_path / "run", *words) == 1
    error = capsys.readouterr().err
    assert f"training diverged: the gradient of step {every} is inf. There is no complete checkpoint yet" in error
    assert "lower rate (training.learning_rate=3.3e-10)" in error
    assert steps_saved(tmp_path / "run") == []


def test_a_second_command_on_a_run_is_refused(
    config: Path, unbroken: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = stopped_at(unbroken, 16, tmp_path / "run")
    with locked(run / ".lock", "the test"):
        assert train_here(config, run) == 1
    error = capsys.readouterr().err
    assert f"another process is already working on the run {run} (pid {os.getpid()} on " in error
    assert steps_saved(run) == [16]
    assert train_here(config, run) == 0


@pytest.mark.slow
def test_a_second_command_of_two_processes_is_refused(config: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    with locked(run / ".lock", "the test"):
        done = launch(2, config, run)
    assert done.returncode != 0
    assert "another process is already working on the run" in done.stderr
    assert "RuntimeError" not in done.stderr


def test_a_run_says_little_and_nothing_of_the_libraries(config: Path, tmp_path: Path) -> None:
    done = launch(1, config, tmp_path / "run")
    assert done.returncode == 0
    assert all(line.startswith("training: ") for line in done.stderr.splitlines())
    said = done.stdout.splitlines()
    assert [line.partition(":")[0] for line in said] == [f"{tmp_path / 'run'} starts", "step 12", "step 24", "finished"]
    assert "2 layers" in said[0] or "parameters, 5 languages" in said[0]


def test_a_checkpoint_of_any_step_holds_finite_weights(unbroken: Path, tmp_path: Path) -> None:
    shutil.copytree(unbroken, tmp_path / "run", symlinks=True)
    for step in steps_saved(unbroken):
        assert main(["export", str(unbroken), str(model_of(tmp_path / str(step))), "--step", str(step)]) == 0
        assert all(torch.isfinite(w).all() for w in weights_of(tmp_path / str(step)).values())
