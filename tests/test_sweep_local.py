"""Sweeps on this machine with real submitit jobs, left alone, disturbed, and run by two commands at once."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file, save_file
from short_run import command, environment, records

from xlmr_bench.results import find_records
from xlmr_bench.sweep.ledger import Sent, all_sent, read_journal

# Seconds of work in a job that is to be disturbed; little in the others.
BRIEF = ("--set", "steps=8", "--limit", "40")


def sweep(model: Path, output: Path, *words: str) -> list[str]:
    return command(model, output, "--seed", "1", "--launcher", "local", *words)


def started(model: Path, output: Path, *words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        sweep(model, output, *words), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment()
    )


def finished(model: Path, output: Path, *words: str, code: int = 0) -> tuple[list[dict[str, Any]], str]:
    """The jobs after a sweep that ends with `code`, and what it said."""
    done = subprocess.run(
        sweep(model, output, "--format", "json", *words), capture_output=True, text=True, env=environment(), timeout=120
    )
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    return json.loads(done.stdout), done.stderr


def wait_until(ready: Callable[[], Any]) -> Any:
    until = time.monotonic() + 60
    while not (found := ready()):
        assert time.monotonic() < until
        time.sleep(0.02)
    return found


def training(output: Path) -> bool:
    """Whether a job has come to where it can be continued from."""
    return bool(list(output.glob(".work/*/*/state.safetensors")))


def processes_of(output: Path, program: str) -> list[int]:
    """Processes whose command line names a program and the folder."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().decode(errors="replace").split("\0")
        except OSError:
            continue
        if program in words and any(word.startswith(str(output)) for word in words) and "--launcher" not in words:
            found.append(int(path.parent.name))
    return found


def the_job(output: Path) -> Sent:
    (sent,) = all_sent(output)
    return sent


@pytest.fixture(scope="module")
def other(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of other weights: work on equal ones is one work, whatever the models are called."""
    folder = Path(shutil.copytree(model, tmp_path_factory.mktemp("models") / "other"))
    (folder / "provenance.json").unlink()
    weights = load_file(folder / "model.safetensors")
    save_file({name: 1.5 * tensor for name, tensor in weights.items()}, folder / "model.safetensors", {"format": "pt"})
    return folder


def test_one_that_fails_is_told_with_its_log_and_sent_alone_when_the_command_is_repeated(
    model: Path, other: Path, tmp_path: Path
) -> None:
    output, broken = tmp_path / "out", Path(shutil.copytree(other, tmp_path / "broken"))
    (broken / "config.json").write_text("{")
    rows, said = finished(model, output, "--model", str(broken), *BRIEF, "--jobs", "2", code=4)
    assert [(row["model"], row["state"]) for row in rows] == [("small", "done"), ("broken", "failed")]
    assert rows[1]["about"].startswith(f"xlmr_bench: {broken}/config.json")
    assert "ended with code 3" in Path(rows[1]["log"]).read_text()
    assert "1 of 2 jobs failed" in said
    shutil.copy(other / "config.json", broken)
    rows, said = finished(model, output, "--model", str(broken), *BRIEF)
    assert "1 jobs done, 0 on their way, 1 to run" in said
    assert [(row["state"], row["attempts"]) for row in rows] == [("done", 1), ("done", 2)]
    assert len(list(find_records(output))) == 6


def test_ctrl_c_lets_the_jobs_save_and_the_same_command_continues_them(
    model: Path, tmp_path: Path, unbroken: Path
) -> None:
    output = tmp_path / "out"
    process = started(model, output)
    wait_until(lambda: training(output))
    process.send_signal(signal.SIGINT)
    out, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors
    assert "the same command continues" in errors
    assert "1 jobs: 1 stopped" in out
    assert not processes_of(output, "xlmr_bench")
    (row,), _ = finished(model, output)
    assert (row["state"], row["attempts"]) == ("done", 2)
    mine = {path: record for path, record in records(output) if not path.startswith(".")}
    assert mine == {path: record for path, record in records(unbroken) if "seed1" in path}


@pytest.mark.parametrize(
    ("program", "state"),
    [("xlmr_bench", "failed"), ("submitit.core._submit", "lost"), ("submitit.local._local", "lost")],
)
def test_kill_9_of_any_process_of_a_job_ends_all_and_is_seen(
    model: Path, tmp_path: Path, program: str, state: str
) -> None:
    output = tmp_path / "out"
    process = started(model, output)
    wait_until(lambda: training(output))
    (victim,) = processes_of(output, program)
    os.kill(victim, signal.SIGKILL)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 1, errors
    assert f"{state} small xnli transfer seed 1, 0 left" in errors
    assert f"log {output}/{the_job(output).log}" in errors
    wait_until(lambda: not processes_of(output, "xlmr_bench"))
    assert not list(find_records(output)), "it went on without its job"
    if state == "failed":
        (row,), _ = finished(model, output)
        assert (row["state"], row["attempts"]) == ("done", 2)


def test_jobs_survive_a_killed_sweep_and_two_others_at_once_start_only_the_rest_and_keep_to_the_limit(
    model: Path, other: Path, tmp_path: Path
) -> None:
    output = tmp_path / "out"
    words = ("--model", str(other), "--set", "steps=40")
    killed = subprocess.Popen(sweep(model, output, *words), stderr=subprocess.DEVNULL, env=environment())
    wait_until(lambda: training(output))
    killed.kill()
    killed.wait()
    both = [started(model, output, *words) for _ in range(2)]
    most = 0
    while any(process.poll() is None for process in both):
        most = max(most, len(processes_of(output, "xlmr_bench")))
        time.sleep(0.2)
    for process in both:
        out, errors = process.communicate()
        assert process.returncode == 0, errors
        assert "2 jobs: 2 done" in out
    assert most == 1
    for sent in all_sent(output):
        assert [event["event"] for event in read_journal(output, sent.place)] == ["start", "end"]


def test_without_a_launcher_several_run_one_after_the_other_and_one_that_fails_is_told(
    model: Path, other: Path, tmp_path: Path
) -> None:
    output, broken = tmp_path / "out", Path(shutil.copytree(other, tmp_path / "broken"))
    (broken / "config.json").unlink()
    words = command(broken, output, "--model", str(model), "--seed", "1", *BRIEF)
    done = subprocess.run(words, capture_output=True, text=True, env=environment(), timeout=120)
    assert done.returncode == 4, done.stderr
    assert f"xlmr_bench: xnli transfer with {broken} failed: {broken}: neither config.json nor" in done.stderr
    assert "1 of 2 runs failed" in done.stderr
    assert done.stdout.startswith("xnli transfer: test accuracy")
    assert {record["model"]["name"] for _, record in find_records(output)} == {"small"}
    assert not (output / ".jobs").exists()
