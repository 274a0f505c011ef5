"""The main job disturbed: killed, stopped, out of space, or sharing its output with other processes."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

from short_run import command, environment, records, values

from xlmr_bench.results import read_record


def test_killed_at_three_random_moments_the_records_are_the_same(model: Path, tmp_path: Path, unbroken: Path) -> None:
    output, kills = tmp_path / "out", 0
    rng = random.Random(int.from_bytes(os.urandom(4), "little"))
    while kills < 3:
        process = subprocess.Popen(
            command(model, output), stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL, env=environment()
        )
        moment = rng.uniform(0.0, 2.5)
        while not (output / ".work").exists() and process.poll() is None:
            time.sleep(0.02)
        time.sleep(moment)
        process.send_signal(signal.SIGKILL)
        process.wait()
        kills += 1
    subprocess.run(command(model, output), check=True, capture_output=True, env=environment(), timeout=120)
    assert dict(records(output)) == dict(records(unbroken))


def test_ctrl_c_exits_130_and_the_same_command_continues(model: Path, tmp_path: Path, unbroken: Path) -> None:
    output = tmp_path / "out"
    process = subprocess.Popen(command(model, output), stderr=subprocess.PIPE, text=True, env=environment())
    while not list(output.glob(".work/*/*/state.safetensors")) and process.poll() is None:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors
    assert "continues" in errors
    assert "Traceback" not in errors
    subprocess.run(command(model, output), check=True, capture_output=True, env=environment(), timeout=120)
    assert dict(records(output)) == dict(records(unbroken))


def test_a_full_disk_is_said_and_the_same_command_continues(model: Path, tmp_path: Path, unbroken: Path) -> None:
    output = tmp_path / "out"
    # Files of at most 300 kB: the first state does not fit, as on a disk that is full.
    limited = ["bash", "-c", 'ulimit -f 300; exec "$@"', "bash", *command(model, output)]
    done = subprocess.run(limited, capture_output=True, text=True, env=environment(), timeout=120, check=False)
    assert done.returncode == 1, done.stderr
    assert "cannot write" in done.stderr
    assert "free space" in done.stderr
    assert "Traceback" not in done.stderr
    assert not list(output.rglob("*.json"))
    subprocess.run(command(model, output), check=True, capture_output=True, env=environment(), timeout=120)
    assert dict(records(output)) == dict(records(unbroken))


def test_two_processes_writing_into_one_leaderboard_lose_nothing(model: Path, tmp_path: Path, unbroken: Path) -> None:
    output = tmp_path / "out"
    started = [
        subprocess.Popen(
            command(model, output, "--seed", s), stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL, env=environment()
        )
        for s in "12"
    ]
    assert [p.wait(120) for p in started] == [0, 0]
    found = dict(records(output))
    assert sum("seed2" in path for path in found) == 3
    assert {k: v for k, v in found.items() if "seed1" in k} == dict(records(unbroken))


def test_two_processes_at_the_same_work_do_not_disturb_each_other(model: Path, tmp_path: Path, unbroken: Path) -> None:
    output = tmp_path / "out"
    first = subprocess.Popen(
        command(model, output), stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL, env=environment()
    )
    while not list(output.glob(".work/*/*/state.safetensors")) and first.poll() is None:
        time.sleep(0.02)
    second = subprocess.run(
        command(model, output), capture_output=True, text=True, env=environment(), timeout=120, check=False
    )
    assert second.returncode == 1
    assert "another process is already working on" in second.stderr
    assert first.wait(120) == 0
    assert dict(records(output)) == dict(records(unbroken))


def test_two_torchrun_processes_give_the_predictions_of_one(model: Path, tmp_path: Path) -> None:
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", "--rdzv-backend", "c10d"]
    torchrun += ["--rdzv-endpoint", "localhost:0", "-m", "xlmr_bench"]
    single = command(model, tmp_path / "one")
    double = [*torchrun, *command(model, tmp_path / "two")[3:]]
    for words in (single, double):
        words[words.index("steps=160")] = "steps=24"
        done = subprocess.run(words, capture_output=True, text=True, env=environment(), timeout=180, check=False)
        assert done.returncode == 0, done.stderr
    one, two = (read_record(tmp_path / n / "small/xnli/transfer/joint/seed1.json") for n in ("one", "two"))
    assert values(one) == values(two)
    assert two["timing"]["processes"] == 2
